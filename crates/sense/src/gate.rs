//! Whether anything moved in a picture, and where: what spares the detector pictures of an empty or quiet room.
//!
//! The picture is compared with the last one that was looked at, on a coarse grid of brightness, so that what creeps adds
//! up. What changes the whole picture alike (a cloud, a lamp that flickers) is taken out first. Each cell knows how much
//! it changes anyway (noise, a fan), and by how much it changed without anything being found there (a clock): only what
//! goes beyond both is motion.
//! However quiet it is, somebody looks every [`AGAIN`].

use std::time::Duration;

use playhouse_media::time::Timestamp;

use crate::geometry::Rect;
use crate::picture::Picture;

/// Cells in a row.
const COLUMNS: usize = 40;

/// Rows of cells.
const ROWS: usize = 30;

const CELLS: usize = COLUMNS * ROWS;

/// Pixels of a cell that are read, each way: enough that the sensor's noise goes to a quarter.
const SAMPLES: usize = 4;

/// How long a picture without motion is left unlooked at, at most.
pub const AGAIN: Duration = Duration::from_secs(2);

/// After motion the next pictures are looked at, too, so that tracks end where things came to rest.
const HOLD: Duration = Duration::from_millis(300);

/// What a cell changes by at least where something moves, in grey levels.
const LEAST: f32 = 3.5;

/// How many times its usual change a cell has to change by.
const UNUSUAL: f32 = 5.0;

/// How fast the usual change is learned: some three seconds at 15 pictures a second.
const LEARN: f32 = 0.02;

/// The usual change of a cell that nothing is known of: a sensor in the dark.
const UNKNOWN: f32 = 1.0;

/// What is kept of a change in vain from one picture to the next: it is forgotten in some ten minutes.
const KEEP: f32 = 1.0 - 1.0 / 9000.0;

/// Darker cells say nothing about how bright the picture is, in grey levels.
const DARK: f32 = 8.0;

/// What moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Whether a detector is to look.
    pub look: bool,
    /// Around all cells in which something moved; `None` where nothing did.
    pub place: Option<Rect>,
}

/// Says whether anything moved.
#[derive(Debug)]
pub struct Gate {
    size: (usize, usize),
    /// The picture that was looked at last, the one before, and this one.
    looked: Box<[f32; CELLS]>,
    before: Box<[f32; CELLS]>,
    grid: Box<[f32; CELLS]>,
    /// How much each cell changes from picture to picture without meaning anything.
    usual: Box<[f32; CELLS]>,
    /// By how much each cell changed when somebody looked in vain.
    vain: Box<[f32; CELLS]>,
    /// Cells in which something was found.
    occupied: Box<[bool; CELLS]>,
    moved_at: Option<Timestamp>,
    looked_at: Option<Timestamp>,
}

impl Default for Gate {
    fn default() -> Self {
        let zeros = || Box::new([0.0; CELLS]);
        Self {
            size: (0, 0),
            looked: zeros(),
            before: zeros(),
            grid: zeros(),
            usual: Box::new([UNKNOWN; CELLS]),
            vain: zeros(),
            occupied: Box::new([false; CELLS]),
            moved_at: None,
            looked_at: None,
        }
    }
}

impl Gate {
    /// What moved since the last picture that was [looked](Self::looked) at.
    pub fn picture(&mut self, now: Timestamp, picture: &Picture) -> Motion {
        std::mem::swap(&mut self.before, &mut self.grid);
        let size = (picture.width(), picture.height());
        if !read(picture, &mut self.grid) {
            return Motion { look: true, place: None };
        }
        if self.size != size {
            *self = Self {
                size,
                grid: std::mem::replace(&mut self.grid, Box::new([0.0; CELLS])),
                ..Self::default()
            };
            self.before.copy_from_slice(&*self.grid);
        }
        self.learn();
        let Some(looked_at) = self.looked_at else { return Motion { look: true, place: None } };
        let place = self.moved();
        if place.is_some() {
            self.moved_at = Some(now);
        }
        let holds = self.moved_at.is_some_and(|at| now.since(at) < HOLD);
        Motion { look: holds || now.since(looked_at) >= AGAIN, place }
    }

    /// A detector has looked at the picture, and things are there.
    pub fn looked(&mut self, now: Timestamp, things: impl Iterator<Item = Rect>) {
        self.occupied.fill(false);
        for thing in things {
            for row in cells(thing.top, thing.bottom, ROWS) {
                for column in cells(thing.left, thing.right, COLUMNS) {
                    self.occupied[row * COLUMNS + column] = true;
                }
            }
        }
        if self.looked_at.is_some() {
            self.regret();
        }
        self.looked_at = Some(now);
        self.looked.copy_from_slice(&*self.grid);
    }

    /// Cells that made somebody look in vain have to change by more the next time; those that did not, by less again.
    fn regret(&mut self) {
        let gain = gain(&self.looked, &self.grid);
        for n in 0..CELLS {
            let change = (self.grid[n] - gain * self.looked[n]).abs();
            if self.occupied[n] {
                self.vain[n] *= 0.5;
            } else if change > self.threshold(n) {
                // By steps: somebody who was overlooked now and then does not make the cell blind.
                self.vain[n] = self.vain[n].max((change * 1.2).min(self.vain[n] * 2.0 + LEAST));
            }
        }
    }

    /// By how much a cell changes where something moves, in grey levels.
    fn threshold(&self, n: usize) -> f32 {
        (UNUSUAL * self.usual[n]).max(self.vain[n]).max(LEAST)
    }

    /// What cells change by where nothing is, is usual.
    fn learn(&mut self) {
        let gain = gain(&self.before, &self.grid);
        for n in (0..CELLS).filter(|&n| !self.occupied[n]) {
            let change = (self.grid[n] - gain * self.before[n]).abs();
            // Somebody who comes in is unusual, and stays so; what never ends becomes usual within seconds.
            let bounded = change.min(3.0 * self.usual[n] + 1.0);
            self.usual[n] += LEARN * (bounded - self.usual[n]);
            self.vain[n] *= KEEP;
        }
    }

    /// Around all cells that differ from the picture that was looked at: one by far, or two that touch.
    fn moved(&self) -> Option<Rect> {
        let gain = gain(&self.looked, &self.grid);
        let by = |n: usize| (self.grid[n] - gain * self.looked[n]).abs() / self.threshold(n);
        let changed: Vec<f32> = (0..CELLS).map(by).collect();
        let mut around: Option<(usize, usize, usize, usize)> = None;
        for (n, change) in changed.iter().enumerate().filter(|(_, change)| **change > 1.0) {
            let (row, column) = (n / COLUMNS, n % COLUMNS);
            let beside = |inside: bool, other: usize| inside && changed[other] > 1.0;
            let meant = *change > 2.0
                || beside(column > 0, n.wrapping_sub(1))
                || beside(column + 1 < COLUMNS, n + 1)
                || beside(row > 0, n.wrapping_sub(COLUMNS))
                || beside(row + 1 < ROWS, n + COLUMNS);
            if meant {
                let (left, top, right, bottom) = around.unwrap_or((column, row, column, row));
                around = Some((left.min(column), top.min(row), right.max(column), bottom.max(row)));
            }
        }
        around.map(|(left, top, right, bottom)| Rect {
            left: left as f32 / COLUMNS as f32,
            top: top as f32 / ROWS as f32,
            right: (right + 1) as f32 / COLUMNS as f32,
            bottom: (bottom + 1) as f32 / ROWS as f32,
        })
    }
}

/// The cells that a stretch touches, and one more on each side: what was found there moves.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the grid")]
fn cells(from: f32, to: f32, count: usize) -> std::ops::Range<usize> {
    let cell = |part: f32| (part.clamp(0.0, 1.0) * count as f32) as usize;
    cell(from).saturating_sub(1)..(cell(to) + 2).min(count)
}

/// How much brighter the picture as a whole has become: the median over the cells, which a figure does not move.
fn gain(before: &[f32; CELLS], now: &[f32; CELLS]) -> f32 {
    let pairs = before.iter().zip(now).filter(|(before, _)| **before >= DARK);
    let mut ratios: Vec<f32> = pairs.map(|(before, now)| now / before).collect();
    if ratios.is_empty() {
        return 1.0;
    }
    let middle = ratios.len() / 2;
    *ratios.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// The mean brightness of each cell, in grey levels. Whether the picture is large enough to have cells.
fn read(picture: &Picture, grid: &mut [f32; CELLS]) -> bool {
    let (width, height) = (picture.width(), picture.height());
    if width < COLUMNS || height < ROWS {
        return false;
    }
    let middle = |n: usize, length: usize, cells: usize| (2 * n + 1) * length / (2 * cells * SAMPLES);
    let places: Vec<usize> = (0..COLUMNS * SAMPLES).map(|n| middle(n, width, COLUMNS) * 3).collect();
    let mut sums = [0_u16; COLUMNS];
    for (row, cells) in grid.chunks_exact_mut(COLUMNS).enumerate() {
        sums.fill(0);
        for sample in 0..SAMPLES {
            let y = middle(row * SAMPLES + sample, height, ROWS);
            let line = &picture.rgb()[y * width * 3..(y + 1) * width * 3];
            for (sum, places) in sums.iter_mut().zip(places.chunks_exact(SAMPLES)) {
                for &place in places {
                    let pixel = &line[place..place + 3];
                    *sum += (u16::from(pixel[0]) + 2 * u16::from(pixel[1]) + u16::from(pixel[2])) / 4;
                }
            }
        }
        for (cell, sum) in cells.iter_mut().zip(sums) {
            *cell = f32::from(sum) / (SAMPLES * SAMPLES) as f32;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scene::{Light, Options, Scene};

    const FRAME: Duration = Duration::from_micros(66_667);

    /// How many pictures of so many are looked at, when a detector finds what is really there. None are counted in the
    /// first `settle` ones.
    fn looks(options: Options, settle: u64, frames: u64) -> u64 {
        let scene = Scene::new(options);
        let (mut gate, mut picture, mut now) =
            (Gate::default(), Picture::black(1, 1), Timestamp::from_micros(9));
        let mut looks = 0;
        for frame in 0..frames {
            scene.render(frame, &mut picture);
            now = now + FRAME;
            if gate.picture(now, &picture).look {
                looks += u64::from(frame >= settle);
                gate.looked(now, scene.truth(frame).figures.iter().map(|figure| figure.place));
            }
        }
        looks
    }

    #[test]
    fn an_empty_room_is_looked_at_every_two_seconds_in_any_light() {
        for light in [Light::Day, Light::Dusk, Light::Flicker] {
            for noise in [1.0, 3.0, 8.0] {
                let options =
                    Options { people: 0, objects: 0, light, noise, barcode: false, ..Options::default() };
                let looks = looks(options, 0, 900);
                assert!(
                    (30..=45).contains(&looks),
                    "{looks} looks in a minute of {light:?} with noise {noise}"
                );
            }
        }
    }

    #[test]
    fn a_clock_in_the_picture_is_learned_within_seconds() {
        let options = Options { people: 0, objects: 0, ..Options::default() };
        let looks = looks(options, 450, 1350);
        assert!(looks <= 100, "{looks} looks in a minute at a barcode");
    }

    #[test]
    fn whoever_walks_is_looked_at() {
        for light in [Light::Day, Light::Dusk, Light::Flicker] {
            let scene = Scene::new(Options { seed: 3, light, barcode: false, ..Options::default() });
            let (mut gate, mut picture) = (Gate::default(), Picture::black(1, 1));
            let (mut now, mut looked, mut missed, mut walks) = (Timestamp::from_micros(9), 0, 0, 0);
            for frame in 0..1800 {
                scene.render(frame, &mut picture);
                now = now + FRAME;
                let truth = scene.truth(frame);
                if gate.picture(now, &picture).look {
                    looked = frame;
                    gate.looked(now, truth.figures.iter().map(|figure| figure.place));
                }
                let old = scene.truth(frame.saturating_sub(6));
                let far = |figure: &crate::scene::Figure| {
                    let was = old.figures.iter().find(|other| other.id == figure.id);
                    was.is_some_and(|was| (was.foot.x - figure.foot.x).abs() > 0.015 && figure.visible > 0.6)
                };
                if truth.figures.iter().any(far) {
                    walks += 1;
                    missed += u64::from(frame - looked > 6);
                }
            }
            assert!(
                walks > 1000 && missed * 200 < walks,
                "{missed} of {walks} pictures with walkers in {light:?}"
            );
        }
    }

    #[test]
    fn what_moved_is_where_it_was_or_is() {
        let mut gate = Gate::default();
        let mut picture = Picture::black(320, 240);
        picture.rgb_mut().fill(100);
        gate.picture(Timestamp::from_micros(1), &picture);
        gate.looked(Timestamp::from_micros(1), std::iter::empty());
        for y in 80..120 {
            picture.rgb_mut()[(y * 320 + 160) * 3..(y * 320 + 180) * 3].fill(180);
        }
        let place = gate.picture(Timestamp::from_micros(66_000), &picture).place.unwrap();
        let thing = Rect { left: 0.5, top: 80.0 / 240.0, right: 180.0 / 320.0, bottom: 0.5 };
        assert!(place.iou(&thing) > 0.7, "{place:?}");
    }

    #[test]
    fn a_picture_that_is_too_small_for_cells_is_looked_at() {
        let mut gate = Gate::default();
        assert!(gate.picture(Timestamp::ZERO, &Picture::black(20, 20)).look);
        assert!(gate.picture(Timestamp::ZERO, &Picture::black(0, 0)).look);
    }

    proptest! {
        #[test]
        fn nothing_is_left_unlooked_at_for_long(steps in prop::collection::vec((0_u8..4, 1_u64..400_000), 1..200)) {
            let (mut gate, mut picture) = (Gate::default(), Picture::black(48, 36));
            let (mut now, mut looked) = (Timestamp::from_micros(1), None);
            for (grey, micros) in steps {
                picture.rgb_mut().fill(grey * 60);
                now = now + Duration::from_micros(micros);
                if gate.picture(now, &picture).look {
                    gate.looked(now, std::iter::empty());
                    looked = Some(now);
                }
                prop_assert!(looked.is_some_and(|looked| now.since(looked) < AGAIN));
            }
        }
    }
}
