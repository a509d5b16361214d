//! Detections as a detector might give them, made from the truth: for tests of what comes behind a detector.

use super::chance::Chance;
use super::truth::Truth;
use crate::detection::Detection;
use crate::geometry::{Point, Rect};

/// Below this part a figure is not found.
const HIDDEN: f32 = 0.3;

/// What a detector of this quality finds: it misses so many of the things (`misses`, 0 to 1), and middle and size of what
/// it finds are off by `jitter` (standard deviation, as a fraction of the thing's size). Figures of which little is seen
/// are not found, and there is a false one now and then (a tenth as often as misses).
pub fn imagine(truth: &Truth, chance: &mut Chance, misses: f32, jitter: f32) -> Vec<Detection> {
    let mut found = Vec::with_capacity(truth.figures.len() + 1);
    for figure in truth.figures.iter().filter(|figure| figure.visible >= HIDDEN) {
        if chance.is(misses) {
            continue;
        }
        let (width, height) = (figure.place.width(), figure.place.height());
        let middle = figure.place.centre();
        let centre = Point {
            x: middle.x + chance.bell() * jitter * width,
            y: middle.y + chance.bell() * jitter * height,
        };
        let size = |size: f32, chance: &mut Chance| size * (1.0 + chance.bell() * jitter).max(0.2);
        let place = clip(Rect::around(centre, size(width, chance), size(height, chance)));
        let score = (0.55 + 0.4 * figure.visible + 0.08 * chance.bell()).clamp(0.05, 0.99);
        found.push(Detection { place, label: figure.label, score });
    }
    if chance.is(misses * 0.1) {
        let centre = Point { x: chance.unit(), y: chance.between(0.3, 0.9) };
        let place = clip(Rect::around(centre, chance.between(0.05, 0.15), chance.between(0.1, 0.4)));
        found.push(Detection { place, label: 0, score: chance.between(0.2, 0.6) });
    }
    found
}

fn clip(rect: Rect) -> Rect {
    Rect {
        left: rect.left.clamp(0.0, 1.0),
        top: rect.top.clamp(0.0, 1.0),
        right: rect.right.clamp(0.0, 1.0),
        bottom: rect.bottom.clamp(0.0, 1.0),
    }
}
