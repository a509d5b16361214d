//! How the sensor is: what it looks at, what that costs, and how hot it gets.

use std::path::Path;
use std::time::{Duration, Instant};

use playhouse_sense::enrolment::Health;
use rustix::time::{ClockId, clock_gettime};

/// How often it is told.
pub(crate) const EVERY: Duration = Duration::from_secs(10);

/// Where Linux has the temperatures of a device.
const THERMAL: &str = "/sys/class/thermal";

/// Counts the pictures that were looked at.
#[derive(Debug)]
pub(crate) struct Meter {
    since: Instant,
    seen: u64,
    gated: u64,
    /// How long the detector took, and for how many pictures, since the start.
    took: Duration,
    detected: u32,
    /// Processor time of this process when counting began.
    cpu: Duration,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), seen: 0, gated: 0, took: Duration::ZERO, detected: 0, cpu: cpu() }
    }

    /// A picture was looked at, for so long by the detector; `None` where it was spared.
    pub(crate) fn count(&mut self, took: Option<Duration>) {
        self.seen += 1;
        match took {
            Some(took) => {
                self.took += took;
                self.detected += 1;
            }
            None => self.gated += 1,
        }
    }

    /// How long the detector takes for a picture, on average.
    pub(crate) fn usual(&self) -> Option<Duration> {
        self.took.checked_div(self.detected)
    }

    /// Pictures a second and processor time a picture since the last call.
    pub(crate) fn read(&mut self, health: &mut Health) {
        let (passed, used) = (self.since.elapsed().as_secs_f32(), cpu().saturating_sub(self.cpu));
        health.fps = if passed > 0.0 { self.seen as f32 / passed } else { 0.0 };
        health.gated = self.gated;
        health.cpu_ms = if self.seen > 0 { used.as_secs_f32() * 1000.0 / self.seen as f32 } else { 0.0 };
        (self.since, self.cpu) = (Instant::now(), cpu());
        self.seen = 0;
    }
}

/// Processor time of this process so far.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The hottest part of this device, in degrees Celsius.
pub(crate) fn temperature() -> Option<f32> {
    hottest(Path::new(THERMAL))
}

fn hottest(folder: &Path) -> Option<f32> {
    let zones = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let zones = zones.filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("thermal_zone"))
    });
    // Thousandths of a degree; a zone that is asleep fails to be read, and some claim absurdities.
    let degrees = |zone: std::path::PathBuf| {
        let text = std::fs::read_to_string(zone.join("temp")).ok()?;
        Some(text.trim().parse::<f32>().ok()? / 1000.0)
    };
    zones.filter_map(degrees).filter(|degrees| (-60.0..200.0).contains(degrees)).max_by(f32::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_zone_is_told_and_nonsense_is_not() {
        let place = tempfile::tempdir().unwrap();
        for (zone, temp) in
            [("thermal_zone0", "41000\n"), ("thermal_zone1", "52500\n"), ("thermal_zone2", "-274000")]
        {
            std::fs::create_dir(place.path().join(zone)).unwrap();
            std::fs::write(place.path().join(zone).join("temp"), temp).unwrap();
        }
        std::fs::create_dir(place.path().join("cooling_device0")).unwrap();
        assert_eq!(hottest(place.path()), Some(52.5));
        assert_eq!(hottest(&place.path().join("nowhere")), None);
    }
}
