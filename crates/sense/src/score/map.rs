//! Mean average precision, as COCO defines it: <https://cocodataset.org/#detection-eval>.

use crate::detection::Detection;
use crate::scene::Figure;
use crate::score::LEAST_VISIBLE;

/// The overlaps (intersection over union) from which on something counts as found: 0.5, 0.55 and so on to 0.95.
const OVERLAPS: usize = 10;

/// Gathers what a detector found in many pictures.
#[derive(Clone, Debug)]
pub struct Map {
    labels: Vec<Gathered>,
}

/// Of one label.
#[derive(Clone, Debug, Default)]
struct Gathered {
    /// Things that were there to be found.
    there: usize,
    /// How sure, and whether it was right at each overlap; what is not to be judged at an overlap is neither.
    found: Vec<(f32, [Verdict; OVERLAPS])>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Verdict {
    Right,
    #[default]
    Wrong,
    NotJudged,
}

/// Average precision, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Precision {
    /// Where half of the common area is enough (mAP@0.5).
    pub half: f32,
    /// Mean over overlaps from 0.5 to 0.95 (mAP@0.5:0.95).
    pub strict: f32,
}

impl Map {
    /// For so many labels.
    pub fn new(labels: usize) -> Self {
        Self { labels: vec![Gathered::default(); labels] }
    }

    /// Takes what was found in one picture. What has a label beyond the known ones is passed over.
    pub fn add(&mut self, truth: &[Figure], found: &[Detection]) {
        for (label, gathered) in self.labels.iter_mut().enumerate() {
            let there: Vec<&Figure> =
                truth.iter().filter(|figure| usize::from(figure.label) == label).collect();
            let mut found: Vec<&Detection> =
                found.iter().filter(|one| usize::from(one.label) == label).collect();
            found.sort_by(|one, other| other.score.total_cmp(&one.score));
            gathered.add(&there, &found);
        }
    }

    /// Of each label; `None` where nothing with it was there.
    pub fn by_label(&self) -> Vec<Option<Precision>> {
        self.labels.iter().map(Gathered::precision).collect()
    }

    /// The mean over those labels of which anything was there.
    pub fn mean(&self) -> Precision {
        let all: Vec<Precision> = self.by_label().into_iter().flatten().collect();
        let mean = |of: fn(&Precision) -> f32| all.iter().map(of).sum::<f32>() / all.len().max(1) as f32;
        Precision { half: mean(|one| one.half), strict: mean(|one| one.strict) }
    }
}

impl Gathered {
    fn add(&mut self, there: &[&Figure], found: &[&Detection]) {
        let asked = |figure: &Figure| figure.visible >= LEAST_VISIBLE;
        self.there += there.iter().filter(|figure| asked(figure)).count();
        let first = self.found.len();
        self.found.extend(found.iter().map(|one| (one.score, [Verdict::default(); OVERLAPS])));
        for (n, overlap) in (0..OVERLAPS).map(|n| (n, 0.5 + 0.05 * n as f32)) {
            let mut taken = vec![false; there.len()];
            for (one, entry) in found.iter().zip(&mut self.found[first..]) {
                // Those that are asked for come first, then the best overlap.
                let best = there
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| !taken[*other])
                    .map(|(other, figure)| (other, asked(figure), figure.place.iou(&one.place)))
                    .filter(|&(_, _, iou)| iou >= overlap)
                    .max_by(|one, other| one.1.cmp(&other.1).then(one.2.total_cmp(&other.2)));
                if let Some((other, asked, _)) = best {
                    taken[other] = true;
                    entry.1[n] = if asked { Verdict::Right } else { Verdict::NotJudged };
                }
            }
        }
    }

    fn precision(&self) -> Option<Precision> {
        if self.there == 0 {
            return None;
        }
        let mut order: Vec<&(f32, [Verdict; OVERLAPS])> = self.found.iter().collect();
        order.sort_by(|one, other| other.0.total_cmp(&one.0));
        let at: Vec<f32> =
            (0..OVERLAPS).map(|n| self.average(order.iter().map(|entry| entry.1[n]))).collect();
        Some(Precision { half: at[0], strict: at.iter().sum::<f32>() / OVERLAPS as f32 })
    }

    /// The mean of the best precision at 101 levels of recall.
    fn average(&self, verdicts: impl Iterator<Item = Verdict>) -> f32 {
        let (mut right, mut judged) = (0_usize, 0_usize);
        let mut curve: Vec<(f32, f32)> = Vec::new();
        for verdict in verdicts.filter(|verdict| *verdict != Verdict::NotJudged) {
            judged += 1;
            right += usize::from(verdict == Verdict::Right);
            curve.push((right as f32 / self.there as f32, right as f32 / judged as f32));
        }
        let mut best = 0.0_f32;
        for point in curve.iter_mut().rev() {
            best = best.max(point.1);
            point.1 = best;
        }
        let level = |n: u8| {
            let wanted = f32::from(n) / 100.0;
            let after = curve.partition_point(|point| point.0 < wanted - 1e-6);
            curve.get(after).map_or(0.0, |point| point.1)
        };
        (0..=100).map(level).sum::<f32>() / 101.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Point, Rect};
    use crate::scene::{Chance, Options, Scene, imagine};

    fn rect(left: f32) -> Rect {
        Rect { left, top: 0.2, right: left + 0.1, bottom: 0.6 }
    }

    fn figure(left: f32, visible: f32) -> Figure {
        Figure { id: 1, label: 0, place: rect(left), foot: Point::default(), visible }
    }

    fn found(left: f32, score: f32) -> Detection {
        Detection { place: rect(left), label: 0, score }
    }

    fn half(truth: &[Figure], found: &[Detection]) -> f32 {
        let mut map = Map::new(1);
        map.add(truth, found);
        map.mean().half
    }

    #[test]
    fn who_finds_everything_and_nothing_else_is_perfect() {
        let truth = [figure(0.1, 1.0), figure(0.5, 1.0)];
        let mut map = Map::new(2);
        map.add(&truth, &[found(0.1, 0.9), found(0.5, 0.4)]);
        assert!((map.mean().strict - 1.0).abs() < 1e-6);
        assert_eq!(map.by_label()[1], None);
    }

    /// By hand: precision is 1 up to recall 0.5 (51 of 101 levels) and 2/3 up to 1.
    #[test]
    fn a_false_one_costs_what_it_should() {
        let truth = [figure(0.1, 1.0), figure(0.5, 1.0)];
        let value = half(&truth, &[found(0.1, 0.9), found(0.8, 0.6), found(0.5, 0.4)]);
        assert!((value - (51.0 + 50.0 * 2.0 / 3.0) / 101.0).abs() < 1e-5, "{value}");
        // Less sure than all that is right, it costs nothing; the second one of a thing is false, too.
        assert!((half(&truth, &[found(0.1, 0.9), found(0.5, 0.6), found(0.8, 0.4)]) - 1.0).abs() < 1e-6);
        assert!(half(&truth, &[found(0.1, 0.9), found(0.11, 0.8), found(0.5, 0.6)]) < 0.9);
        assert!((half(&truth, &[found(0.1, 0.9)]) - 51.0 / 101.0).abs() < 1e-6);
    }

    #[test]
    fn who_is_nearly_hidden_is_neither_asked_for_nor_false() {
        let truth = [figure(0.1, 1.0), figure(0.5, 0.1)];
        assert!((half(&truth, &[found(0.1, 0.5)]) - 1.0).abs() < 1e-6);
        assert!((half(&truth, &[found(0.5, 0.9), found(0.1, 0.5)]) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_place_that_is_a_bit_off_is_enough_for_half_but_not_for_strict() {
        let mut map = Map::new(1);
        map.add(&[figure(0.1, 1.0)], &[found(0.12, 0.9)]);
        let mean = map.mean();
        // The overlap is 2/3: enough at 0.5, 0.55, 0.6 and 0.65.
        assert!((mean.half - 1.0).abs() < 1e-6 && (mean.strict - 0.4).abs() < 1e-5, "{mean:?}");
    }

    #[test]
    fn worse_detectors_have_worse_figures() {
        let scene = Scene::new(Options::default());
        let judge = |misses: f32, jitter: f32| {
            let (mut map, mut chance) = (Map::new(3), Chance::new(1));
            for frame in (0..3000).step_by(15) {
                let truth = scene.truth(frame);
                map.add(&truth.figures, &imagine(&truth, &mut chance, misses, jitter));
            }
            map.mean()
        };
        let (perfect, good, bad) = (judge(0.0, 0.0), judge(0.1, 0.05), judge(0.4, 0.15));
        assert!(perfect.half > 0.999 && good.half > bad.half + 0.1, "{perfect:?} {good:?} {bad:?}");
        assert!(good.strict > bad.strict + 0.1, "{good:?} {bad:?}");
    }
}
