//! When a game's picture is taken, and when the game is asked for the next one.
//!
//! Frames are made when there is something new, capped at the session's rate. The cap is the generic cell rate
//! algorithm (ITU-T I.371): each frame moves the *due* time of the next by one interval, and a frame may be
//! early by a tolerance. An answer to an input has a tolerance of a whole interval, so that it need not wait for
//! the beat at all; it stands in for the next frame, and the average keeps to the rate.
//!
//! Asking a game for its next picture takes its place on the beat, since drawing takes time: the picture that was
//! asked for is taken when it is there, however long the game drew.

use std::time::Duration;

use playhouse_media::time::Timestamp;

/// How early an ordinary frame may come: the jitter of a game that keeps the beat by itself.
const JITTER: Duration = Duration::from_millis(2);

/// Most that one frame is moved towards the viewer's display: small enough not to be seen as a stutter.
const SLEW: Duration = Duration::from_micros(500);

/// The beat of one session.
#[derive(Debug, Clone)]
pub struct Pacer {
    interval: Duration,
    /// When the game is to be asked next, or a picture that nobody asked for may be taken.
    due: Timestamp,
    /// The game was asked, and has not answered yet.
    asked: bool,
    display: Option<Display>,
}

/// When the viewer's display shows its pictures.
#[derive(Debug, Clone, Copy)]
struct Display {
    /// When the game has to be asked so that its picture is ready for a vertical blank.
    ask: Timestamp,
    period: Duration,
}

impl Pacer {
    /// A beat of at most `rate` frames per second, from 1.
    pub fn new(rate: u32) -> Self {
        let interval = Duration::from_secs(1) / rate.max(1);
        Self { interval, due: Timestamp::ZERO, asked: false, display: None }
    }

    /// Time between two frames.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Another rate from now on.
    pub fn set_rate(&mut self, rate: u32) {
        self.interval = Duration::from_secs(1) / rate.max(1);
    }

    /// When a picture that is there may be taken: now, or the moment to wait for.
    pub fn take_at(&self, now: Timestamp, answers_input: bool) -> Timestamp {
        if self.asked {
            return now;
        }
        let tolerance = if answers_input { self.interval } else { JITTER.min(self.interval / 4) };
        now.max(self.due - tolerance)
    }

    /// A picture was taken. One that was asked for has its place on the beat already; any other takes the next.
    pub fn taken(&mut self, now: Timestamp) {
        self.due = now.max(self.due);
        if !std::mem::take(&mut self.asked) {
            self.due = self.due + self.interval;
        }
    }

    /// When the game is to be asked for its next picture (its frame callbacks are sent): now, or the moment to
    /// wait for. An input asks early, so that the game draws its answer at once.
    pub fn ask_at(&self, now: Timestamp, input_waits: bool) -> Timestamp {
        if input_waits {
            return now.max(self.due - self.interval);
        }
        now.max(self.in_step(self.due))
    }

    /// The game was asked for its next picture. A late waking does not move the beat, unless it is later than half an
    /// interval; a beat that follows a display is moved by it.
    pub fn asked(&mut self, now: Timestamp) {
        self.asked = true;
        let (early, late) = (self.due.since(now), now.since(self.due));
        let follows = self.display.is_some() && early.max(late) <= SLEW * 2;
        let base = if follows || late >= self.interval / 2 { now } else { self.due };
        self.due = base + self.interval;
    }

    /// The viewer's display shows a picture at `vblank` and each `period` after; from asking the game to the
    /// picture's being there, `lead` passes. Only a display of the session's own rate (within 2 %) is followed.
    pub fn follow(&mut self, vblank: Timestamp, period: Duration, lead: Duration) {
        let near = self.interval.abs_diff(period) <= self.interval / 50;
        self.display = near.then(|| Display { ask: vblank - lead, period });
    }

    /// No display is followed any more.
    pub fn unfollow(&mut self) {
        self.display = None;
    }

    /// `due`, moved by at most [`SLEW`] towards the display's next beat.
    fn in_step(&self, due: Timestamp) -> Timestamp {
        let Some(display) = self.display else { return due };
        let period = i128::try_from(display.period.as_micros()).unwrap_or(1).max(1);
        let ahead = i128::from(due.as_micros()) - i128::from(display.ask.as_micros());
        let mut late = ahead.rem_euclid(period);
        if late > period / 2 {
            late -= period;
        }
        let slew = i128::try_from(SLEW.as_micros()).unwrap_or(0);
        let step = u64::try_from(late.unsigned_abs().min(slew.unsigned_abs())).unwrap_or(0);
        let step = Duration::from_micros(step);
        if late > 0 { due - step } else { due + step }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: u64) -> Timestamp {
        Timestamp::from_micros(1_000_000 + micros)
    }

    #[test]
    fn the_first_picture_is_taken_at_once() {
        let pacer = Pacer::new(60);
        assert_eq!(pacer.take_at(at(0), false), at(0));
    }

    #[test]
    fn an_answer_to_an_input_does_not_wait_for_the_beat() {
        let mut pacer = Pacer::new(50);
        pacer.taken(at(0));
        assert_eq!(pacer.take_at(at(10_000), false), at(18_000));
        assert_eq!(pacer.take_at(at(1_000), true), at(1_000));
        assert_eq!(pacer.ask_at(at(1_000), true), at(1_000));
        assert_eq!(pacer.ask_at(at(1_000), false), at(20_000));
    }

    #[test]
    fn a_game_that_draws_slowly_keeps_the_rate() {
        let mut pacer = Pacer::new(50);
        for (frame, draws) in [9_000, 15_000, 4_000, 4_000].into_iter().enumerate() {
            let asked = at(20_000 * frame as u64);
            assert_eq!(pacer.ask_at(asked, false), asked);
            pacer.asked(asked);
            let there = asked + Duration::from_micros(draws);
            assert_eq!(pacer.take_at(there, false), there, "frame {frame}");
            pacer.taken(there);
        }
    }

    #[test]
    fn no_debt_gathers_that_an_answer_would_have_to_wait_for() {
        let mut pacer = Pacer::new(60);
        let mut now = at(0);
        // A minute of asking early for inputs, with a game that draws for three milliseconds.
        for turn in 0..3600 {
            now = pacer.ask_at(now, turn % 3 == 0);
            pacer.asked(now);
            now = now + Duration::from_millis(3);
            pacer.taken(now);
        }
        let wait = pacer.take_at(now, true).since(now);
        assert!(wait <= pacer.interval(), "{wait:?}");
    }

    #[test]
    fn a_late_waking_does_not_slow_the_beat() {
        let mut pacer = Pacer::new(30);
        let mut now = at(0);
        pacer.taken(now);
        for _ in 0..300 {
            now = pacer.ask_at(now, false) + Duration::from_micros(700);
            pacer.asked(now);
            pacer.taken(now + Duration::from_millis(1));
        }
        let seconds = now.since(at(0)).as_secs_f64();
        assert!((9.9..10.1).contains(&seconds), "300 frames at 30 per second took {seconds} s");
    }

    #[test]
    fn the_beat_moves_towards_the_display_and_stays() {
        let mut pacer = Pacer::new(60);
        let period = pacer.interval();
        pacer.follow(at(5_000), period, Duration::from_millis(12));
        let mut now = at(0);
        pacer.asked(now);
        for _ in 0..200 {
            now = pacer.ask_at(now, false);
            pacer.asked(now);
        }
        let micros =
            i64::try_from(now.as_micros()).unwrap() - i64::try_from(at(5_000).as_micros()).unwrap() + 12_000;
        let phase = micros.rem_euclid(i64::try_from(period.as_micros()).unwrap());
        assert!(!(700..=15_900).contains(&phase), "{phase}");
    }

    #[test]
    fn a_display_of_another_rate_is_not_followed() {
        let mut pacer = Pacer::new(60);
        pacer.follow(at(5_000), Duration::from_millis(10), Duration::ZERO);
        assert!(pacer.display.is_none());
    }

    proptest! {
        #[test]
        fn no_game_gets_more_than_its_rate(
            rate in 1..240_u32,
            commits in proptest::collection::vec((0..40_000_u64, any::<bool>()), 1..400),
        ) {
            let mut pacer = Pacer::new(rate);
            let mut now = at(0);
            let mut taken = 0_u32;
            for (gap, answers) in commits {
                now = now + Duration::from_micros(gap);
                now = pacer.take_at(now, answers);
                pacer.taken(now);
                taken += 1;
            }
            let span = now.since(at(0));
            let allowed = span.as_secs_f64() * f64::from(rate) + 2.0;
            prop_assert!(f64::from(taken) <= allowed + 0.01, "{taken} in {span:?} at {rate}");
        }

        #[test]
        fn a_picture_never_waits_longer_than_two_intervals(gaps in proptest::collection::vec(0..60_000_u64, 1..200)) {
            let mut pacer = Pacer::new(60);
            let mut now = at(0);
            for gap in gaps {
                now = now + Duration::from_micros(gap);
                let when = pacer.take_at(now, true);
                prop_assert!(when.since(now) <= pacer.interval() * 2);
                pacer.taken(when);
                now = when;
            }
        }
    }
}
