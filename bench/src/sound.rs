//! What was heard of a press, against what was seen of it.

use std::time::Duration;

use playhouse_media::time::Timestamp;
use serde::Serialize;

use crate::figures::Spread;
use crate::inputs::Press;

/// Sound belongs to a press when it is heard at most so long before its picture, or after.
const EARLIEST: Duration = Duration::from_millis(60);
const LATEST: Duration = Duration::from_millis(300);

/// Milliseconds by which sounds came after their pictures.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Heard {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    /// Presses that were heard.
    pub(crate) n: usize,
}

impl Heard {
    pub(crate) fn of(skews: &[f64]) -> Self {
        let Spread { p50, p95, .. } = Spread::of(skews);
        Self { p50, p95, n: skews.len() }
    }
}

/// Milliseconds by which each press was heard after it was seen; negative where it was heard before.
pub(crate) fn skews(presses: &[Press], sounds: &[Timestamp]) -> Vec<f64> {
    let of = |press: &Press| {
        let seen = press.photon?;
        let belongs = |at: &&Timestamp| **at > press.at && **at + EARLIEST > seen && **at < seen + LATEST;
        let heard = sounds.iter().find(belongs)?;
        Some((heard.since(seen).as_secs_f64() - seen.since(*heard).as_secs_f64()) * 1000.0)
    };
    presses.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_press_is_matched_with_its_own_sound() {
        let ms = |ms: u64| Timestamp::from_micros(ms * 1000);
        let press = |at, photon| Press { at: ms(at), photon: Some(ms(photon)) };
        let presses =
            [press(1000, 1030), press(1200, 1230), Press { at: ms(1400), photon: None }, press(1600, 1640)];
        assert_eq!(skews(&presses, &[ms(1070), ms(1220), ms(1450)]), [40.0, -10.0]);
    }
}
