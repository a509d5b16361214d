//! Where somebody is at which time: ways through the room, with waits.

use super::chance::Chance;

/// A place on the floor: x in widths of the picture, y in heights (where the feet are drawn).
pub(super) type Spot = (f32, f32);

/// How far beyond the picture ways begin and end, in its widths: nobody appears out of nothing.
const MARGIN: f32 = 0.22;

/// The lowest and highest place of feet, in heights of the picture.
pub(super) const FLOOR: (f32, f32) = (0.42, 0.97);

/// From one spot to another, or a wait at one.
#[derive(Clone, Copy, Debug)]
struct Leg {
    from: Spot,
    to: Spot,
    /// Seconds since the journey began.
    start: f32,
    end: f32,
}

/// A way through the room.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    legs: Vec<Leg>,
}

/// Where somebody is on the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The feet.
    pub at: Spot,
    /// How far was walked so far, in heights of the picture: what the legs' swing follows.
    pub walked: f32,
    /// Whether they walk right now.
    pub moving: bool,
    /// Whether they look to the right.
    pub right: bool,
}

/// A spot and how long somebody stays there, in seconds.
type Stop = (Spot, f32);

impl Walk {
    /// A way of a person, which ends before `seconds` are over.
    pub(super) fn person(chance: &mut Chance, seconds: f32) -> Self {
        let right = chance.is(0.5);
        let (enters, leaves) = ends(right);
        let height = |chance: &mut Chance| chance.between(FLOOR.0, FLOOR.1);
        let first = (enters, height(chance));
        let near = |chance: &mut Chance, y: f32| (y + chance.between(-0.18, 0.18)).clamp(FLOOR.0, FLOOR.1);
        let mut stops: Vec<Stop> = vec![(first, 0.0)];
        let kind = chance.unit();
        if kind < 0.12 {
            // Looks in and goes back where they came from, some after having been inside.
            let turn = if right { chance.between(0.22, 0.8) } else { chance.between(0.2, 0.78) };
            let turn = off_the_door(turn);
            let spot = (turn, near(chance, first.1));
            stops.push((spot, chance.between(0.5, 2.5)));
            stops.push(((enters, near(chance, spot.1)), 0.0));
        } else {
            if kind < 0.5 {
                // Waits on the way.
                let spot = (off_the_door(chance.between(0.15, 0.85)), near(chance, first.1));
                stops.push((spot, chance.between(0.8, 4.0)));
            } else if kind < 0.75 {
                stops.push(((chance.between(0.3, 0.7), near(chance, first.1)), 0.0));
            }
            let y = stops.last().map_or(first.1, |stop| stop.0.1);
            stops.push(((leaves, near(chance, y)), 0.0));
        }
        Self::along(&stops, chance.between(0.0, 0.12) * seconds, chance.between(0.82, 0.98) * seconds)
    }

    /// A way straight through: of somebody with a trolley.
    pub(super) fn through(chance: &mut Chance, seconds: f32) -> Self {
        let (enters, leaves) = ends(chance.is(0.5));
        let y = chance.between(FLOOR.0 + 0.03, FLOOR.1);
        let to = (y + chance.between(-0.1, 0.1)).clamp(FLOOR.0, FLOOR.1);
        let mut stops = vec![((enters, y), 0.0)];
        if chance.is(0.3) {
            stops.push((
                (off_the_door(chance.between(0.2, 0.8)), f32::midpoint(y, to)),
                chance.between(1.0, 3.0),
            ));
        }
        stops.push(((leaves, to), 0.0));
        Self::along(&stops, chance.between(0.0, 0.15) * seconds, chance.between(0.85, 0.99) * seconds)
    }

    /// A way into the room and, after a long rest, out of it: of a box.
    pub(super) fn rest(chance: &mut Chance, seconds: f32) -> Self {
        let right = chance.is(0.5);
        let (enters, leaves) = ends(right);
        let y = chance.between(FLOOR.0, FLOOR.1);
        let spot = (off_the_door(chance.between(0.12, 0.88)), y);
        let moves = chance.between(8.0, 12.0).min(seconds * 0.5);
        let out = if chance.is(0.5) { leaves } else { enters };
        Self::along(
            &[((enters, y), 0.0), (spot, seconds * 0.95 - moves), ((out, y), 0.0)],
            0.0,
            seconds * 0.98,
        )
    }

    /// Through these stops, from `start` to `end`, at one speed.
    fn along(stops: &[Stop], start: f32, end: f32) -> Self {
        let length: f32 = stops.windows(2).map(|pair| distance(pair[0].0, pair[1].0)).sum();
        let waits: f32 = stops.iter().map(|stop| stop.1).sum();
        // Who has waited long hurries, but nobody runs.
        let pace = (end - start - waits).max(1.0) / length.max(0.01);
        let mut legs = Vec::with_capacity(stops.len() * 2);
        let mut now = start;
        for pair in stops.windows(2) {
            let ((from, waits), (to, _)) = (pair[0], pair[1]);
            let takes = distance(from, to) * pace;
            if waits > 0.0 {
                legs.push(Leg { from, to: from, start: now, end: now + waits });
            }
            now += waits;
            legs.push(Leg { from, to, start: now, end: now + takes });
            now += takes;
        }
        Self { legs }
    }

    /// Where they are after so many seconds; `None` before they came and after they left.
    pub(super) fn at(&self, seconds: f32) -> Option<Step> {
        let mut walked = 0.0;
        let mut right = true;
        for leg in &self.legs {
            let moving = leg.from != leg.to;
            if moving {
                right = leg.to.0 >= leg.from.0;
            }
            if seconds < leg.start {
                return None;
            }
            let part = ((seconds - leg.start) / (leg.end - leg.start).max(1e-6)).min(1.0);
            walked += part * distance(leg.from, leg.to);
            if seconds < leg.end {
                let at = (
                    leg.from.0 + (leg.to.0 - leg.from.0) * part,
                    leg.from.1 + (leg.to.1 - leg.from.1) * part,
                );
                return Some(Step { at, walked, moving, right });
            }
        }
        None
    }
}

/// Where a way begins and ends that goes to the right, or to the left.
fn ends(right: bool) -> (f32, f32) {
    if right { (-MARGIN, 1.0 + MARGIN) } else { (1.0 + MARGIN, -MARGIN) }
}

/// Nobody waits in the doorway.
fn off_the_door(x: f32) -> f32 {
    if (x - 0.5).abs() >= 0.1 {
        x
    } else if x < 0.5 {
        x - 0.1
    } else {
        x + 0.1
    }
}

fn distance(from: Spot, to: Spot) -> f32 {
    // Depth is drawn shorter than it is.
    (to.0 - from.0).hypot(1.5 * (to.1 - from.1))
}
