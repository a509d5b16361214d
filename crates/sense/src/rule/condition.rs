//! Whether what a rule waits for is so, for one sensor.

use std::collections::{BTreeMap, VecDeque};

use super::hours::Local;
use super::{Level, When};
use crate::observation::{Direction, TrackId, What};

/// The most tracks whose stay in a zone is watched.
const MOST_STAYS: usize = 256;

/// What one rule knows of one sensor.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    /// Since when it is so, in milliseconds since 1970.
    since: Option<u64>,
    /// The figure of which it is so.
    figure: f64,
    /// That it is so was told.
    told: bool,
    /// When a line was crossed.
    crossings: VecDeque<u64>,
    /// Who is in a zone since when.
    stays: BTreeMap<TrackId, u64>,
    /// The sensor has said anything.
    known: bool,
    /// The minute for which a schedule was told.
    minute: Option<u64>,
}

/// What is so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Met {
    /// The figure that made it so.
    pub figure: f64,
    /// It goes on being so, and can be told later: unlike what happens once.
    pub lasts: bool,
}

impl Condition {
    /// Something happened. Whether that meets the condition.
    pub(super) fn event(&mut self, when: &When, at: u64, what: &What) -> Option<Met> {
        match (when, what) {
            (When::Count { zone, level, .. }, What::Occupancy { zone: where_, count }) if zone == where_ => {
                self.level(*level, at, f64::from(*count));
                self.met(when, at)
            }
            (When::App { app, name, level }, What::App { app: of, name: says, value })
                if app == of && name == says =>
            {
                let Some(level) = level else { return Some(Met { figure: *value, lasts: false }) };
                self.level(*level, at, *value);
                self.met(when, at)
            }
            (
                When::Crossings { line, direction, count, within_s },
                What::Crossed { line: where_, direction: way, .. },
            ) if line == where_ && direction.is_none_or(|direction: Direction| direction == *way) => {
                self.cross(at, *count, *within_s)
            }
            (When::Dwell { zone, .. }, What::Entered { zone: where_, track, .. }) if zone == where_ => {
                if self.stays.len() >= MOST_STAYS {
                    self.stays.pop_first();
                }
                self.stays.insert(*track, at);
                None
            }
            (When::Dwell { zone, .. }, What::Exited { zone: where_, track, .. }) if zone == where_ => {
                let met = self.met(when, at);
                self.stays.remove(track);
                met
            }
            (When::Dwell { .. }, What::Left { track, .. } | What::Corrected { track, label: None }) => {
                self.stays.remove(track);
                None
            }
            (When::Dwell { .. }, What::Camera { works: false }) => {
                self.stays.clear();
                None
            }
            (When::Absence { .. }, _) => {
                self.absence(when, at, what);
                self.met(when, at)
            }
            _ => None,
        }
    }

    /// A figure is told.
    fn level(&mut self, level: Level, at: u64, figure: f64) {
        match level.is_past(figure) {
            Some(true) => {
                self.figure = figure;
                self.since.get_or_insert(at);
            }
            Some(false) => (self.since, self.told) = (None, false),
            None => {}
        }
    }

    fn cross(&mut self, at: u64, count: u32, within_s: u32) -> Option<Met> {
        self.crossings.push_back(at);
        let within = u64::from(within_s) * 1000;
        while self.crossings.front().is_some_and(|first| first.saturating_add(within) <= at) {
            self.crossings.pop_front();
        }
        if self.crossings.len() < count as usize {
            return None;
        }
        self.crossings.clear();
        Some(Met { figure: f64::from(count), lasts: false })
    }

    /// An absence begins where the last one went, and ends where one comes.
    fn absence(&mut self, when: &When, at: u64, what: &What) {
        let When::Absence { zone, line, .. } = when else { return };
        let here = |place: u16, wanted: &Option<u16>| *wanted == Some(place);
        match what {
            What::Occupancy { zone: place, count: 0 } if here(*place, zone) => {
                self.since.get_or_insert(at);
            }
            What::Entered { zone: place, .. } | What::Occupancy { zone: place, .. } if here(*place, zone) => {
                (self.since, self.told) = (None, false);
            }
            What::Crossed { line: place, .. } if here(*place, line) => {
                (self.since, self.told) = (Some(at), false);
            }
            // Nobody knows what a blind camera would see.
            What::Camera { works } => {
                (self.since, self.told) = (works.then_some(at), false);
            }
            // The first word of a sensor: nothing is known to be there.
            _ if !self.known => self.since = Some(at),
            _ => {}
        }
        self.known = true;
    }

    /// Whether it is so by now, because time has passed.
    pub(super) fn met(&mut self, when: &When, now: u64) -> Option<Met> {
        let for_s = match when {
            When::Count { for_s, .. } | When::Absence { for_s, .. } => *for_s,
            When::App { .. } => 0,
            When::Dwell { for_s, .. } => {
                let longest = u64::from(*for_s) * 1000;
                let (&track, _) =
                    self.stays.iter().find(|(_, since)| since.saturating_add(longest) <= now)?;
                self.stays.remove(&track);
                return Some(Met { figure: f64::from(*for_s), lasts: false });
            }
            When::Crossings { .. } | When::Schedule { .. } => return None,
        };
        let since = self.since.filter(|_| !self.told)?;
        if since.saturating_add(u64::from(for_s) * 1000) > now {
            return None;
        }
        let figure = if matches!(when, When::Absence { .. }) { f64::from(for_s) } else { self.figure };
        Some(Met { figure, lasts: true })
    }

    /// What was met was told.
    pub(super) fn told(&mut self) {
        self.told = true;
    }

    /// Whether it is a minute of the schedule that was not told yet.
    pub(super) fn is_time(&mut self, when: &When, now: u64, local: Local) -> bool {
        let When::Schedule { days, minute } = when else { return false };
        let this = now / 60_000;
        if local.minute != *minute || !days[local.day] || self.minute == Some(this) {
            return false;
        }
        self.minute = Some(this);
        true
    }

    /// When time alone may meet the condition.
    pub(super) fn due(&self, when: &When) -> Option<u64> {
        match when {
            When::Count { for_s, .. } | When::Absence { for_s, .. } => {
                let since = self.since.filter(|_| !self.told)?;
                Some(since.saturating_add(u64::from(*for_s) * 1000))
            }
            When::Dwell { for_s, .. } => {
                let first = self.stays.values().min()?;
                Some(first.saturating_add(u64::from(*for_s) * 1000))
            }
            When::App { .. } => self.since.filter(|_| !self.told),
            When::Crossings { .. } | When::Schedule { .. } => None,
        }
    }
}
