//! A zone: who is in it, for how long, and how many.

use std::collections::BTreeMap;
use std::time::Duration;

use playhouse_media::time::Timestamp;

use crate::geometry::Point;
use crate::observation::{TrackId, What};
use crate::settings::Zone;
use crate::track::Track;

/// Whoever is inside, or outside, for so long went in, or out: boxes tremble at the edge.
const MEANT: Duration = Duration::from_millis(400);

/// A number of people is told when it stayed so for so long.
const SETTLED: Duration = Duration::from_secs(1);

/// Feet at the edge of the picture are this far within it, so that a zone up to the edge has them.
const WITHIN: f32 = 1e-4;

/// One track and the zone.
#[derive(Clone, Copy, Debug)]
struct Stay {
    inside: bool,
    /// Since when it is.
    since: Timestamp,
    /// Since when it seems to be the other way around.
    contrary: Option<Timestamp>,
    told: bool,
}

/// A zone and who is in it.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) zone: Zone,
    stays: BTreeMap<TrackId, Stay>,
    told: u16,
    /// How many there seem to be now, and since when.
    count: (u16, Timestamp),
}

impl Watch {
    pub(super) fn new(now: Timestamp, zone: Zone) -> Self {
        Self { zone, stays: BTreeMap::new(), told: 0, count: (0, now) }
    }

    /// Somebody is seen.
    pub(super) fn see(&mut self, now: Timestamp, track: &Track, told: &mut Vec<What>) {
        let zone = self.zone.id;
        let within = contains(&self.zone.corners, track.place.foot());
        let new = Stay { inside: false, since: now, contrary: None, told: false };
        let stay = self.stays.entry(track.id).or_insert(new);
        if within == stay.inside {
            stay.contrary = None;
        } else {
            let since = *stay.contrary.get_or_insert(now);
            if now.since(since) >= MEANT {
                if within {
                    told.push(What::Entered { zone, track: track.id, label: track.label });
                } else {
                    told.push(What::Exited {
                        zone,
                        track: track.id,
                        dwelt_ms: millis(since.since(stay.since)),
                    });
                }
                *stay = Stay { inside: within, since, contrary: None, told: false };
            }
        }
    }

    /// Time has passed: who is long enough in there, and how many are.
    pub(super) fn pass(&mut self, now: Timestamp, told: &mut Vec<What>) {
        let zone = self.zone.id;
        if let Some(after) = self.zone.dwell_ms {
            let inside = self.stays.iter_mut().filter(|(_, stay)| stay.inside && !stay.told);
            for (&track, stay) in inside {
                let dwelt_ms = millis(now.since(stay.since));
                if dwelt_ms >= after {
                    stay.told = true;
                    told.push(What::Dwelt { zone, track, dwelt_ms });
                }
            }
        }
        let inside = self.stays.values().filter(|stay| stay.inside).count();
        let count = u16::try_from(inside).unwrap_or(u16::MAX);
        if count != self.count.0 {
            self.count = (count, now);
        }
        if count != self.told && now.since(self.count.1) >= SETTLED {
            self.told = count;
            told.push(What::Occupancy { zone, count });
        }
    }

    /// Somebody is gone for good, and was last seen at `seen`.
    pub(super) fn forget(&mut self, track: TrackId, seen: Timestamp, told: &mut Vec<What>) {
        if let Some(stay) = self.stays.remove(&track).filter(|stay| stay.inside) {
            let dwelt_ms = millis(stay.contrary.unwrap_or(seen).since(stay.since));
            told.push(What::Exited { zone: self.zone.id, track, dwelt_ms });
        }
    }

    /// Nobody is in it any more: it is taken away, or drawn anew.
    pub(super) fn close(&mut self, now: Timestamp, told: &mut Vec<What>) {
        let tracks: Vec<TrackId> = self.stays.keys().copied().collect();
        for track in tracks {
            self.forget(track, now, told);
        }
        if self.told != 0 {
            self.told = 0;
            told.push(What::Occupancy { zone: self.zone.id, count: 0 });
        }
        self.count = (0, now);
    }
}

/// Whole milliseconds.
pub(crate) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// Whether a place is in a polygon, concave or not, by how often a ray to the right passes its edges (even-odd rule).
pub(crate) fn contains(corners: &[Point], place: Point) -> bool {
    let place = Point { x: place.x.clamp(WITHIN, 1.0 - WITHIN), y: place.y.clamp(WITHIN, 1.0 - WITHIN) };
    let mut inside = false;
    let Some(mut before) = corners.last().copied() else { return false };
    for &corner in corners {
        if (corner.y > place.y) != (before.y > place.y) {
            let part = (place.y - corner.y) / (before.y - corner.y);
            if place.x < corner.x + part * (before.x - corner.x) {
                inside = !inside;
            }
        }
        before = corner;
    }
    inside
}
