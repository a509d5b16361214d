//! What tracks do in the room: lines that are crossed, zones that are entered, where feet stand.
//!
//! Everything goes by the foot point, as the settings draw it on the floor. What memory this takes is bounded by the
//! number of tracks, which is, and of areas ([`crate::settings::MOST_AREAS`]).

mod heat;
mod line;
#[cfg(test)]
mod tests;
mod zone;

use playhouse_media::time::Timestamp;

pub use self::heat::{COLUMNS, ROWS};

use self::heat::Heat;
use crate::observation::What;
use crate::settings::Settings;
use crate::track::Track;

/// All lines and zones of a sensor.
#[derive(Debug)]
pub struct Areas {
    lines: Vec<line::Watch>,
    zones: Vec<zone::Watch>,
    heat: Heat,
}

impl Areas {
    /// These lines and zones, empty.
    pub fn new(now: Timestamp, settings: &Settings) -> Self {
        let mut areas = Self { lines: Vec::new(), zones: Vec::new(), heat: Heat::new(now) };
        areas.change(now, settings, &mut Vec::new());
        areas
    }

    /// Other lines and zones. Those that are the same go on; in the others everybody begins anew, and whoever was in a
    /// zone that is gone, or drawn anew, is told to have left it.
    pub fn change(&mut self, now: Timestamp, settings: &Settings, told: &mut Vec<What>) {
        let lines = settings.lines.iter().map(|line| {
            let same = |watch: &line::Watch| {
                watch.line.id == line.id && watch.line.from == line.from && watch.line.to == line.to
            };
            let known = self.lines.iter().position(same).map(|place| self.lines.swap_remove(place));
            let mut watch = known.unwrap_or_else(|| line::Watch::new(line.clone()));
            watch.line.clone_from(line);
            watch
        });
        self.lines = lines.collect();
        let zones: Vec<_> = settings
            .zones
            .iter()
            .map(|zone| {
                let same =
                    |watch: &zone::Watch| watch.zone.id == zone.id && watch.zone.corners == zone.corners;
                let known = self.zones.iter().position(same).map(|place| self.zones.swap_remove(place));
                let mut watch = known.unwrap_or_else(|| zone::Watch::new(now, zone.clone()));
                watch.zone.clone_from(zone);
                watch
            })
            .collect();
        for mut gone in std::mem::replace(&mut self.zones, zones) {
            gone.close(now, told);
        }
    }

    /// These tracks are in the picture. Where hidden ones are is not known: they stay where they were.
    pub fn see(&mut self, now: Timestamp, tracks: &[Track], told: &mut Vec<What>) {
        for track in tracks.iter().filter(|track| !track.hidden) {
            for watch in &mut self.lines {
                if let Some(direction) = watch.see(now, track) {
                    let (line, label) = (watch.line.id, track.label);
                    told.push(What::Crossed { line, track: track.id, label, direction });
                }
            }
            for watch in &mut self.zones {
                watch.see(now, track, told);
            }
        }
        let seen = tracks.iter().filter(|track| !track.hidden);
        self.heat.see(now, seen.map(|track| track.place.foot()), told);
        self.pass(now, told);
    }

    /// There is no picture: time goes on.
    pub fn pass(&mut self, now: Timestamp, told: &mut Vec<What>) {
        for watch in &mut self.zones {
            watch.pass(now, told);
        }
    }

    /// A track ended.
    pub fn end(&mut self, track: &Track, told: &mut Vec<What>) {
        for watch in &mut self.lines {
            watch.forget(track.id);
        }
        for watch in &mut self.zones {
            watch.forget(track.id, track.seen, told);
        }
    }
}
