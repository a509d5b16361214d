//! The end of the stage: turns frames into NV12 and leaves them for the encoders, on the stage's thread.

use std::sync::Arc;

use anyhow::Result;
use playhouse_codec::convert;
use playhouse_media::frame::{Damage, Nv12, Timeline};
use playhouse_play::qualities::{PLAYERS, SPECTATORS};
use playhouse_stage::compositor::{Frame, FrameSink};

use super::super::meter::Meter;
use super::camera::Camera;
use super::mailbox::Picture;
use crate::clock;

/// Takes the stage's frames.
pub(crate) struct Sink {
    camera: Arc<Camera>,
    meter: Arc<Meter>,
    /// The picture before, for what is not new in the next.
    last: Option<Arc<Nv12>>,
}

impl Sink {
    pub(crate) fn new(camera: Arc<Camera>, meter: Arc<Meter>) -> Self {
        Self { camera, meter, last: None }
    }

    /// Leaves a picture for each encoder whose quality is watched.
    fn leave(&self, picture: &Picture) {
        for quality in [PLAYERS, SPECTATORS] {
            let lens = self.camera.lens(quality);
            if !lens.is_watched() {
                continue;
            }
            if let Some(old) = lens.mailbox.put(picture.clone()) {
                self.camera.pool.give_back(old.nv12);
                // That spectators are sent fewer frames is meant.
                if quality == PLAYERS {
                    self.meter.skipped();
                }
            }
        }
    }
}

impl FrameSink for Sink {
    fn frame(&mut self, frame: &mut Frame<'_>) {
        // Where a frame is left out, its damage is missing from the last picture, so that the next one has to be whole.
        let last = self.last.take();
        if ![PLAYERS, SPECTATORS].iter().any(|quality| self.camera.lens(*quality).is_watched()) {
            return;
        }
        let mut nv12 = self.camera.pool.take().unwrap_or_else(|| Nv12::new(frame.size));
        let converted = convert_into(&mut nv12, last.as_deref(), frame);
        let nv12 = Arc::new(nv12);
        if let Some(last) = last {
            self.camera.pool.give_back(last);
        }
        if let Err(error) = converted {
            tracing::warn!(%error, "a frame was left out");
            self.camera.pool.give_back(nv12);
            return;
        }
        let timeline = Timeline {
            input_seq: frame.input_seq,
            input: frame.input,
            commit: frame.commit,
            converted: clock::now(),
            ..Timeline::default()
        };
        self.leave(&Picture { nv12: Arc::clone(&nv12), pts: frame.commit, timeline });
        self.last = Some(nv12);
    }
}

/// Makes a used picture that of a frame: `last` where nothing is new, if there is one of that size.
fn convert_into(nv12: &mut Nv12, last: Option<&Nv12>, frame: &mut Frame<'_>) -> Result<()> {
    let size = frame.size.even();
    let last = last.filter(|last| last.size() == size);
    let whole = [Damage::whole(size)];
    let bands = convert::damaged_rows(if last.is_some() { frame.damage } else { &whole }, size);
    match last {
        Some(last) if bands.first() != Some(&(0..size.height)) => nv12.clone_from(last),
        _ if nv12.size() != size => *nv12 = Nv12::new(size),
        // All of it is written now.
        _ => {}
    }
    for band in bands {
        let area = Damage { x: 0, y: band.start, width: size.width, height: band.end - band.start };
        let mut converted = Ok(());
        frame.pixels.read(area, &mut |strip| {
            if converted.is_ok() {
                let rows = strip.area.y..strip.area.y + strip.area.height;
                converted = convert::rows_to_nv12(strip.data, strip.stride, rows, nv12);
            }
        })?;
        converted?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use playhouse_media::frame::Size;
    use playhouse_media::time::Timestamp;
    use playhouse_stage::compositor::{Pixels, Spoiled, Strip};

    use super::super::camera::Wish;
    use super::super::mailbox::Mail;
    use super::*;

    const SIZE: Size = Size::new(67, 45);

    /// A game's picture in memory.
    struct Game {
        bgra: Vec<u8>,
        reads: usize,
        /// It takes its memory away after the first strip.
        spoils: bool,
    }

    impl Game {
        fn new() -> Self {
            Self { bgra: vec![0; SIZE.bgra_len()], reads: 0, spoils: false }
        }

        /// Draws other things in an area.
        fn draw(&mut self, area: Damage, seed: usize) {
            for y in area.y..area.y + area.height {
                for x in area.x * 4..(area.x + area.width) * 4 {
                    let at = (y * SIZE.width * 4 + x) as usize;
                    self.bgra[at] = u8::try_from((at * 7 + at / 91 * seed) % 256).unwrap_or(0);
                }
            }
        }

        /// What an encoder is to be given.
        fn nv12(&self) -> Nv12 {
            let mut nv12 = Nv12::new(SIZE);
            convert::to_nv12(&self.bgra, SIZE.width as usize * 4, &mut nv12).unwrap();
            nv12
        }
    }

    impl Pixels for Game {
        fn read(&mut self, area: Damage, each: &mut dyn FnMut(Strip<'_>)) -> Result<(), Spoiled> {
            self.reads += 1;
            let stride = SIZE.width as usize * 4;
            for y in (area.y..area.y + area.height).step_by(8) {
                let area = Damage { y, height: 8.min(area.y + area.height - y), ..area };
                let first = y as usize * stride + area.x as usize * 4;
                each(Strip { area, data: &self.bgra[first..], stride });
                if self.spoils {
                    return Err(Spoiled);
                }
            }
            Ok(())
        }
    }

    struct Session {
        sink: Sink,
        camera: Arc<Camera>,
        game: Game,
    }

    impl Session {
        fn watched() -> Self {
            let camera = Camera::new(Wish { size: SIZE, rate: 60, bitrate: 1 });
            let sink = Sink::new(Arc::clone(&camera), Arc::new(Meter::default()));
            camera.lens(PLAYERS).watch(true);
            Self { sink, camera, game: Game::new() }
        }

        /// The game draws, and the stage tells.
        fn frame(&mut self, damage: &[Damage], seed: usize) {
            for area in damage {
                self.game.draw(*area, seed);
            }
            self.sink.frame(&mut Frame {
                pixels: &mut self.game,
                size: SIZE,
                damage,
                input_seq: 0,
                input: Timestamp::ZERO,
                commit: Timestamp::ZERO,
            });
        }

        fn mail(&self) -> Option<Arc<Nv12>> {
            match self.camera.lens(PLAYERS).mailbox.take(Duration::ZERO, Duration::ZERO) {
                Mail::Picture(picture) => Some(picture.nv12),
                _ => None,
            }
        }
    }

    #[test]
    fn an_encoder_gets_what_the_game_shows_however_little_is_new() {
        let mut session = Session::watched();
        let whole = Damage::whole(SIZE);
        let parts = [
            Damage { x: 3, y: 5, width: 21, height: 17 },
            Damage { x: 41, y: 43, width: 26, height: 2 },
            Damage { x: 66, y: 44, width: 1, height: 1 },
        ];
        let mut held = Vec::new();
        for (seed, damage) in
            [&[whole][..], &parts[..1], &parts, &parts[2..], &[whole], &parts[1..]].iter().enumerate()
        {
            session.frame(damage, seed + 1);
            let nv12 = session.mail().unwrap();
            assert!(*nv12 == session.game.nv12(), "frame {seed}");
            // An encoder may hold on to what it has, which later frames must not write.
            held.push((nv12, session.game.nv12()));
            assert!(held.iter().all(|(held, shown)| **held == *shown), "frame {seed} wrote into another");
            if seed % 2 == 1 {
                for (nv12, _) in held.drain(..) {
                    session.camera.pool.give_back(nv12);
                }
            }
        }
    }

    #[test]
    fn what_was_missed_while_nobody_looked_is_seen_by_who_comes() {
        let mut session = Session::watched();
        session.frame(&[Damage::whole(SIZE)], 1);
        session.camera.lens(PLAYERS).watch(false);
        let before = session.game.reads;
        session.frame(&[Damage { x: 0, y: 0, width: 40, height: 40 }], 2);
        assert_eq!(session.game.reads, before, "nobody looks, and yet a picture is drawn");
        session.camera.lens(PLAYERS).watch(true);
        session.frame(&[Damage { x: 50, y: 30, width: 4, height: 4 }], 3);
        assert!(*session.mail().unwrap() == session.game.nv12());
    }

    #[test]
    fn a_picture_that_could_not_be_read_is_left_out_and_the_next_is_whole() {
        let mut session = Session::watched();
        session.frame(&[Damage::whole(SIZE)], 1);
        session.mail().unwrap();
        session.game.spoils = true;
        session.frame(&[Damage { x: 0, y: 0, width: 30, height: 30 }], 2);
        assert!(session.mail().is_none());
        session.game.spoils = false;
        session.frame(&[Damage { x: 2, y: 2, width: 2, height: 2 }], 3);
        assert!(*session.mail().unwrap() == session.game.nv12());
    }
}
