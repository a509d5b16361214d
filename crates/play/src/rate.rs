//! What a picture may cost: from congestion control's estimate to bitrate, then frame rate, then size.
//!
//! The bitrate follows the estimate: down at once, so that no queue builds up on the path; up in steps, so that
//! the path is tried and not flooded. Where a queue builds up all the same it is halved until that stops growing, and
//! waits until it is gone. Where the bitrate no longer suits the picture, the picture changes: half
//! the frames first, since a game is still playable at 30, then fewer pixels. Changing back needs clearly more
//! than changing down did, for a while, and for longer each time that it failed; so a path at the edge settles
//! instead of swinging.

use std::time::Duration;

use playhouse_media::frame::Size;
use playhouse_media::time::Timestamp;

use crate::queue::Load;

/// Bits per second below which a picture is not worth sending; the estimate is not followed further down.
pub const FLOOR: u32 = 300_000;

/// Bits per second kept for sound, messages and reports.
const RESERVE: u32 = 128_000;

/// Share of the estimate that pictures may use, in hundredths: the rest is for headers and for bursts.
const SHARE: u64 = 90;

/// Bits per pixel, in thousandths, below which motion falls apart with a fast encoder.
const POOR: u64 = 45;

/// Bits per pixel, in thousandths, at which a better picture is tried.
const GOOD: u64 = 75;

/// Share of the wanted bitrate, in hundredths, that is enough for any picture: where little is wanted at all, its
/// pictures are poor by the owner's decision, and giving up frames and pixels is for paths that carry less still.
const ENOUGH: u64 = 60;

/// Time between two steps up of the bitrate.
const STEP_INTERVAL: Duration = Duration::from_millis(500);

/// A step up multiplies the bitrate by so many hundredths.
const STEP: u64 = 150;

/// How long the bitrate has to be poor before the picture changes: a dip is not worth a change of size.
const POOR_FOR: Duration = Duration::from_secs(1);

/// How long a better picture has to be affordable before it is tried: at first, and at most after failures.
const GOOD_FOR: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(16));

/// A change for the better that lasts this long has succeeded.
const SUCCESS: Duration = Duration::from_secs(20);

/// Frames per second that a picture is halved to, and never below.
const LOW_RATE: u32 = 30;

/// Fractions of the sides that are tried, from the largest on.
const SCALES: [(u32, u32); 3] = [(3, 4), (1, 2), (1, 3)];

/// Lowest picture that scaling leads to; below it text cannot be read.
const MIN_HEIGHT: u32 = 300;

/// What congestion control knows of a peer's path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Bits per second that the path carries.
    pub estimate: u32,
    /// Share of packets lost, 0 to 1.
    pub loss: f32,
    /// Round trip; zero where it is unknown.
    pub rtt: Duration,
    /// What waits on the path, by [`crate::queue::Queue`].
    pub load: Load,
}

/// The best picture that is wanted: of the session, or the player's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Bits per second at most.
    pub bitrate: u32,
    /// Frames per second.
    pub rate: u32,
    /// Width and height.
    pub size: Size,
    /// Whether frame rate and size may be lowered. Where the player chose them only the bitrate moves.
    pub automatic: bool,
}

/// The picture to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Bits per second.
    pub bitrate: u32,
    /// Frames per second.
    pub rate: u32,
    /// Width and height, both even.
    pub size: Size,
}

/// Decides for one quality. With several viewers it is fed the report of the one with the least room.
#[derive(Clone, Debug)]
pub struct Controller {
    wanted: Wanted,
    /// Frame rate and size, from best to worst; never empty.
    ladder: Vec<(u32, Size)>,
    step: usize,
    bitrate: u32,
    raised: Timestamp,
    halved: Timestamp,
    poor_since: Option<Timestamp>,
    good_since: Option<Timestamp>,
    good_for: Duration,
    /// When the picture last became better, until that has succeeded or failed.
    tried: Option<Timestamp>,
}

impl Controller {
    /// Begins with the wanted picture at `start` bits per second.
    pub fn new(wanted: Wanted, start: u32, now: Timestamp) -> Self {
        Self {
            wanted,
            ladder: ladder(&wanted),
            step: 0,
            bitrate: start.clamp(FLOOR, wanted.bitrate.max(FLOOR)),
            raised: now,
            halved: Timestamp::ZERO,
            poor_since: None,
            good_since: None,
            good_for: GOOD_FOR.0,
            tried: None,
        }
    }

    /// Something else is wanted from now on: by the player, or after a change of the session's size.
    pub fn want(&mut self, wanted: Wanted, now: Timestamp) -> Target {
        if wanted != self.wanted {
            *self = Self::new(wanted, self.bitrate, now);
        }
        self.target()
    }

    /// The picture to encode now.
    pub fn target(&self) -> Target {
        let (rate, size) = self.ladder[self.step];
        Target { bitrate: self.bitrate, rate, size }
    }

    /// Takes a report, and gives the picture to encode from now on.
    pub fn report(&mut self, report: Report, now: Timestamp) -> Target {
        let budget = budget(report).clamp(FLOOR, self.wanted.bitrate.max(FLOOR));
        match report.load {
            Load::Clear => self.move_bitrate(budget, report.rtt, now),
            // What a cut did is seen after a round trip; until then it is not repeated.
            Load::Filling if now.since(self.halved) >= report.rtt => {
                self.halved = now;
                self.move_bitrate(budget.min(self.bitrate / 2).max(FLOOR), report.rtt, now);
            }
            Load::Full | Load::Filling => self.move_bitrate(budget.min(self.bitrate), report.rtt, now),
        }
        self.move_picture(budget, now);
        self.target()
    }

    fn move_bitrate(&mut self, budget: u32, rtt: Duration, now: Timestamp) {
        if budget <= self.bitrate {
            self.bitrate = budget;
            // A path that has just become narrower is not tried again before its queue has drained.
            self.raised = now;
        } else if now.since(self.raised) >= STEP_INTERVAL.max(rtt * 2) {
            let step = u64::from(self.bitrate) * STEP / 100;
            self.bitrate = u32::try_from(step).map_or(budget, |step| step.min(budget));
            self.raised = now;
        }
    }

    fn move_picture(&mut self, budget: u32, now: Timestamp) {
        if self.tried.is_some_and(|at| now.since(at) >= SUCCESS) {
            self.tried = None;
            self.good_for = GOOD_FOR.0;
        }
        let (rate, size) = self.ladder[self.step];
        let poor = budget < self.keeps(rate, size) && self.step + 1 < self.ladder.len();
        self.poor_since = poor.then(|| self.poor_since.unwrap_or(now));
        let better = self.step.checked_sub(1).map(|step| self.ladder[step]);
        let good = better.is_some_and(|(rate, size)| budget >= self.enough(rate, size));
        self.good_since = good.then(|| self.good_since.unwrap_or(now));
        if self.poor_since.is_some_and(|since| now.since(since) >= POOR_FOR) {
            self.step += 1;
            if self.tried.take().is_some() {
                self.good_for = (self.good_for * 2).min(GOOD_FOR.1);
            }
            self.changed();
        } else if self.good_since.is_some_and(|since| now.since(since) >= self.good_for) {
            self.step -= 1;
            self.tried = Some(now);
            self.changed();
        }
    }

    /// Bits per second below which a picture is given up.
    fn keeps(&self, rate: u32, size: Size) -> u32 {
        let share = u64::from(self.wanted.bitrate) * ENOUGH / 100;
        bits(POOR, rate, size).min(u32::try_from(share).unwrap_or(u32::MAX))
    }

    /// Bits per second that a picture needs before it is tried; clearly more than keeps it.
    fn enough(&self, rate: u32, size: Size) -> u32 {
        bits(GOOD, rate, size).min(self.wanted.bitrate.max(FLOOR))
    }

    /// Both waits begin anew with each picture.
    fn changed(&mut self) {
        self.poor_since = None;
        self.good_since = None;
    }
}

/// Bits per second for pictures out of an estimate. What is lost is sent again and needs room too.
pub(crate) fn budget(report: Report) -> u32 {
    let loss = if report.loss.is_finite() { report.loss.clamp(0.0, 0.5) } else { 0.0 };
    let usable = u64::from(report.estimate) * SHARE / 100;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u32, positive")]
    let usable = (usable as f64 * f64::from(1.0 - loss)) as u32;
    usable.saturating_sub(RESERVE)
}

/// The estimate that a path has to have for pictures of so many bits per second, without loss.
pub fn estimate_for(bitrate: u32) -> u32 {
    let estimate = (u64::from(bitrate) + u64::from(RESERVE)) * 100 / SHARE;
    u32::try_from(estimate + 1).unwrap_or(u32::MAX)
}

/// Bits per second of so many thousandths of a bit per pixel.
fn bits(per_pixel: u64, rate: u32, size: Size) -> u32 {
    let pixels = u64::from(size.width) * u64::from(size.height);
    u32::try_from(pixels * u64::from(rate) * per_pixel / 1000).unwrap_or(u32::MAX)
}

/// Frame rates and sizes from the wanted one down, each with clearly fewer pixels a second than the one before.
fn ladder(wanted: &Wanted) -> Vec<(u32, Size)> {
    let size = wanted.size.even();
    let mut ladder = vec![(wanted.rate, size)];
    if !wanted.automatic {
        return ladder;
    }
    let low = wanted.rate.min(LOW_RATE);
    if low < wanted.rate {
        ladder.push((low, size));
    }
    for (part, whole) in SCALES {
        let scaled = Size::new(size.width / whole * part, size.height / whole * part).even();
        if scaled.height >= MIN_HEIGHT {
            ladder.push((low, scaled));
        }
    }
    ladder
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WANTED: Wanted =
        Wanted { bitrate: 8_000_000, rate: 60, size: Size::new(1280, 720), automatic: true };

    /// Reports come this often.
    const TICK: Duration = Duration::from_millis(200);

    const SECOND: usize = 5;

    /// A controller and the clock of its reports.
    struct Path {
        controller: Controller,
        now: Timestamp,
    }

    impl Path {
        fn new(wanted: Wanted) -> Self {
            let now = Timestamp::from_micros(1_000_000);
            Self { controller: Controller::new(wanted, 4_000_000, now), now }
        }

        fn carry(&mut self, estimate: u32, loss: f32) -> Target {
            self.carry_under(Load::Clear, estimate, loss)
        }

        fn carry_under(&mut self, load: Load, estimate: u32, loss: f32) -> Target {
            self.now = self.now + TICK;
            let rtt = Duration::from_millis(40);
            self.controller.report(Report { estimate, loss, rtt, load }, self.now)
        }

        fn carry_for(&mut self, seconds: usize, estimate: u32) -> Target {
            (0..seconds * SECOND).map(|_| self.carry(estimate, 0.0)).last().unwrap()
        }
    }

    fn full(target: Target) -> bool {
        target == Target { bitrate: WANTED.bitrate, rate: WANTED.rate, size: WANTED.size }
    }

    #[test]
    fn a_wide_path_gets_the_wanted_picture_within_seconds() {
        let mut path = Path::new(WANTED);
        assert!(full(path.carry_for(4, 20_000_000)));
    }

    #[test]
    fn frames_go_before_pixels_and_all_of_it_comes_back() {
        let mut path = Path::new(WANTED);
        path.carry_for(10, 20_000_000);
        let narrow = path.carry_for(10, 2_000_000);
        assert_eq!((narrow.rate, narrow.size), (30, Size::new(1280, 720)));
        let narrower = path.carry_for(10, 1_200_000);
        assert_eq!((narrower.rate, narrower.size), (30, Size::new(960, 540)));
        let narrowest = path.carry_for(10, 500_000);
        assert_eq!((narrowest.rate, narrowest.size), (30, Size::new(640, 360)));
        assert!(full(path.carry_for(30, 20_000_000)));
    }

    #[test]
    fn a_short_dip_costs_bitrate_only() {
        let mut path = Path::new(WANTED);
        path.carry_for(10, 20_000_000);
        for _ in 0..4 {
            assert_eq!(path.carry(1_000_000, 0.0).size, WANTED.size);
        }
        assert_eq!(path.carry(20_000_000, 0.0).rate, 60);
        assert!(full(path.carry_for(8, 20_000_000)));
    }

    #[test]
    fn a_queue_that_fills_is_given_less_before_the_estimate_knows_of_it() {
        let mut path = Path::new(WANTED);
        path.carry_for(10, 20_000_000);
        let mut under = |load| path.carry_under(load, 20_000_000, 0.0).bitrate;
        assert_eq!([Load::Filling; 2].map(&mut under), [4_000_000, 2_000_000]);
        assert_eq!([Load::Full; 2].map(&mut under), [2_000_000; 2]);
        assert!(full(path.carry_for(4, 20_000_000)));
    }

    #[test]
    fn what_the_player_chose_stays_and_only_the_bitrate_moves() {
        let mut path = Path::new(Wanted { automatic: false, ..WANTED });
        let target = path.carry_for(30, 600_000);
        assert_eq!((target.rate, target.size), (60, WANTED.size));
        assert!(target.bitrate < 600_000);
    }

    #[test]
    fn room_is_left_for_sending_again_what_is_lost() {
        let mut path = Path::new(WANTED);
        let clean = path.carry(3_000_000, 0.0).bitrate;
        let lossy = path.carry(3_000_000, 0.1).bitrate;
        assert!(lossy < clean && lossy > clean / 2, "{lossy} of {clean}");
    }

    #[test]
    fn the_estimate_that_is_looked_for_is_enough() {
        for bitrate in [FLOOR, 1_234_567, 6_000_000, 50_000_000] {
            let report = |estimate| Report { estimate, loss: 0.0, rtt: Duration::ZERO, load: Load::Clear };
            assert!(budget(report(estimate_for(bitrate))) >= bitrate);
            assert!(budget(report(estimate_for(bitrate) - 10)) < bitrate);
        }
    }

    #[test]
    fn a_cheap_session_still_comes_back_to_its_own_picture() {
        let wanted = Wanted { bitrate: 1_500_000, ..WANTED };
        let mut path = Path::new(wanted);
        path.carry_for(20, 400_000);
        let mut seen = 0;
        for _ in 0..60 * SECOND {
            seen = seen.max(path.carry(20_000_000, 0.0).size.height);
        }
        assert_eq!(seen, 720);
    }

    #[test]
    fn ladders_have_even_sides_and_end_above_the_unreadable() {
        for (width, height) in [(1280, 720), (1920, 1080), (854, 480), (641, 363), (320, 200), (2, 2)] {
            let wanted = Wanted { size: Size::new(width, height), ..WANTED };
            let ladder = ladder(&wanted);
            for (_, size) in &ladder {
                assert_eq!((size.width % 2, size.height % 2), (0, 0));
            }
            let cost = |(rate, size): &(u32, Size)| size.width * size.height * rate;
            assert!(ladder.windows(2).all(|pair| cost(&pair[1]) * 10 < cost(&pair[0]) * 9), "{ladder:?}");
        }
    }

    fn any_wanted() -> impl Strategy<Value = Wanted> {
        let sizes = prop_oneof![
            Just(Size::new(1920, 1080)),
            Just(Size::new(1280, 720)),
            Just(Size::new(854, 480)),
            Just(Size::new(640, 360))
        ];
        (1_000_000..30_000_000_u32, 24..=120_u32, sizes, any::<bool>())
            .prop_map(|(bitrate, rate, size, automatic)| Wanted { bitrate, rate, size, automatic })
    }

    fn any_report() -> impl Strategy<Value = (u32, f32)> {
        let estimate = prop_oneof![any::<u32>(), 0..30_000_000_u32, 0..1_000_000_u32];
        let loss = prop_oneof![Just(0.0_f32), 0.0..1.0_f32, any::<f32>()];
        (estimate, loss)
    }

    proptest! {
        #[test]
        fn the_bitrate_is_within_the_estimate_the_wanted_and_the_floor(
            wanted in any_wanted(), reports in proptest::collection::vec(any_report(), 1..300)
        ) {
            let mut path = Path::new(wanted);
            for (estimate, loss) in reports {
                let target = path.carry(estimate, loss);
                prop_assert!(target.bitrate <= estimate.max(FLOOR));
                prop_assert!(target.bitrate <= wanted.bitrate.max(FLOOR));
                prop_assert!(target.bitrate >= FLOOR);
                prop_assert!(target.rate <= wanted.rate && target.size.height <= wanted.size.height);
                prop_assert!(wanted.automatic || (target.rate, target.size) == (wanted.rate, wanted.size));
            }
        }

        #[test]
        fn pictures_change_for_the_worse_at_most_once_a_second_and_for_the_better_every_four(
            wanted in any_wanted(), reports in proptest::collection::vec(any_report(), 1..600)
        ) {
            let mut path = Path::new(wanted);
            let (mut before, mut changed) = (path.controller.target(), path.now);
            for (estimate, loss) in reports {
                let target = path.carry(estimate, loss);
                let cost = |target: Target| target.size.width * target.size.height * target.rate;
                if cost(target) != cost(before) {
                    let least = if cost(target) > cost(before) { GOOD_FOR.0 } else { POOR_FOR };
                    prop_assert!(path.now.since(changed) >= least);
                    changed = path.now;
                }
                before = target;
            }
        }

        #[test]
        fn on_a_steady_path_the_picture_comes_to_rest(
            wanted in any_wanted(), estimate in 0..40_000_000_u32,
            reports in proptest::collection::vec(any_report(), 0..100)
        ) {
            let mut path = Path::new(wanted);
            for (estimate, loss) in reports {
                path.carry(estimate, loss);
            }
            let rest = path.carry_for(120, estimate);
            for _ in 0..60 * SECOND {
                prop_assert_eq!(path.carry(estimate, 0.0), rest);
            }
        }

        #[test]
        fn whatever_happened_a_wide_path_brings_the_wanted_picture_back_within_a_minute(
            wanted in any_wanted(), reports in proptest::collection::vec(any_report(), 0..300)
        ) {
            let mut path = Path::new(wanted);
            for (estimate, loss) in reports {
                path.carry(estimate, loss);
            }
            let top = Target { bitrate: wanted.bitrate, rate: wanted.rate, size: wanted.size };
            prop_assert_eq!(path.carry_for(70, 60_000_000), top);
        }
    }
}
