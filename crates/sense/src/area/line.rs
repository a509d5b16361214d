//! A directed line and who crosses it: once for each change of sides that is meant.

use std::collections::BTreeMap;
use std::time::Duration;

use playhouse_media::time::Timestamp;

use crate::geometry::Point;
use crate::observation::{Direction, TrackId};
use crate::settings::{Line, side};
use crate::track::Track;

/// Whoever stays on the other side for so long has crossed, however near to the line.
const STAYS: Duration = Duration::from_secs(1);

/// How far beyond the line somebody has to go, in their own widths: farther than boxes tremble.
const BEYOND: f32 = 0.15;

/// Bounds of that way, in widths or heights of the picture.
const LEAST_BEYOND: f32 = 0.006;
/// See [`LEAST_BEYOND`].
const MOST_BEYOND: f32 = 0.03;

/// On which side somebody is, as far as it is sure.
#[derive(Clone, Copy, Debug)]
struct Whereabouts {
    foot: Point,
    /// Whether the right side is the one that counts; `None`: was only ever seen on the line.
    right: Option<bool>,
    /// When the line was last passed, however little, and whether that was between its two ends.
    passed: Option<(Timestamp, bool)>,
}

/// A line and where everybody is.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) line: Line,
    tracks: BTreeMap<TrackId, Whereabouts>,
}

impl Watch {
    pub(super) fn new(line: Line) -> Self {
        Self { line, tracks: BTreeMap::new() }
    }

    /// Somebody is seen. The direction in which they have crossed by that.
    pub(super) fn see(&mut self, now: Timestamp, track: &Track) -> Option<Direction> {
        let foot = track.place.foot();
        let (from, to) = (self.line.from, self.line.to);
        let length = (to.x - from.x).hypot(to.y - from.y).max(f32::MIN_POSITIVE);
        let off = side(from, to, foot) / length;
        let (is_right, width) = (off >= 0.0, track.place.width().max(track.place.height() / 3.0));
        let beyond = (BEYOND * width).clamp(LEAST_BEYOND, MOST_BEYOND);

        let first = Whereabouts { foot, right: None, passed: None };
        let known = self.tracks.entry(track.id).or_insert(first);
        let Some(right) = known.right else {
            known.foot = foot;
            known.right = (off.abs() >= beyond / 3.0).then_some(is_right);
            return None;
        };
        if (side(from, to, known.foot) >= 0.0) != is_right {
            known.passed = Some((now, between(known.foot, foot, (from, to))));
        }
        known.foot = foot;
        let (since, between_ends) = known.passed?;
        if is_right == right || (off.abs() < beyond && now.since(since) < STAYS) {
            return None;
        }
        known.right = Some(is_right);
        between_ends.then_some(if is_right { Direction::In } else { Direction::Out })
    }

    /// Somebody is gone for good.
    pub(super) fn forget(&mut self, track: TrackId) {
        self.tracks.remove(&track);
    }
}

/// Whether the way from `a` to `b`, which passes the endless line, does so between the two ends.
fn between(a: Point, b: Point, (from, to): (Point, Point)) -> bool {
    (side(a, b, from) >= 0.0) != (side(a, b, to) >= 0.0)
}
