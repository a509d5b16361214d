//! What players read first: playlists and manifests of a window.

pub(super) mod dash;
pub(super) mod hls;

use super::window::Window;

/// Segments whose sizes say how many bits a second a track has.
const WEIGHED: usize = 30;

/// Bits per second of a track over its newest segments: of the most demanding one, and on average.
pub(super) fn rates(window: &Window, track: usize) -> (u64, u64) {
    let Some(timescale) = window.era().and_then(|era| era.tracks.get(track)).map(|track| track.timescale)
    else {
        return (1, 1);
    };
    let (mut peak, mut bytes, mut ticks) = (0, 0_u64, 0_u64);
    let era = window.era().map(|era| era.number);
    let segments = window.open.iter().chain(window.segments.iter().rev());
    for held in segments.filter(|held| Some(held.era) == era).take(WEIGHED) {
        let Some(lane) = held.lanes.get(track).filter(|lane| lane.ticks > 0) else { continue };
        peak = peak.max(rate(lane.bytes, lane.ticks, timescale));
        bytes += lane.bytes;
        ticks += lane.ticks;
    }
    (peak.max(1), rate(bytes, ticks, timescale).max(1))
}

fn rate(bytes: u64, ticks: u64, timescale: u32) -> u64 {
    let bits = u128::from(bytes) * 8 * u128::from(timescale) / u128::from(ticks.max(1));
    u64::try_from(bits).unwrap_or(u64::MAX)
}

/// Pictures per second of the newest segment; none for sound.
pub(super) fn pictures(window: &Window, track: usize) -> Option<f64> {
    let newest = window.segments.back().filter(|held| Some(held.era) == window.era().map(|era| era.number));
    let held = newest.or(window.open.as_ref())?;
    let lane = held.lanes.get(track).filter(|lane| lane.ticks > 0)?;
    let track = window.era()?.tracks.get(track)?;
    track.size()?;
    Some(f64::from(lane.samples) * f64::from(track.timescale) / lane.ticks as f64)
}

/// A time of day as RFC 3339 has it, to the millisecond, from microseconds since 1970.
pub(super) struct Moment(pub(super) u64);

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (days, rest) = (self.0 / 86_400_000_000, self.0 % 86_400_000_000);
        // "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in March.
        let shifted = days + 719_468;
        let (era, day) = (shifted / 146_097, shifted % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let date = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + u64::from(month <= 2);
        let (seconds, millis) = (rest / 1_000_000, rest / 1000 % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn moments_are_written_as_calendars_have_them() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999_000, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (micros, text) in table {
            assert_eq!(Moment(micros).to_string(), text);
        }
    }
}
