//! The rules: what falls, what is caught, and what ends a round.
//!
//! Pure: the same seed, inputs and steps give the same game. Places are in pixels of a picture of [`WIDTH`] × [`HEIGHT`].

use std::f32::consts::TAU;

pub use crate::drift::{Boat, Lantern};
use crate::drift::{MARGIN, wind};

/// The picture that places are given in.
pub const WIDTH: f32 = 1280.0;
/// Its height.
pub const HEIGHT: f32 = 720.0;

/// Boats, and seats.
pub const BOATS: usize = 2;
/// Columns of the sky, each with a note of its own.
pub const COLUMNS: usize = 10;
/// Lanterns dropped in a row that end a round.
pub const DROPS: u8 = 3;

/// Where a boat can catch a lantern: from its rim down to the water.
pub const RIM: f32 = 572.0;
/// The water.
pub const WATER: f32 = 630.0;
/// How far from a boat's middle it catches.
pub const REACH: f32 = 88.0;

/// Seconds between two rounds, if somebody is there.
const REST: f32 = 10.0;
/// Seconds of it in which nothing begins, so that nobody misses what they reached.
const LOOK: f32 = 1.5;
/// Seconds to stand in the middle.
const STAND: f32 = 2.0;
/// How far from the middle still is the middle.
const MIDDLE: f32 = 110.0;
/// Longest step: a machine that slept does not drop what nobody could see.
const STEP: f32 = 0.05;
/// Pixels per second that somebody on foot goes.
const WALK: f32 = 430.0;
/// Seconds until lanterns have their pace again after they waited.
const SOFT: f32 = 1.5;
/// Lanterns in the sky at most.
const MOST: usize = 12;
/// One in so many is golden.
const GOLDEN: u32 = 9;

/// What people do, this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Inputs {
    /// Where each boat is wanted, -1 on the left to 1 on the right; nothing where nobody is.
    pub places: [Option<f32>; BOATS],
    /// Whether anything was pressed.
    pub pressed: bool,
}

/// What happened in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A boat caught a lantern there.
    Caught {
        /// Column of the sky.
        column: usize,
        /// Its place.
        at: (f32, f32),
        /// Whether it was a golden one.
        golden: bool,
    },
    /// A lantern touched the water there.
    Dropped {
        /// Its place.
        at: (f32, f32),
    },
    /// A round began.
    Began,
    /// A round ended, as the best so far or not.
    Ended {
        /// Whether no round was better.
        best: bool,
    },
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// Between rounds.
    Rest {
        /// Seconds until a round begins by itself.
        left: f32,
        /// Seconds that somebody has stood in the middle.
        stood: f32,
    },
    /// A round.
    Round,
}

/// The whole game.
#[derive(Clone, Debug, PartialEq)]
pub struct Sky {
    /// What is going on.
    pub phase: Phase,
    /// The lanterns.
    pub lanterns: Vec<Lantern>,
    /// The boats.
    pub boats: [Boat; BOATS],
    /// Points of this round, or of the last one.
    pub score: u32,
    /// Points of the best round.
    pub best: u32,
    /// Rounds that have ended.
    pub rounds: u32,
    /// Lanterns dropped in a row.
    pub drops: u8,
    /// How bright the valley is, 0 to 1.
    pub light: f32,
    /// Seconds that passed.
    pub time: f32,
    /// How much of their pace lanterns have: they set out softly when somebody comes back.
    ease: f32,
    caught: u32,
    next: f32,
    last: f32,
    dice: u32,
}

impl Sky {
    /// A quiet sky, before the first round.
    pub fn new(seed: u32, best: u32) -> Self {
        let boat = Boat { x: WIDTH / 2.0, speed: 0.0, manned: false };
        Self {
            phase: Phase::Rest { left: REST, stood: 0.0 },
            lanterns: Vec::new(),
            boats: [boat; BOATS],
            score: 0,
            best,
            rounds: 0,
            drops: 0,
            light: 0.3,
            time: 0.0,
            ease: 0.0,
            caught: 0,
            next: 0.0,
            last: WIDTH / 2.0,
            dice: seed | 1,
        }
    }

    /// Whether nobody is there: a round waits for them.
    pub fn waits(&self) -> bool {
        self.boats.iter().all(|boat| !boat.manned)
    }

    /// The column of a place.
    pub fn column(x: f32) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to the last column")]
        let column = (x / WIDTH * COLUMNS as f32).clamp(0.0, COLUMNS as f32 - 1.0) as usize;
        column
    }

    /// Goes on by `seconds`.
    pub fn step(&mut self, inputs: &Inputs, seconds: f32) -> Vec<Event> {
        let seconds = seconds.clamp(0.0, STEP);
        let mut events = Vec::new();
        for (boat, place) in self.boats.iter_mut().zip(inputs.places) {
            boat.steer(place, seconds);
        }
        if self.waits() && self.phase == Phase::Round {
            self.ease = 0.0;
            return events;
        }
        self.time += seconds;
        self.begin(inputs, seconds, &mut events);
        self.ease = (self.ease + seconds / SOFT).min(1.0);
        self.release(seconds * self.ease);
        self.fall(seconds * self.ease, &mut events);
        if self.drops >= DROPS {
            self.end(&mut events);
        }
        events
    }

    fn begin(&mut self, inputs: &Inputs, seconds: f32, events: &mut Vec<Event>) {
        let waits = self.waits();
        let centred = self.boats.iter().any(|boat| boat.manned && (boat.x - WIDTH / 2.0).abs() < MIDDLE);
        let Phase::Rest { left, stood } = &mut self.phase else { return };
        // The first round needs no look at what was reached.
        let looked = self.rounds == 0 || *left < REST - LOOK;
        if !waits || !looked {
            *left -= seconds;
        }
        *stood = if centred && looked { *stood + seconds } else { 0.0 };
        if looked && (inputs.pressed || *left <= 0.0 || *stood >= STAND) {
            self.phase = Phase::Round;
            self.lanterns.clear();
            (self.score, self.caught, self.drops) = (0, 0, 0);
            (self.next, self.light) = (0.8, 0.3);
            events.push(Event::Began);
        }
    }

    /// How much faster than at first.
    fn pace(&self) -> f32 {
        if self.phase == Phase::Round { (1.0 + self.caught as f32 * 0.035).min(4.2) } else { 0.8 }
    }

    fn release(&mut self, seconds: f32) {
        self.next -= seconds;
        if self.next > 0.0 || self.lanterns.len() >= MOST {
            return;
        }
        let pace = self.pace();
        let manned = self.boats.iter().filter(|boat| boat.manned).count().max(1);
        let wait = (1.9 - 0.3 * self.chance()) / pace;
        self.next = wait / if manned > 1 { 1.5 } else { 1.0 };
        // No farther from the one before than somebody goes until this one is down.
        let way = WALK * wait.max(0.55) * (2.0 * self.chance() - 1.0);
        let home = self.last + way;
        let turned = if (MARGIN..=WIDTH - MARGIN).contains(&home) { home } else { self.last - way };
        let home = turned.clamp(MARGIN, WIDTH - MARGIN);
        self.last = home;
        let golden = self.phase == Phase::Round && self.roll().is_multiple_of(GOLDEN);
        let lantern = Lantern {
            at: (home, -60.0),
            tilt: 0.0,
            colour: self.roll() as usize % 4,
            golden,
            home,
            pace: (100.0 + 30.0 * self.chance()) * pace.powf(0.7) * if golden { 1.15 } else { 1.0 },
            sway: (14.0 + 26.0 * self.chance(), 0.7 + 0.5 * self.chance(), TAU * self.chance()),
        };
        self.lanterns.push(lantern);
    }

    fn fall(&mut self, seconds: f32, events: &mut Vec<Event>) {
        let wind = wind(self.time);
        let playing = self.phase == Phase::Round;
        let boats = self.boats;
        let mut kept = Vec::with_capacity(self.lanterns.len());
        for mut lantern in std::mem::take(&mut self.lanterns) {
            lantern.drift(self.time, wind, seconds);
            let (x, y) = lantern.at;
            let under = boats.iter().any(|boat| boat.manned && (boat.x - x).abs() <= REACH);
            if playing && y >= RIM && under {
                self.caught += 1;
                self.score += if lantern.golden { 3 } else { 1 };
                self.drops = 0;
                self.light = (self.light + 0.045).min(1.0);
                events.push(Event::Caught { column: Self::column(x), at: (x, y), golden: lantern.golden });
            } else if y < WATER {
                kept.push(lantern);
            } else if playing {
                self.drops += 1;
                self.light = (self.light - 0.16).max(0.0);
                events.push(Event::Dropped { at: (x, WATER) });
            }
        }
        self.lanterns = kept;
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        self.phase = Phase::Rest { left: REST, stood: 0.0 };
        self.lanterns.clear();
        self.rounds += 1;
        self.drops = 0;
        let best = self.score > self.best;
        self.best = self.best.max(self.score);
        events.push(Event::Ended { best });
    }

    /// A number from 0 to 1.
    fn chance(&mut self) -> f32 {
        (self.roll() >> 8) as f32 / 16_777_216.0
    }

    /// Marsaglia's xorshift, of 32 bits.
    fn roll(&mut self) -> u32 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 17;
        self.dice ^= self.dice << 5;
        self.dice
    }
}
