//! What observations add up to, by minute and hour. Pure: it gathers, and `observations` writes.

use std::collections::BTreeMap;

use crate::Millis;

/// A minute.
pub const MINUTE: Millis = 60_000;

/// An hour.
pub const HOUR: Millis = 60 * MINUTE;

/// How long what was told of a zone is believed without another word: a car parks for a working day, and a sensor that
/// was taken down must not count for ever.
pub const HOLDS: Millis = 12 * HOUR;

/// What an observation adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tally {
    /// Nothing.
    #[default]
    Nothing,
    /// Something crossed a line.
    Crossed {
        /// Which.
        line: u16,
        /// Whether it went in.
        inward: bool,
    },
    /// Something went into a zone.
    Entered {
        /// Which.
        zone: u16,
    },
    /// Something went out of a zone.
    Exited {
        /// Which.
        zone: u16,
        /// How long it was there, in milliseconds.
        dwelt: u32,
    },
    /// So many are in a zone from now on.
    Occupied {
        /// Which.
        zone: u16,
        /// How many.
        count: u16,
    },
    /// Where things stood.
    Heat {
        /// Cells in a row.
        columns: u8,
        /// Rows.
        rows: u8,
        /// Index and tenths of a second.
        cells: Vec<(u16, u16)>,
    },
    /// A track was nothing: what it crossed is taken back.
    Void {
        /// Which.
        track: u32,
    },
    /// The camera sees nothing any more, so that nothing is known of the zones.
    Blind,
}

/// What was in a zone within a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stay {
    /// The most at a time.
    pub most: u16,
    /// The sum over things of the milliseconds that each was there.
    pub present: i64,
    /// How often something went in.
    pub entered: i64,
    /// How often something went out.
    pub exited: i64,
    /// How long those that went out were there, together, in milliseconds.
    pub dwelt: i64,
}

/// How many are in a zone, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// How many.
    pub count: u16,
    /// Since when that is counted.
    pub since: Millis,
}

/// Adds up to `count` things in a zone from `from` to `to` to the spans of `length` milliseconds that this touches. At most
/// [`HOLDS`] of it counts.
pub fn spread(
    count: u16,
    from: Millis,
    to: Millis,
    length: Millis,
    mut add: impl FnMut(Millis, &dyn Fn(&mut Stay)),
) {
    if count == 0 {
        return;
    }
    let to = to.min(from.saturating_add(HOLDS));
    let mut begin = from;
    while begin < to {
        let span = begin.div_euclid(length) * length;
        let end = to.min(span + length);
        let present = i64::from(count) * (end - begin);
        add(span, &move |stay: &mut Stay| {
            stay.present += present;
            stay.most = stay.most.max(count);
        });
        begin = end;
    }
}

/// The sensor, the span's length, its beginning, and the line or zone.
pub(crate) type Key = (i64, Millis, Millis, u16);

/// What some observations add up to.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// In and out.
    pub(crate) crossings: BTreeMap<Key, (i64, i64)>,
    pub(crate) stays: BTreeMap<Key, Stay>,
    /// Known before by whoever writes, by sensor and zone; afterwards as it is then.
    pub(crate) occupancies: BTreeMap<(i64, u16), Occupancy>,
    /// By sensor, hour, columns, rows and cell.
    pub(crate) heats: BTreeMap<(i64, Millis, u8, u8, u16), i64>,
}

impl Sums {
    /// Adds what one observation adds.
    pub(crate) fn add(&mut self, sensor: i64, at: Millis, tally: &Tally) {
        match tally {
            Tally::Nothing | Tally::Void { .. } => {}
            Tally::Crossed { line, inward } => self.cross(sensor, at, *line, *inward, 1),
            Tally::Entered { zone } => self.stay(sensor, at, *zone, &|stay| stay.entered += 1),
            Tally::Exited { zone, dwelt } => self.stay(sensor, at, *zone, &|stay| {
                stay.exited += 1;
                stay.dwelt += i64::from(*dwelt);
            }),
            Tally::Occupied { zone, count } => self.occupy(sensor, at, *zone, *count),
            Tally::Heat { columns, rows, cells } => {
                let hour = at.div_euclid(HOUR) * HOUR;
                for (cell, tenths) in cells {
                    *self.heats.entry((sensor, hour, *columns, *rows, *cell)).or_default() +=
                        i64::from(*tenths);
                }
            }
            Tally::Blind => {
                let zones: Vec<u16> = self.zones(sensor).collect();
                for zone in zones {
                    self.occupy(sensor, at, zone, 0);
                }
            }
        }
    }

    fn zones(&self, sensor: i64) -> impl Iterator<Item = u16> {
        self.occupancies.range((sensor, 0)..=(sensor, u16::MAX)).map(|(key, _)| key.1)
    }

    /// Counts a crossing, or with -1 takes it back.
    pub(crate) fn cross(&mut self, sensor: i64, at: Millis, line: u16, inward: bool, by: i64) {
        for length in [MINUTE, HOUR] {
            let entry =
                self.crossings.entry((sensor, length, at.div_euclid(length) * length, line)).or_default();
            *(if inward { &mut entry.0 } else { &mut entry.1 }) += by;
        }
    }

    fn stay(&mut self, sensor: i64, at: Millis, zone: u16, change: &dyn Fn(&mut Stay)) {
        for length in [MINUTE, HOUR] {
            let key = (sensor, length, at.div_euclid(length) * length, zone);
            change(self.stays.entry(key).or_default());
        }
    }

    fn occupy(&mut self, sensor: i64, at: Millis, zone: u16, count: u16) {
        if let Some(before) = self.occupancies.insert((sensor, zone), Occupancy { count, since: at }) {
            for length in [MINUTE, HOUR] {
                spread(before.count, before.since, at, length, |span, change| {
                    change(self.stays.entry((sensor, length, span, zone)).or_default());
                });
            }
        }
        self.stay(sensor, at, zone, &|stay| stay.most = stay.most.max(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stays_counts_in_every_minute_of_the_stay() {
        let mut sums = Sums::default();
        sums.add(1, 30_000, &Tally::Occupied { zone: 2, count: 3 });
        sums.add(1, 2 * MINUTE + 15_000, &Tally::Occupied { zone: 2, count: 1 });
        let minute = |at| sums.stays[&(1, MINUTE, at, 2)];
        assert_eq!((minute(0).present, minute(0).most), (90_000, 3));
        assert_eq!((minute(MINUTE).present, minute(MINUTE).most), (180_000, 3));
        assert_eq!((minute(2 * MINUTE).present, minute(2 * MINUTE).most), (45_000, 3));
        assert_eq!(sums.stays[&(1, HOUR, 0, 2)].present, 315_000);
    }

    #[test]
    fn a_camera_that_sees_nothing_leaves_nobody_in_its_zones() {
        let mut sums = Sums::default();
        sums.add(1, 0, &Tally::Occupied { zone: 2, count: 3 });
        sums.add(1, 10_000, &Tally::Blind);
        sums.add(1, MINUTE, &Tally::Occupied { zone: 2, count: 1 });
        assert_eq!(sums.stays[&(1, MINUTE, 0, 2)].present, 30_000);
    }

    #[test]
    fn nothing_is_counted_for_ever_or_twice_when_a_clock_goes_back() {
        let mut sums = Sums::default();
        sums.add(1, 0, &Tally::Occupied { zone: 2, count: 1 });
        sums.add(1, 100 * HOUR, &Tally::Occupied { zone: 2, count: 0 });
        let all = |sums: &Sums| {
            sums.stays.iter().filter(|(key, _)| key.1 == HOUR).map(|(_, stay)| stay.present).sum::<i64>()
        };
        assert_eq!(all(&sums), HOLDS);
        sums.add(1, 101 * HOUR, &Tally::Occupied { zone: 2, count: 1 });
        sums.add(1, 50 * HOUR, &Tally::Occupied { zone: 2, count: 0 });
        assert_eq!(all(&sums), HOLDS);
    }
}
