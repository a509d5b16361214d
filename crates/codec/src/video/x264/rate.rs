//! Rate control: the quantiser of each picture, so that the stream fits the line.
//!
//! libx264 has its own, which looks for motion in every picture once more to know what it will take; that is a quarter
//! of all its work. Here the pictures before and two cheap measures ([`Activity`]) say it as well.
//!
//! All prediction is in one form: `log2(bits) = level + shape - quantiser / 6`, since six steps of the quantiser
//! halve the precision. The shape follows from the picture, the level is learned.

use playhouse_media::frame::Size;
use playhouse_media::time::Timestamp;

use super::activity::Activity;

/// Below this quantiser nobody sees a difference, so that an easy picture costs fewer bits instead of more.
pub(super) const FINEST: u8 = 16;
/// H.264 ends at 51; beyond, libx264 leaves out more and more of what is fine.
pub(super) const COARSEST: u8 = 69;

/// Seconds that the line takes for the largest picture that is wanted: a longer one delays what follows, a shorter
/// one starves keyframes.
const BUFFER: f64 = 0.1;
/// Of the buffer, what a keyframe is meant to take.
const KEYFRAME: f64 = 0.6;
/// In terms of the buffer: a larger picture is encoded once more.
const TOO_LARGE: f64 = 1.2;
/// Seconds of the line that may wait all the time: none would leave it idle now and then.
const WAITING: f64 = 0.01;
/// Of what waits beyond that, what each picture makes up for.
const RETURN: f64 = 0.2;
/// Least and most that a picture is meant to take, in its shares of the bitrate.
const LEAST: f64 = 0.25;
const MOST: f64 = 1.5;
/// Refining may fill the line up to so many shares.
const REFINED: f64 = 1.1;
/// The quantiser gets finer by at most so much from picture to picture: what is sharper than its reference costs more
/// than the model knows.
const FINER: f64 = 2.0;

/// What is nearer to the quantiser of the picture before than this leaves it as it is: the encoder then need not look
/// at what stands still.
const STICKY: f64 = 0.9;

/// Seconds: a longer gap is a pause, which says nothing about the rate of the pictures that follow.
const PAUSE: f64 = 0.25;
/// Weight of a new interval against those before.
const INTERVAL_WEIGHT: f64 = 1.0 / 16.0;
/// Weight of a new P picture against those before, and of refinement, which varies less.
const LEVEL_WEIGHT: f64 = 0.3;
const REFINEMENT_WEIGHT: f64 = 0.5;
/// How bits grow with the share that changed, and with how much it changed: fitted to recorded games.
const BY_SHARE: f64 = 0.9;
const BY_AMOUNT: f64 = 0.35;
/// The activity of a picture that has nothing in common with the one before.
const EVERYTHING: f64 = 30.0;
/// In powers of two: a P picture takes at most so much more than a keyframe.
const ABOVE_KEYFRAME: f64 = 0.2;
/// In powers of two: one surprise teaches no more than this.
const SURPRISE: f64 = 4.0;

/// What a picture is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// The share of its macroblocks that changed, 0 to 1.
    pub(super) share: f64,
    /// How much.
    pub(super) activity: Activity,
}

/// Chooses quantisers and learns from what they gave.
#[derive(Debug)]
pub(super) struct RateControl {
    /// Bits per second.
    bitrate: f64,
    /// Seconds between pictures, smoothed.
    interval: f64,
    newest: Option<Timestamp>,
    /// Bits that were given to the line and have not gone through.
    waiting: f64,
    /// The quantiser of the newest picture.
    quantiser: f64,
    /// Levels of P pictures (none before the first), of keyframes, and of one refined macroblock.
    inter: Option<f64>,
    intra: f64,
    refinement: f64,
    macroblocks: f64,
}

impl RateControl {
    /// For pictures of `size`, `rate` of them per second until something else is seen.
    pub(super) fn new(bitrate: u32, rate: u32, size: Size) -> Self {
        let pixels = f64::from(size.width) * f64::from(size.height);
        Self {
            bitrate: bitrate.into(),
            interval: 1.0 / f64::from(rate.max(1)),
            newest: None,
            waiting: 0.0,
            quantiser: COARSEST.into(),
            inter: None,
            // A guess that recorded games come near to; the first keyframe is encoded again where it is far off.
            intra: pixels.log2() + 2.0,
            refinement: 8.0,
            macroblocks: (pixels / 256.0).max(1.0),
        }
    }

    /// Fits the line from the next picture on.
    pub(super) fn set_bitrate(&mut self, bitrate: u32) {
        self.bitrate = bitrate.into();
    }

    /// A picture comes: what waited has had that long to go through.
    pub(super) fn arrive(&mut self, pts: Timestamp) {
        if let Some(newest) = self.newest {
            let gap = pts.since(newest).as_secs_f64();
            self.waiting = (self.waiting - gap * self.bitrate).max(0.0);
            if gap < PAUSE {
                self.interval += (gap - self.interval) * INTERVAL_WEIGHT;
            }
        }
        self.newest = self.newest.max(Some(pts));
    }

    /// The quantiser for a keyframe.
    pub(super) fn of_keyframe(&self, change: Change) -> u8 {
        let buffer = self.bitrate * BUFFER;
        let bits = (buffer * KEYFRAME - self.waiting / 2.0).max(self.share());
        whole(6.0 * (self.keyframe_level(change) - bits.log2()))
    }

    /// The quantiser for a P picture. Where `still` is the coarsest one of what stands still, it is refined in steps
    /// of half the error.
    pub(super) fn of_picture(&self, change: Change, still: Option<u8>) -> u8 {
        let step = still.map_or(0.0, |still| f64::from(still) - 6.0);
        let wanted = self
            .picture_level(change)
            .map_or(FINEST.into(), |level| 6.0 * (level - self.wanted_bits().log2()));
        let wanted = wanted.max(self.quantiser - FINER).max(step);
        let stays = (wanted - self.quantiser).abs() < STICKY;
        whole(if stays { self.quantiser } else { wanted })
    }

    /// How many macroblocks there are bits to refine for, beside the changes of a picture with that quantiser.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is no less than zero")]
    pub(super) fn refinable(&self, change: Change, quantiser: u8) -> usize {
        let share = self.share() * REFINED - (self.waiting - self.bitrate * WAITING);
        let free = share - self.picture_bits(change, quantiser);
        (free / self.refined_bits(1, quantiser)).max(0.0) as usize
    }

    /// Learns that a keyframe took so many bits.
    pub(super) fn keyframe_took(&mut self, change: Change, quantiser: u8, bits: f64) {
        let miss = bits.max(1.0).log2() - (self.keyframe_level(change) - f64::from(quantiser) / 6.0);
        self.intra += miss;
        if self.inter.is_none() {
            // Sharpening a macroblock takes about what showing it did.
            self.refinement = (bits / self.macroblocks).max(1.0).log2() + f64::from(quantiser) / 6.0;
        }
        self.quantiser = quantiser.into();
    }

    /// Learns that a P picture took so many bits, with so many macroblocks refined.
    pub(super) fn picture_took(&mut self, change: Change, refined: usize, quantiser: u8, bits: f64) {
        let refinement = self.refined_bits(refined, quantiser);
        let changes = self.picture_bits(change, quantiser);
        let all = (refinement + changes).max(1.0);
        let part = refinement / all;
        let miss = (bits.max(1.0) / all).log2().clamp(-SURPRISE, SURPRISE);
        self.refinement += REFINEMENT_WEIGHT * part * miss;
        self.quantiser = quantiser.into();
        if change.share > 0.0 {
            let level = match self.inter {
                Some(inter) => inter + weight(miss) * (1.0 - part) * miss,
                None => self.first_level(change) + (1.0 - part) * miss,
            };
            // Where keyframes bound what is expected, it would go on learning without end.
            self.inter = Some(level.min(self.most(change) - shape(change) + 1.0));
        }
    }

    /// Whether a picture of so many bits holds the line up.
    pub(super) fn too_large(&self, bits: f64) -> bool {
        bits > self.bitrate * BUFFER * TOO_LARGE
    }

    /// So many bits are given to the line.
    pub(super) fn send(&mut self, bits: f64) {
        self.waiting += bits;
    }

    /// What the line carries from picture to picture, in bits. Slideshows do not fill more than the buffer.
    fn share(&self) -> f64 {
        self.bitrate * self.interval.min(BUFFER)
    }

    /// What a P picture is meant to take.
    fn wanted_bits(&self) -> f64 {
        let share = self.share();
        let room = self.bitrate * BUFFER - self.waiting;
        let wanted = share - (self.waiting - self.bitrate * WAITING) * RETURN;
        wanted.min(share * MOST).min(room).max(share * LEAST)
    }

    fn keyframe_level(&self, change: Change) -> f64 {
        self.intra + (change.activity.intra + 0.05).log2()
    }

    /// The level of a P picture, shape included; none where nothing changed.
    fn picture_level(&self, change: Change) -> Option<f64> {
        let most = self.most(change);
        let inter = self.inter.unwrap_or_else(|| self.first_level(change));
        (change.share > 0.0).then(|| (inter + shape(change)).min(most))
    }

    fn most(&self, change: Change) -> f64 {
        self.keyframe_level(change) + ABOVE_KEYFRAME
    }

    /// The level of P pictures as long as none has been seen: all of a picture changing is as much as a keyframe.
    fn first_level(&self, change: Change) -> f64 {
        let all = Activity { inter: EVERYTHING, ..change.activity };
        self.keyframe_level(change) - shape(Change { share: 1.0, activity: all })
    }

    fn picture_bits(&self, change: Change, quantiser: u8) -> f64 {
        self.picture_level(change).map_or(0.0, |level| (level - f64::from(quantiser) / 6.0).exp2())
    }

    fn refined_bits(&self, macroblocks: usize, quantiser: u8) -> f64 {
        macroblocks as f64 * (self.refinement - f64::from(quantiser) / 6.0).exp2()
    }
}

/// What a miss weighs: a large one shows that the scene has become another.
fn weight(miss: f64) -> f64 {
    if miss.abs() < 1.0 { LEVEL_WEIGHT } else { 2.0 * LEVEL_WEIGHT }
}

/// How much a P picture has to say, in powers of two.
fn shape(change: Change) -> f64 {
    let share = change.share.max(1e-4);
    BY_SHARE * share.log2() + BY_AMOUNT * (change.activity.inter / share).clamp(1.0, 100.0).log2()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within 16 and 69")]
fn whole(quantiser: f64) -> u8 {
    quantiser.round().clamp(FINEST.into(), COARSEST.into()) as u8
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SIZE: Size = Size::new(1280, 720);
    const BITRATE: u32 = 6_000_000;

    /// An encoder that needs `level` for P pictures: bits by the very law, or by another slope.
    struct Game {
        rate: RateControl,
        now: Timestamp,
        level: f64,
        slope: f64,
    }

    impl Game {
        fn new() -> Self {
            let mut rate = RateControl::new(BITRATE, 60, SIZE);
            rate.arrive(Timestamp::ZERO);
            rate.keyframe_took(moving(), 30, 300_000.0);
            rate.send(300_000.0);
            Self { rate, now: Timestamp::ZERO, level: 22.0, slope: 6.0 }
        }

        /// One picture after so many microseconds: its bits.
        fn picture(&mut self, gap: u64) -> f64 {
            self.now = self.now + Duration::from_micros(gap);
            self.rate.arrive(self.now);
            let quantiser = self.rate.of_picture(moving(), None);
            let bits = (self.level - f64::from(quantiser) / self.slope).exp2();
            self.rate.picture_took(moving(), 0, quantiser, bits);
            self.rate.send(bits);
            bits
        }

        fn bitrate(&mut self, count: u64, gap: u64) -> f64 {
            let bits: f64 = (0..count).map(|_| self.picture(gap)).sum();
            bits * 1e6 / (count * gap) as f64
        }
    }

    fn moving() -> Change {
        Change { share: 1.0, activity: Activity { inter: 10.0, intra: 5.0 } }
    }

    fn near(measured: f64, wanted: f64) {
        assert!((0.85..1.1).contains(&(measured / wanted)), "{measured:.0} instead of {wanted:.0}");
    }

    #[test]
    fn the_bitrate_is_met_whatever_the_rate_and_the_law() {
        for gap in [8_333, 16_667, 33_333, 66_667] {
            for slope in [5.0, 6.0, 9.0] {
                let mut game = Game { slope, ..Game::new() };
                game.bitrate(60, gap);
                near(game.bitrate(120, gap), BITRATE.into());
            }
        }
    }

    #[test]
    fn a_scene_that_gets_harder_or_easier_is_followed_within_some_pictures() {
        let mut game = Game::new();
        game.bitrate(60, 16_667);
        for level in [24.0, 21.0, 23.0] {
            game.level = level;
            game.bitrate(30, 16_667);
            near(game.bitrate(60, 16_667), BITRATE.into());
        }
    }

    #[test]
    fn a_new_bitrate_counts_from_the_next_pictures_on() {
        let mut game = Game::new();
        game.bitrate(60, 16_667);
        game.rate.set_bitrate(1_500_000);
        let largest = (0..10).map(|_| game.picture(16_667)).fold(0.0, f64::max);
        assert!(largest < 60_000.0, "{largest} bits where 25,000 fit");
        game.bitrate(30, 16_667);
        near(game.bitrate(60, 16_667), 1_500_000.0);
    }

    #[test]
    fn a_pause_saves_nothing_up() {
        let mut game = Game::new();
        game.bitrate(120, 16_667);
        let after = game.picture(5_000_000);
        assert!(after < 1.6 * 100_000.0, "{after} bits at once after a pause");
    }

    #[test]
    fn an_easy_scene_does_not_fill_the_line_for_nothing() {
        let mut game = Game { level: 16.0, ..Game::new() };
        game.bitrate(60, 16_667);
        assert_eq!(game.rate.of_picture(moving(), None), FINEST);
    }

    #[test]
    fn what_stands_still_is_refined_by_what_is_left_over() {
        let mut game = Game::new();
        game.bitrate(60, 16_667);
        game.now = game.now + Duration::from_secs(1);
        game.rate.arrive(game.now);
        let still = Change { share: 0.0, activity: Activity { inter: 0.0, intra: 5.0 } };
        let quantiser = game.rate.of_picture(still, Some(40));
        assert!((34..=38).contains(&quantiser), "{quantiser} in one step from 40");
        let count = game.rate.refinable(still, quantiser);
        let each = game.rate.refined_bits(1, quantiser);
        let all = count as f64 * each;
        assert!((80_000.0..=180_000.0).contains(&all), "{count} of {each:.0} bits");
        assert_eq!(game.rate.refinable(moving(), FINEST), 0, "the picture itself takes everything");
    }

    #[test]
    fn whatever_comes_the_numbers_stay_numbers() {
        let mut rate = RateControl::new(32_000, 1000, Size::new(16, 16));
        for i in 0..200_u32 {
            rate.arrive(Timestamp::from_micros(u64::from(i % 7) * 1_000_000));
            let change = Change {
                share: f64::from(i % 3) / 2.0,
                activity: Activity { inter: f64::from(i % 5) * 60.0, intra: f64::from(i % 2) * 255.0 },
            };
            let bits = [0.0, 8.0, 1e9][i as usize % 3];
            if i % 11 == 0 {
                let quantiser = rate.of_keyframe(change);
                rate.keyframe_took(change, quantiser, bits);
            } else {
                let quantiser = rate.of_picture(change, Some(u8::MAX));
                assert!((FINEST..=COARSEST).contains(&quantiser));
                let refined = rate.refinable(change, quantiser);
                rate.picture_took(change, refined.min(9), quantiser, bits);
            }
            rate.send(bits);
            assert!(rate.inter.is_none_or(f64::is_finite) && rate.intra.is_finite());
            assert!(rate.refinement.is_finite() && rate.waiting.is_finite(), "{rate:?}");
        }
    }
}
