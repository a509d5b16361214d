//! From a key press to a pixel: presses at random moments, and an eye on the mark that answers.

use std::ffi::OsStr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use playhouse_media::time::Timestamp;
use playhouse_testkit::clock;
use playhouse_testkit::eye::{Eye, Spot};
use playhouse_testkit::keys::Keys;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How often the screen is looked at.
const LOOK_EVERY: Duration = Duration::from_micros(300);
/// An answer that has not come by now is missed.
const PATIENCE: Duration = Duration::from_secs(1);
/// Gap between two presses, milliseconds: random, so that presses meet every phase of every clock on the way.
const GAP_MS: std::ops::Range<f64> = 120.0..350.0;
/// How long a key stays down: longer than a frame, shorter than the smallest gap.
const HELD: Duration = Duration::from_millis(45);
/// Brightness that parts the mark's two colours.
const MIDDLE: f64 = 128.0;
/// Presses that bring everything into motion before the first that counts.
const WARM_UP: usize = 12;

/// One press and what came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Press {
    /// When the key left for the X server.
    pub(crate) at: Timestamp,
    /// When the screen showed the answer.
    pub(crate) photon: Option<Timestamp>,
}

impl Press {
    pub(crate) fn millis(&self) -> Option<f64> {
        self.photon.map(|at| at.since(self.at).as_secs_f64() * 1000.0)
    }
}

/// Presses a key on a display and watches its mark.
pub(crate) struct Inputs {
    keys: Keys,
    eye: Eye,
    code: u16,
    random: StdRng,
}

impl Inputs {
    /// `code` is the key's evdev code, `mark` where the answer shows.
    pub(crate) fn new(display: &OsStr, code: u16, mark: Spot, seed: u64) -> Result<Self> {
        Ok(Self {
            keys: Keys::of(display).context("cannot type on the display")?,
            eye: Eye::open(display, mark).context("cannot look at the display")?,
            code,
            random: StdRng::seed_from_u64(seed),
        })
    }

    /// Presses until the mark answers several times in a row, at most for `within`.
    pub(crate) fn warm_up(&mut self, within: Duration) -> Result<()> {
        let end = clock::now() + within;
        let mut row = 0;
        while row < WARM_UP {
            row = if self.press()?.photon.is_some() { row + 1 } else { 0 };
            if clock::now() > end {
                bail!("the mark did not answer {WARM_UP} key presses in a row within {within:?}");
            }
        }
        Ok(())
    }

    /// Makes so many presses; `tell` hears of each.
    pub(crate) fn run(&mut self, count: usize, mut tell: impl FnMut(usize, &Press)) -> Result<Vec<Press>> {
        let mut presses = Vec::with_capacity(count);
        for index in 0..count {
            let press = self.press()?;
            tell(index, &press);
            presses.push(press);
        }
        Ok(presses)
    }

    fn press(&mut self) -> Result<Press> {
        thread::sleep(Duration::from_secs_f64(self.random.random_range(GAP_MS) / 1000.0));
        let (_, before) = self.eye.look()?;
        let bright = before > MIDDLE;
        let at = self.keys.press(self.code)?;
        let photon = self.eye.wait(LOOK_EVERY, PATIENCE, |now| (now > MIDDLE) != bright)?;
        thread::sleep(HELD.saturating_sub(clock::now().since(at)));
        self.keys.release(self.code)?;
        Ok(Press { at, photon })
    }
}
