//! The game itself: what a press does, what is painted next, and when.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use playhouse_media::frame::Size;
use probe::layout::{BARCODE, BORDER, CROSSHAIR, MARK, Rect};
use probe::pads::{Pad, Pads};
use probe::play::{Change, Fault, Play};
use probe::scene::{Scene, State};
use probe::x11;

use crate::clicks::Clicks;
use crate::options::{Options, OptionsError};
use crate::wayland;

/// A stick that is so far from its middle is pressed to that side.
const PRESSED: f32 = 0.5;

/// Exit status of `--crash-after`: none that a shell or a signal gives.
const CRASHED: i32 = 70;

/// Runs the program as the command line asks.
pub(crate) fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return if error == OptionsError::Help { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    match play(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("probe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(options: Options) -> Result<(), Fault> {
    if let Some(after) = options.crash_after {
        thread::Builder::new().name("crash".to_owned()).spawn(move || {
            thread::sleep(after);
            eprintln!("probe: these are my last words, for I was told to crash after {} s", after.as_secs());
            std::process::exit(CRASHED);
        })?;
    }
    let clicks = if options.silent { Clicks::silent() } else { Clicks::start()? };
    let pads = Pads::start()?;
    let x11 = options.x11;
    let game = Game::new(options, clicks);
    if x11 { x11::play("Probe", game, &pads) } else { wayland::play(game, &pads) }
}

/// The state of the game, whatever it is shown on.
pub(crate) struct Game {
    options: Options,
    clicks: Clicks,
    scene: Scene,
    state: State,
    /// What the last picture showed, if there was one of this size.
    shown: Option<State>,
    last: Option<Instant>,
    /// To which side each pad's stick was.
    sides: Vec<Option<bool>>,
}

impl Game {
    fn new(options: Options, clicks: Clicks) -> Self {
        let scene = Scene::new(options.size, options.seed);
        Self { options, clicks, scene, state: State::default(), shown: None, last: None, sides: Vec::new() }
    }

    /// Where two pictures of one phase differ.
    fn parts(&self, shown: &State) -> Vec<Rect> {
        let mut parts =
            vec![BARCODE.scaled(self.size()).grown(BORDER), MARK.scaled(self.size()).grown(BORDER)];
        if shown.pointer != self.state.pointer {
            let around = |(x, y): (u32, u32)| Rect { x, y, width: 1, height: 1 }.grown(CROSSHAIR + 2);
            parts.extend([shown.pointer, self.state.pointer].into_iter().flatten().map(around));
        }
        parts
    }
}

impl Play for Game {
    fn size(&self) -> Size {
        self.scene.size()
    }

    fn resize(&mut self, size: Size) {
        if size != self.scene.size() {
            self.scene = Scene::new(size, self.options.seed);
            self.shown = None;
        }
    }

    fn press(&mut self) {
        self.state.reading.inputs = self.state.reading.inputs.wrapping_add(1);
        self.clicks.click();
    }

    fn point(&mut self, x: f64, y: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels, not below zero")]
        let pixel = |at: f64| at.max(0.0) as u32;
        self.state.pointer = Some((pixel(x), pixel(y)));
    }

    fn pads(&mut self, pads: &[Pad]) {
        let side = |pad: &Pad| (pad.stick.0.abs() > PRESSED).then_some(pad.stick.0 > 0.0);
        let sides: Vec<Option<bool>> = pads.iter().map(side).collect();
        let pressed = (0..sides.len())
            .any(|at| sides[at].is_some() && self.sides.get(at).copied().flatten() != sides[at]);
        self.sides = sides;
        if pressed {
            self.press();
        }
    }

    fn rate(&self) -> Option<u32> {
        self.options.rate
    }

    fn has_news(&self) -> bool {
        self.shown.is_none_or(|shown| shown.reading.inputs != self.state.reading.inputs)
    }

    fn wants_picture(&self) -> bool {
        !self.options.still
            || self.has_news()
            || self.shown.is_some_and(|shown| shown.pointer != self.state.pointer)
    }

    fn due(&self) -> Option<Instant> {
        Some(self.last? + Duration::from_secs(1) / self.options.rate?)
    }

    fn paint(&mut self, now: Instant, data: &mut [u8]) -> Change {
        if !self.options.still {
            // By pictures, not by the clock: two runs show the same pictures, however busy the machine.
            let step = 60 / self.options.rate.unwrap_or(60);
            self.state.phase = self.state.phase.wrapping_add(step.max(1));
        }
        self.scene.paint(&self.state, data);
        let change = match self.shown {
            Some(shown) if shown.phase == self.state.phase => Change::Parts(self.parts(&shown)),
            _ => Change::Everything,
        };
        self.shown = Some(self.state);
        self.state.reading.frame = self.state.reading.frame.wrapping_add(1);
        self.last = Some(now);
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn game(line: &str) -> Game {
        let arguments = format!("--size 320x240 {line}");
        let options = Options::parse(arguments.split_whitespace().map(str::to_owned)).unwrap();
        Game::new(options, Clicks::silent())
    }

    fn paint(game: &mut Game, now: Instant) -> Change {
        let mut data = vec![0; game.size().bgra_len()];
        game.paint(now, &mut data)
    }

    #[test]
    fn a_still_picture_is_painted_again_only_for_an_input() {
        let mut game = game("--still");
        let now = Instant::now();
        assert!(game.wants_picture());
        assert_eq!(paint(&mut game, now), Change::Everything);
        assert!(!game.wants_picture());
        game.press();
        assert!(game.wants_picture() && game.has_news());
        assert!(
            matches!(paint(&mut game, now + Duration::from_secs(5)), Change::Parts(parts) if parts.len() == 2)
        );
        game.point(10.0, 20.0);
        assert!(game.wants_picture() && !game.has_news());
    }

    #[test]
    fn a_stick_that_goes_to_a_side_is_a_press_and_one_that_stays_there_is_none() {
        let mut game = game("--still");
        let mut presses = |x: f32| {
            let before = game.state.reading.inputs;
            game.pads(&[Pad::default(), Pad { connected: true, stick: (x, 0.9) }]);
            game.state.reading.inputs - before
        };
        let moves = [0.0, 0.3, 0.6, 1.0, -0.7, -0.2, -0.6].map(&mut presses);
        assert_eq!(moves, [0, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn every_picture_of_a_moving_scene_is_another_one() {
        let mut game = game("");
        for frame in 0..3 {
            assert_eq!(game.state.reading.frame, frame);
            assert_eq!(paint(&mut game, Instant::now()), Change::Everything);
        }
        assert!(game.wants_picture() && !game.has_news());
    }
}
