//! The game itself: inputs and time go to the rules, what happened is painted, heard and kept.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lanterns::hands::Hands;
use lanterns::scene::Scene;
use lanterns::sky::{Event, Sky};
use playhouse_media::frame::Size;
use probe::pads::{Pad, Pads};
use probe::play::{Change, Fault, Play};
use probe::x11;

use crate::best::Best;
use crate::sound::Sound;

/// What it is painted for.
const SIZE: Size = Size::new(1280, 720);

pub(crate) fn main() -> ExitCode {
    match play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lanterns: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play() -> Result<(), Fault> {
    let pads = Pads::start()?;
    let best = Best::at_home();
    // Any number will do, as long as it is another one each time.
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    let game = Game {
        sky: Sky::new(seed, best.read()),
        scene: Scene::new(),
        hands: Hands::default(),
        sound: Sound::start()?,
        best,
        last: None,
    };
    x11::play("Lanterns", game, &pads)
}

struct Game {
    sky: Sky,
    scene: Scene,
    hands: Hands,
    sound: Sound,
    best: Best,
    last: Option<Instant>,
}

impl Game {
    fn happened(&self, event: Event) {
        self.sound.tell(event);
        if let Event::Ended { best: true } = event
            && let Err(error) = self.best.write(self.sky.best)
        {
            eprintln!("lanterns: the best score cannot be kept ({error}); it counts until the session ends");
        }
    }
}

impl Play for Game {
    fn size(&self) -> Size {
        SIZE
    }

    /// It has one size: a window of another one shows a part of it.
    fn resize(&mut self, _: Size) {}

    fn press(&mut self) {
        self.hands.press();
    }

    fn key(&mut self, code: u8, down: bool) {
        self.hands.key(code, down);
    }

    fn point(&mut self, x: f64, _: f64) {
        self.hands.point(x);
    }

    fn pads(&mut self, pads: &[Pad]) {
        self.hands.pads(pads);
    }

    fn rate(&self) -> Option<u32> {
        None
    }

    /// Nothing moves before its picture: that one comes 60 times a second.
    fn has_news(&self) -> bool {
        false
    }

    fn wants_picture(&self) -> bool {
        true
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    fn paint(&mut self, now: Instant, data: &mut [u8]) -> Change {
        let since = self.last.replace(now).map_or(Duration::ZERO, |last| now.duration_since(last));
        let seconds = since.as_secs_f32();
        let inputs = self.hands.inputs(seconds);
        let events = self.sky.step(&inputs, seconds);
        for event in &events {
            self.happened(*event);
        }
        self.scene.paint(&self.sky, &events, seconds.min(0.1), data)
    }
}
