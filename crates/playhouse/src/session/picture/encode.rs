//! From pictures to access units: one thread for each quality, which sleeps while nobody watches it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playhouse_codec::video;
use playhouse_media::frame::Timeline;
use playhouse_media::ring::Ring;
use playhouse_media::sample::AccessUnit;
use playhouse_play::pacing::Pacer;
use playhouse_play::qualities::{PLAYERS, SPECTATORS};

use super::super::air::Air;
use super::super::meter::Meter;
use super::camera::{Camera, Lens, Wish};
use super::mailbox::{Mail, Picture};
use super::studio::Studio;
use crate::clock;

/// When a picture that stopped moving is encoded again: it becomes sharp, and a viewer who lost its last packet
/// learns of it.
const SETTLE: [Duration; 3] =
    [Duration::from_millis(60), Duration::from_millis(150), Duration::from_millis(400)];

/// How long the encoder sleeps when the picture stands still; only a bound, since it is woken for everything.
const IDLE: Duration = Duration::from_secs(5);

/// How often a picture that stands still is encoded again while it goes on the air: each costs some ten bytes, and
/// parts of live channels end only when the next picture comes.
const STEADY: Duration = Duration::from_millis(100);

/// How much less urgent than the rest of a session its spectators' encoder is, in steps of `nice`: on a machine that
/// has too little for both, spectators see fewer frames and players do not wait.
const SPECTATORS_NICE: i32 = 5;

/// Where the access units of a quality go.
pub(crate) struct Outlet {
    pub(crate) quality: u8,
    pub(crate) net: playhouse_net::Handle,
    pub(crate) kept: Option<Kept>,
}

/// Clips, numbers and live channels are of the players' quality.
pub(crate) struct Kept {
    pub(crate) ring: Arc<Mutex<Ring>>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) air: Arc<Air>,
}

impl Outlet {
    fn give(&self, unit: AccessUnit) {
        let (timeline, bytes, unit) = (unit.timeline, unit.data.len(), Arc::new(unit));
        if let Some(kept) = &self.kept {
            kept.meter.encoded(timeline, bytes);
        }
        self.net.video(self.quality, Arc::clone(&unit));
        if let Some(Kept { ring, air, .. }) = &self.kept {
            air.picture(&unit);
            ring.lock().unwrap_or_else(PoisonError::into_inner).video(unit);
        }
    }
}

/// Encodes a quality until the camera is closed. Runs on a thread of its own.
///
/// # Errors
/// When the encoder cannot be opened, or fails twice in a row.
pub(crate) fn encode(camera: &Camera, name: &str, outlet: &Outlet) -> Result<(), video::Error> {
    let lens = camera.lens(outlet.quality);
    let mut studio = Studio::new(name);
    let mut beat = None;
    if outlet.quality == PLAYERS {
        // A session that cannot encode ends before anybody waits for its picture.
        studio.open(lens.wish())?;
    } else {
        // Without leave to be less urgent it is as urgent as the others.
        rustix::process::nice(SPECTATORS_NICE).ok();
        beat = Some(Pacer::new(lens.wish().rate));
    }
    let mut film = Film { camera, lens, last: None, settled: SETTLE.len(), beat };
    while let Some(found) = film.next() {
        match found {
            Next::Unwatched if outlet.quality == SPECTATORS => studio.close(),
            // The players' encoder stays open: whoever comes next does not wait for it.
            Next::Unwatched | Next::Nothing => {}
            Next::Picture { picture, wish, keyframe } => {
                if let Some(unit) = studio.encode(picture, wish, keyframe)? {
                    outlet.give(unit);
                }
            }
        }
    }
    Ok(())
}

/// What is to be encoded next.
enum Next<'a> {
    Picture { picture: &'a Picture, wish: Wish, keyframe: bool },
    Nothing,
    Unwatched,
}

/// The pictures of one quality as they come, and the last one again when it stands still.
struct Film<'a> {
    camera: &'a Camera,
    lens: &'a Lens,
    last: Option<Picture>,
    /// How often the last picture was encoded again.
    settled: usize,
    /// Where fewer pictures are wanted than the stage gives.
    beat: Option<Pacer>,
}

impl Film<'_> {
    /// Waits; gives nothing at the end.
    fn next(&mut self) -> Option<Next<'_>> {
        let (lens, now) = (self.lens, clock::now());
        let rest = self.beat.as_ref().map_or(Duration::ZERO, |beat| beat.take_at(now, false).since(now));
        let idle = if lens.is_steady() { STEADY } else { IDLE };
        let wait = SETTLE.get(self.settled).copied().unwrap_or(idle).min(idle);
        let mail = lens.mailbox.take(rest, wait);
        if !lens.is_watched() && !matches!(mail, Mail::Closed) {
            self.keep(None);
            self.settled = SETTLE.len();
            return Some(Next::Unwatched);
        }
        match mail {
            Mail::Closed => return None,
            Mail::Picture(picture) => {
                self.settled = 0;
                self.keep(Some(picture));
            }
            Mail::Nothing => {
                let Some(picture) = &mut self.last else { return Some(Next::Nothing) };
                if !lens.wants_keyframe() && !lens.is_steady() && self.settled >= SETTLE.len() {
                    return Some(Next::Nothing);
                }
                self.settled = (self.settled + 1).min(SETTLE.len());
                let now = clock::now();
                picture.timeline = Timeline { commit: now, converted: now, ..picture.timeline };
                picture.pts = now;
            }
        }
        let wish = lens.wish();
        let picture = self.last.as_mut()?;
        if let Some(beat) = &mut self.beat {
            // A picture that has waited is older than the one that a viewer who changes over has just seen.
            picture.pts = clock::now();
            beat.set_rate(wish.rate);
            beat.taken(picture.pts);
        }
        Some(Next::Picture { picture, wish, keyframe: lens.take_keyframe() })
    }

    fn keep(&mut self, picture: Option<Picture>) {
        if let Some(old) = std::mem::replace(&mut self.last, picture) {
            self.camera.pool.give_back(old.nv12);
        }
    }
}
