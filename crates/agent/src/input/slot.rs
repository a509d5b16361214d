//! The place between the camera and who looks: one picture, the newest one wins.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use playhouse_sense::pace::{Pace, Pacer};
use playhouse_sense::settings::Settings;

use super::Shot;

/// One place for a picture. Whoever is slow loses pictures, and never time.
#[derive(Debug, Default)]
pub struct Slot {
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inside {
    pacer: Pacer,
    shot: Option<Shot>,
    dropped: u64,
    fault: Option<String>,
    closed: bool,
}

impl Default for Inside {
    fn default() -> Self {
        let pacer = Pacer::new(Settings::default().rate);
        Self { pacer, shot: None, dropped: 0, fault: None, closed: false }
    }
}

/// What was found in the slot.
#[derive(Debug)]
pub enum Taken {
    /// A picture.
    Shot(Shot),
    /// Nothing within the time.
    Nothing,
    /// There will be no more.
    Closed,
}

impl Slot {
    /// From now on so many pictures a second are of use.
    pub fn set_rate(&self, rate: f32) {
        self.lock().pacer.set_rate(rate);
    }

    /// Puts a picture in, unless it is one more than is of use; one that nobody took is dropped and counted.
    pub fn put(&self, shot: Shot) {
        let mut inside = self.lock();
        inside.fault = None;
        if inside.pacer.picture(shot.taken) == Pace::Spare {
            return;
        }
        // Whether somebody still looks at the one before is seen by whether it is still here.
        inside.pacer.done();
        if inside.shot.replace(shot).is_some() {
            inside.dropped += 1;
        }
        self.changed.notify_one();
    }

    /// There are no pictures, and this is why.
    pub fn fail(&self, why: String) {
        self.lock().fault = Some(why);
        self.changed.notify_one();
    }

    /// There will be no more.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Takes the newest picture, waiting for one as long as that.
    pub fn take(&self, patience: Duration) -> Taken {
        let inside = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(inside, patience, |inside| inside.shot.is_none() && !inside.closed);
        let (mut inside, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match inside.shot.take() {
            Some(shot) => Taken::Shot(shot),
            None if inside.closed => Taken::Closed,
            None => Taken::Nothing,
        }
    }

    /// How many pictures came while the one before was still looked at.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Why there are no pictures, where there are none.
    pub fn fault(&self) -> Option<String> {
        self.lock().fault.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Nothing here panics while it holds the lock; what is inside is whole.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use playhouse_sense::picture::Picture;

    use super::*;
    use playhouse_media::time::Timestamp;

    /// Pictures of a camera with 15 a second.
    fn shot(frame: u64) -> Shot {
        let taken = Timestamp::ZERO + Duration::from_millis(1_000 + frame * 67);
        Shot { picture: Picture::black(2, 2), frame, at: 0, taken }
    }

    #[test]
    fn who_is_slow_gets_the_newest_picture_and_the_others_are_counted() {
        let slot = Slot::default();
        (0..5).for_each(|frame| slot.put(shot(frame)));
        assert!(matches!(slot.take(Duration::ZERO), Taken::Shot(shot) if shot.frame == 4));
        assert_eq!(slot.dropped(), 4);
        assert!(matches!(slot.take(Duration::ZERO), Taken::Nothing));
        slot.close();
        assert!(matches!(slot.take(Duration::from_mins(1)), Taken::Closed));
    }

    #[test]
    fn a_camera_that_is_faster_than_wanted_loses_nothing_that_counts() {
        let slot = Slot::default();
        let fast = |n: u64| Shot { taken: Timestamp::from_micros(1_000_000 + n * 16_667), ..shot(n) };
        let mut looked = 0;
        for n in 0..600 {
            slot.put(fast(n));
            looked += u32::from(matches!(slot.take(Duration::ZERO), Taken::Shot(_)));
        }
        assert!((145..=155).contains(&looked), "{looked} of ten seconds");
        assert_eq!(slot.dropped(), 0);
    }

    #[test]
    fn a_picture_ends_the_complaint_about_there_being_none() {
        let slot = Slot::default();
        slot.fail("unplugged".into());
        assert_eq!(slot.fault().as_deref(), Some("unplugged"));
        slot.put(shot(0));
        assert_eq!(slot.fault(), None);
    }
}
