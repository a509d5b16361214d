//! From what a sensor says to what is kept of it. Pure: takes `now`.

use playhouse_sense::observation::{Batch, Direction, Event, What};
use playhouse_store::Millis;
use playhouse_store::observations::{Delivery, Observation};
use playhouse_store::tallies::Tally;

use crate::clock::{DAY, MINUTE};

/// How far a sensor's clock may be ahead of ours: clocks that are set by the network differ by seconds.
pub(crate) const AHEAD: Millis = 5 * MINUTE;

/// The most columns, and the most rows, of a heat map that is added up: what a page can show.
const CELLS: u8 = 64;

/// Why a batch is not kept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unkept {
    /// Its numbers go back or stand still.
    #[error("its events are not in the order of their numbers, which begin at 1")]
    Order,
}

/// What is kept of a batch. A time that is over [`AHEAD`] ahead of `now`, or from before `oldest`, is not believed: the
/// observation stands at `now`, and the sensor's own time beside it.
///
/// # Errors
/// [`Unkept`].
pub(crate) fn delivery(sensor: i64, batch: &Batch, now: Millis, oldest: Millis) -> Result<Delivery, Unkept> {
    let rising = batch.events.windows(2).all(|pair| pair[0].seq < pair[1].seq);
    let first = batch.events.first().is_none_or(|event| event.seq > 0);
    let last = batch.events.last().is_none_or(|event| i64::try_from(event.seq).is_ok());
    if !(rising && first && last) {
        return Err(Unkept::Order);
    }
    let observations = batch.events.iter().map(|event| observation(event, now, oldest)).collect();
    Ok(Delivery { sensor, epoch: batch.epoch, observations })
}

fn observation(event: &Event, now: Millis, oldest: Millis) -> Observation {
    let said = Millis::try_from(event.at).unwrap_or(Millis::MAX);
    let believed = said <= now.saturating_add(AHEAD) && said >= oldest;
    let (at, sent) = if believed { (said, None) } else { (now, Some(said)) };
    let (area, track, tally) = parts(&event.what);
    let kind = event.what.kind();
    let what = serde_json::to_string(&event.what).unwrap_or_default();
    Observation { seq: event.seq, at, sent, kind, area, track, what, tally }
}

/// All kinds, as they are asked for.
pub(crate) const KINDS: [&str; 12] = [
    "appeared",
    "left",
    "crossed",
    "entered",
    "exited",
    "dwelt",
    "occupancy",
    "heat",
    "corrected",
    "app",
    "lost",
    "camera",
];

/// The line or zone that it is about, the track, and what is added up of it.
fn parts(what: &What) -> (Option<u16>, Option<u32>, Tally) {
    match what {
        What::Crossed { line, track, direction, .. } => {
            let tally = Tally::Crossed { line: *line, inward: *direction == Direction::In };
            (Some(*line), Some(*track), tally)
        }
        What::Entered { zone, track, .. } => (Some(*zone), Some(*track), Tally::Entered { zone: *zone }),
        What::Exited { zone, track, dwelt_ms } => {
            (Some(*zone), Some(*track), Tally::Exited { zone: *zone, dwelt: *dwelt_ms })
        }
        What::Dwelt { zone, track, .. } => (Some(*zone), Some(*track), Tally::Nothing),
        What::Occupancy { zone, count } => {
            (Some(*zone), None, Tally::Occupied { zone: *zone, count: *count })
        }
        What::Heat { columns, rows, cells } => (None, None, heat(*columns, *rows, cells)),
        What::Corrected { track, label: None } => (None, Some(*track), Tally::Void { track: *track }),
        What::Appeared { track, .. } | What::Left { track, .. } | What::Corrected { track, .. } => {
            (None, Some(*track), Tally::Nothing)
        }
        What::Camera { works: false } => (None, None, Tally::Blind),
        What::App { .. } | What::Lost { .. } | What::Camera { .. } => (None, None, Tally::Nothing),
    }
}

fn heat(columns: u8, rows: u8, cells: &[(u16, u16)]) -> Tally {
    if columns > CELLS || rows > CELLS {
        return Tally::Nothing;
    }
    let inside = |(cell, _): &&(u16, u16)| *cell < u16::from(columns) * u16::from(rows);
    Tally::Heat { columns, rows, cells: cells.iter().filter(inside).copied().collect() }
}

/// The oldest time that is believed: what is older would be gone at once.
pub(crate) fn oldest(now: Millis, days: u32) -> Millis {
    now.saturating_sub(Millis::from(days) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at: u64) -> Batch {
        Batch { epoch: 1, events: vec![Event { seq: 1, at, what: What::Camera { works: true } }] }
    }

    #[test]
    fn a_clock_that_is_wrong_is_not_believed_but_remembered() {
        let now = 100 * DAY;
        let oldest = oldest(now, 30);
        let kept = |said: Millis| {
            let delivery = delivery(1, &at(said.cast_unsigned()), now, oldest).unwrap();
            (delivery.observations[0].at, delivery.observations[0].sent)
        };
        assert_eq!(kept(now + AHEAD), (now + AHEAD, None));
        assert_eq!(kept(now + AHEAD + 1), (now, Some(now + AHEAD + 1)));
        assert_eq!(kept(70 * DAY), (70 * DAY, None));
        assert_eq!(kept(0), (now, Some(0)), "a sensor without a clock of its own loses nothing");
        let delivery = delivery(1, &at(u64::MAX), now, oldest).unwrap();
        assert_eq!(delivery.observations[0].sent, Some(Millis::MAX));
    }

    #[test]
    fn numbers_that_go_back_are_refused() {
        let event = |seq| Event { seq, at: 0, what: What::Lost { count: 1 } };
        for wrong in
            [vec![event(0)], vec![event(2), event(2)], vec![event(2), event(1)], vec![event(u64::MAX)]]
        {
            assert_eq!(delivery(1, &Batch { epoch: 1, events: wrong }, 0, 0), Err(Unkept::Order));
        }
        assert!(delivery(1, &Batch { epoch: 1, events: vec![event(2), event(9)] }, 0, 0).is_ok());
    }

    #[test]
    fn heat_outside_its_grid_is_left_out() {
        assert_eq!(heat(65, 1, &[(0, 1)]), Tally::Nothing);
        let inside = Tally::Heat { columns: 2, rows: 2, cells: vec![(3, 1)] };
        assert_eq!(heat(2, 2, &[(3, 1), (4, 1)]), inside);
    }
}
