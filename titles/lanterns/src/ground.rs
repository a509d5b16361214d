//! What stands still: the valley as light as it is now, its windows, and the numbers in the corners.

use probe::layout::Rect;

use crate::canvas::{Canvas, Pixel, SIZE, Sprite, mix};
use crate::letters::{Digits, write};
use crate::paint::Light;
use crate::sky::{DROPS, Phase, Sky};
use crate::{props, scenery, village};

/// Steps of light between dark and bright: each is a picture of its own, and few need little of an encoder.
const STEPS: f32 = 24.0;
/// How fast the light follows, per second.
const FOLLOW: f32 = 0.3;

/// Where the numbers stand.
const CORNERS: [Rect; 2] =
    [Rect { x: 0, y: 0, width: 420, height: 130 }, Rect { x: 1040, y: 0, width: 240, height: 100 }];

/// What of it can change.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    step: u16,
    score: u32,
    best: u32,
    drops: u8,
    playing: bool,
}

/// What changed of it.
pub(crate) enum Changed {
    Nothing,
    Corners([Rect; 2]),
    Everything,
}

/// The picture without what moves.
pub(crate) struct Ground {
    dark: Vec<Pixel>,
    lit: Vec<Pixel>,
    pixels: Vec<Pixel>,
    windows: Vec<(f32, f32)>,
    window: Sprite,
    gleam: Sprite,
    tokens: [Sprite; 2],
    digits: Digits,
    best: Option<(u32, Sprite)>,
    light: f32,
    look: Option<Look>,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self {
            dark: scenery::paint(false),
            lit: scenery::paint(true),
            pixels: vec![[0; 4]; SIZE.0 * SIZE.1],
            windows: village::windows(),
            window: village::window(),
            gleam: village::gleam(),
            tokens: [false, true].map(props::token),
            digits: Digits::new(44.0, Light::hex(0xff_e9_b8)),
            best: None,
            light: 0.0,
            look: None,
        }
    }

    /// How light it is, 0 to 1.
    pub(crate) fn light(&self) -> f32 {
        self.light
    }

    /// Its pixels, row by row.
    pub(crate) fn pixels(&self) -> &[Pixel] {
        &self.pixels
    }

    /// Follows the sky.
    pub(crate) fn step(&mut self, sky: &Sky, seconds: f32) -> Changed {
        let way = if self.look.is_none() { 1.0 } else { FOLLOW * seconds };
        self.light += (sky.light - self.light).clamp(-way, way);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to the last step")]
        let step = (self.light * STEPS).round() as u16;
        let playing = sky.phase == Phase::Round;
        let look = Look { step, score: sky.score, best: sky.best, drops: sky.drops, playing };
        if self.look == Some(look) {
            return Changed::Nothing;
        }
        let before = self.look.replace(look);
        self.paint(look);
        if before.is_some_and(|before| before.step == step) {
            Changed::Corners(CORNERS)
        } else {
            Changed::Everything
        }
    }

    fn paint(&mut self, look: Look) {
        let share = f32::from(look.step) / STEPS;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 256")]
        mix(&mut self.pixels, &self.dark, &self.lit, (share * 256.0) as u16);
        let mut canvas = Canvas::new(&mut self.pixels);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no more than there are")]
        let lit = (self.windows.len() as f32 * (0.06 + 0.94 * share)).round() as usize;
        for (x, y) in self.windows.iter().take(lit) {
            canvas.lay(&self.gleam, (*x, 2.0 * scenery::SHORE - y - 6.0), 0.62);
            canvas.lay(&self.window, (*x, *y), 1.0);
        }
        if !look.playing {
            return;
        }
        canvas.lay(&self.tokens[1], (48.0, 54.0), 1.0);
        self.digits.lay(&mut canvas, look.score, (82.0, 54.0));
        if self.best.as_ref().is_none_or(|(best, _)| *best != look.best) {
            let words = format!("BEST {}", look.best);
            self.best = Some((look.best, write(&words, 15.0, Light::hex(0xb0_a8_c2))));
        }
        if let Some((1.., best)) = &self.best {
            canvas.lay(best, (28.0 + best.middle.0, 104.0), 1.0);
        }
        for drop in 0..DROPS {
            let lit = drop >= look.drops;
            canvas.lay(&self.tokens[usize::from(lit)], (1128.0 + 48.0 * f32::from(drop), 52.0), 1.0);
        }
    }
}
