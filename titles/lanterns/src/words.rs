//! What is said between rounds and while a round waits, in the fewest words.

use crate::canvas::{Canvas, Sprite};
use crate::letters::write;
use crate::paint::Light;
use crate::props;
use crate::sky::{Phase, Sky, WIDTH};

/// All words that are ever written.
pub const WORDS: [&str; 6] =
    ["LANTERNS", "STAND IN THE MIDDLE", "MOVE TO BEGIN", "WAITING FOR YOU", "NEW BEST", "BEST"];

/// Dots that fill while somebody stands in the middle.
const DOTS: u8 = 9;
/// Seconds that fill them.
const STAND: f32 = 2.0;

/// Them, written once.
pub(crate) struct Words {
    title: Sprite,
    stand: Sprite,
    begin: Sprite,
    wait: Sprite,
    dots: [Sprite; 2],
    spot: Sprite,
    /// What was reached in the round of this number.
    reached: Option<(u32, Sprite, Sprite)>,
    shown: f32,
}

impl Words {
    pub(crate) fn new() -> Self {
        let (ink, gold) = (Light::hex(0xf4_f1_fa), Light::hex(0xff_d2_7a));
        Self {
            title: write(WORDS[0], 92.0, gold),
            stand: write(WORDS[1], 24.0, ink),
            begin: write(WORDS[2], 24.0, ink),
            wait: write(WORDS[3], 34.0, ink),
            dots: [Light::hex(0xb0_a8_c2).times(0.5), Light::hex(0xff_c8_5a)]
                .map(|light| props::glow(9.0, 1.0, light)),
            spot: props::glow(30.0, 4.4, Light::hex(0xff_c8_5a).times(0.7)),
            reached: None,
            shown: 0.0,
        }
    }

    /// The name alone.
    pub(crate) fn title(&self, canvas: &mut Canvas<'_>) {
        canvas.lay(&self.title, (WIDTH / 2.0, 208.0), 1.0);
    }

    pub(crate) fn lay(&mut self, canvas: &mut Canvas<'_>, sky: &Sky, time: f32, seconds: f32) {
        let middle = WIDTH / 2.0;
        let pulse = 0.72 + 0.28 * (time * 2.2).sin();
        let Phase::Rest { stood, .. } = sky.phase else {
            self.shown = 0.0;
            if sky.waits() {
                canvas.lay(&self.wait, (middle, 330.0), 0.4 + 0.6 * pulse);
            }
            return;
        };
        self.shown = (self.shown + seconds * 1.6).min(1.0);
        if sky.rounds == 0 {
            canvas.lay(&self.title, (middle, 208.0), self.shown);
        } else {
            self.reach(sky);
            if let Some((_, score, best)) = &self.reached {
                canvas.lay(score, (middle, 196.0), self.shown);
                canvas.lay(best, (middle, 286.0), self.shown);
            }
        }
        let hint = if sky.waits() { &self.begin } else { &self.stand };
        canvas.lay(hint, (middle, 344.0), self.shown * if stood > 0.0 { 1.0 } else { pulse });
        if sky.waits() {
            return;
        }
        canvas.lay(&self.spot, (middle, 652.0), self.shown * (0.35 + 0.4 * pulse));
        for dot in 0..DOTS {
            let full = stood / STAND * f32::from(DOTS) > f32::from(dot);
            let x = middle + 26.0 * (f32::from(dot) - f32::from(DOTS - 1) / 2.0);
            canvas.lay(&self.dots[usize::from(full)], (x, 386.0), self.shown);
        }
    }

    /// Writes what was reached, once for a round.
    fn reach(&mut self, sky: &Sky) {
        if self.reached.as_ref().is_some_and(|(round, ..)| *round == sky.rounds) {
            return;
        }
        let score = write(&sky.score.to_string(), 104.0, Light::hex(0xff_d2_7a));
        let best = if sky.score > 0 && sky.score == sky.best {
            write(WORDS[4], 24.0, Light::hex(0x45_cd_b8))
        } else {
            write(&format!("{} {}", WORDS[5], sky.best), 24.0, Light::hex(0xb0_a8_c2))
        };
        self.reached = Some((sky.rounds, score, best));
    }
}
