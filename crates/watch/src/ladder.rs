//! The ladder of a title: which renditions are made of it, chosen by what short probes of it looked like.
//!
//! A drawing needs a fraction of the bits that rain at night does. So some scenes are encoded at several heights and
//! quantisers, each result is compared with the original (SSIM, Wang et al. 2004, of the luma at the original's size),
//! and what no other probe beats at its bitrate, the *convex hull*, is what the rungs are taken from (Netflix,
//! "Per-Title Encode Optimization", 2015).

use serde::{Deserialize, Serialize};

use crate::codec::Codec;

/// The quality that the highest rung is to have: an SSIM of 0.98, above which viewers tell no difference at a usual
/// distance (in [`decibels`], 17 dB).
pub const TARGET_SSIM: f64 = 0.98;

/// Each rung has at most this part of the bitrate of the one above it: a smaller step is not worth a file.
const STEP: f64 = 0.6;

/// Nothing below this is made, in bits per second: the sound next to it would take as much.
const FLOOR: f64 = 150_000.0;

/// Rungs at most.
const MOST: usize = 5;

/// Pixels down that SVT-AV1 encodes at least.
const SMALLEST: u32 = 64;

/// The quantiser (x264's constant rate factor) where nothing could be probed.
const USUAL_CRF: u8 = 23;

/// How one encoding of the probed scenes came out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Pixels down.
    pub height: u32,
    /// The quantiser: x264's constant rate factor.
    pub crf: u8,
    /// Bits per second.
    pub bitrate: f64,
    /// Likeness to the original from 0 to 1, at the original's size.
    pub ssim: f64,
}

/// A rendition to be made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// How it is coded.
    #[serde(default)]
    pub codec: Codec,
    /// Pixels down.
    pub height: u32,
    /// The quantiser: the constant rate factor of the coding's encoder.
    pub crf: u8,
    /// Bits per second that are expected of it; nothing where it was not probed.
    pub bitrate: Option<f64>,
}

/// The rungs, the best first, and what they save.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    /// The rungs; at least one.
    pub rungs: Vec<Rung>,
    /// Bits that are saved at the same quality against [`FIXED`], in percent; nothing where it was not probed.
    pub saving_percent: Option<f64>,
}

/// The ladder that everybody gets who does not look: Apple's recommendation for H.264 (HLS Authoring Specification
/// for Apple Devices), as pixels down and bits per second.
pub const FIXED: [(u32, f64); 8] = [
    (2160, 16_800_000.0),
    (1440, 8_100_000.0),
    (1080, 6_000_000.0),
    (720, 3_000_000.0),
    (540, 2_000_000.0),
    (432, 1_100_000.0),
    (360, 730_000.0),
    (234, 365_000.0),
];

/// Heights and quantisers to probe for a picture of that height: four heights, four quantisers.
pub fn probes(height: u32) -> Vec<(u32, u8)> {
    let heights = heights(height);
    let heights = heights.iter().take(4);
    heights.flat_map(|&height| [19, 23, 28, 34].map(|crf| (height, crf))).collect()
}

/// Heights that are made of a picture of that height: its own, at most 1080, and the usual ones well below it.
fn heights(height: u32) -> Vec<u32> {
    let own = even(height.clamp(2, 1080));
    let usual = [1080, 720, 480, 360, 240];
    std::iter::once(own).chain(usual.into_iter().filter(|usual| usual * 5 <= own * 4)).collect()
}

/// Codecs halve the colour's resolution, so that sizes are even.
fn even(pixels: u32) -> u32 {
    pixels / 2 * 2
}

/// An SSIM on a scale on which equal steps look equal: 0.9 is 10 dB, 0.99 is 20 dB; at most 60.
pub fn decibels(ssim: f64) -> f64 {
    (-10.0 * (1.0 - ssim.clamp(0.0, 1.0)).max(1e-6).log10()).max(0.0)
}

/// The ladder where nothing was probed, as for a film of some seconds.
pub fn usual(height: u32) -> Ladder {
    let rung = |height| Rung { codec: Codec::H264, height, crf: USUAL_CRF, bitrate: None };
    let rungs = heights(height).into_iter().take(3).map(rung).collect();
    Ladder { rungs, saving_percent: None }
}

/// What is made in other codings beside a ladder: of each its highest rung, and the next that has half the pixels at
/// most. A quality between them is worth less than the time that it takes to encode.
pub fn also(ladder: &Ladder, codecs: &[Codec]) -> Vec<Rung> {
    let usable = |rung: &&Rung| rung.height >= SMALLEST;
    let top = ladder.rungs.iter().find(usable);
    let low = top.and_then(|top| {
        let small = |rung: &&Rung| rung.height * rung.height * 2 <= top.height * top.height;
        ladder.rungs.iter().filter(usable).find(small)
    });
    let rungs: Vec<&Rung> = top.into_iter().chain(low).collect();
    let of = |codec: &Codec, rung: &Rung| Rung {
        codec: *codec,
        height: rung.height,
        crf: codec.crf(rung.crf),
        bitrate: rung.bitrate.map(|bitrate| bitrate * codec.share()),
    };
    let asked = codecs.iter().filter(|codec| **codec != Codec::H264);
    asked.flat_map(|codec| rungs.iter().map(move |rung| of(codec, rung))).collect()
}

/// Chooses a ladder for a picture of that height by its probes; [`usual`] where they say nothing.
pub fn choose(height: u32, probes: &[Probe]) -> Ladder {
    let hull = hull(probes);
    let target = decibels(TARGET_SSIM);
    let Some(top) = hull.iter().find(|probe| decibels(probe.ssim) >= target).or(hull.last()) else {
        return usual(height);
    };
    let rung = |probe: &Probe| {
        let (height, crf, bitrate) = (probe.height, probe.crf, Some(probe.bitrate));
        Rung { codec: Codec::H264, height, crf, bitrate }
    };
    let mut rungs = vec![rung(top)];
    let mut last = top.bitrate;
    for probe in hull.iter().rev().skip_while(|probe| probe.bitrate >= top.bitrate) {
        if probe.bitrate <= last * STEP && probe.bitrate >= FLOOR && rungs.len() < MOST {
            rungs.push(rung(probe));
            last = probe.bitrate;
        }
    }
    Ladder { rungs, saving_percent: saving(height, probes, &hull) }
}

/// The probes that no mixture of others beats, the cheapest first: quality rises with bitrate, ever more slowly.
pub fn hull(probes: &[Probe]) -> Vec<Probe> {
    let said = |probe: &&Probe| {
        probe.bitrate.is_finite()
            && probe.bitrate > 0.0
            && (0.0..=1.0).contains(&probe.ssim)
            && probe.height > 0
    };
    let mut sorted: Vec<Probe> = probes.iter().filter(said).copied().collect();
    sorted.sort_by(|a, b| a.bitrate.total_cmp(&b.bitrate).then(b.ssim.total_cmp(&a.ssim)));
    let mut hull: Vec<Probe> = Vec::new();
    for probe in sorted {
        if hull.last().is_some_and(|last| decibels(probe.ssim) <= decibels(last.ssim)) {
            continue;
        }
        // A smaller picture at more bits is on no ladder.
        while let [.., a, b] = hull.as_slice()
            && slope(a, b) <= slope(a, &probe)
        {
            hull.pop();
        }
        hull.push(probe);
    }
    // Somewhere along the hull a larger picture may look worse at fewer bits: rungs go one way.
    let mut tallest = u32::MAX;
    let mut rising: Vec<Probe> = Vec::new();
    for probe in hull.into_iter().rev() {
        if probe.height <= tallest {
            tallest = probe.height;
            rising.push(probe);
        }
    }
    rising.reverse();
    rising
}

/// Decibels for each bit more, on the way from one to the other.
fn slope(from: &Probe, to: &Probe) -> f64 {
    let rise = decibels(to.ssim) - decibels(from.ssim);
    rise / (to.bitrate - from.bitrate).max(1e-9)
}

/// What the hull needs less than each rung of [`FIXED`] for the same quality, on average, in percent. Bits that a
/// fixed rung spends beyond the target are wasted, so that quality counts up to the target only.
fn saving(height: u32, probes: &[Probe], hull: &[Probe]) -> Option<f64> {
    let target = decibels(TARGET_SSIM);
    let curve: Vec<(f64, f64)> = hull.iter().map(|p| (decibels(p.ssim), p.bitrate.log2())).collect();
    let mut savings = Vec::new();
    for (fixed, bitrate) in FIXED.into_iter().filter(|(fixed, _)| *fixed <= height) {
        // What this title looks like at that rung is read off the probes of the height next to it.
        let nearest = probes.iter().map(|probe| probe.height).min_by_key(|height| height.abs_diff(fixed))?;
        let mut same: Vec<(f64, f64)> = probes
            .iter()
            .filter(|probe| probe.height == nearest && probe.bitrate.is_finite() && probe.bitrate > 0.0)
            .map(|probe| (probe.bitrate.log2(), decibels(probe.ssim)))
            .collect();
        same.sort_by(|a, b| a.0.total_cmp(&b.0));
        let cheapest = same.first()?.0;
        if bitrate.log2() < cheapest {
            continue;
        }
        let quality = along(&same, bitrate.log2())?.min(target);
        let needed = along(&curve, quality)?.exp2();
        savings.push((1.0 - needed / bitrate) * 100.0);
    }
    let count = savings.len();
    (count > 0).then(|| savings.iter().sum::<f64>() / count as f64)
}

/// The value at `at` of a curve through points in order, which goes on level beyond its ends.
fn along(points: &[(f64, f64)], at: f64) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    if at <= first.0 {
        return Some(first.1);
    }
    let between = points.windows(2).find(|pair| at <= pair[1].0);
    Some(between.map_or(last.1, |pair| {
        let part = (at - pair[0].0) / (pair[1].0 - pair[0].0).max(1e-9);
        pair[0].1 + (pair[1].1 - pair[0].1) * part
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A title as a model: `busy` is bits per pixel and second that it takes.
    fn film(busy: f64) -> Vec<Probe> {
        let of = |(height, crf): (u32, u8)| {
            let pixels = f64::from(height * height) * 16.0 / 9.0;
            let bitrate = pixels * busy * (-(f64::from(crf) - 23.0) / 6.0).exp2();
            // What scaling loses, and what quantising does.
            let lost = 0.03 * (1080.0 / f64::from(height) - 1.0) + 0.0006 * f64::from(crf).powf(1.3) / 2.0;
            Probe { height, crf, bitrate, ssim: 1.0 - lost.min(1.0) }
        };
        probes(1080).into_iter().map(of).collect()
    }

    #[test]
    fn a_drawing_takes_a_fraction_of_what_rain_does() {
        let (drawing, rain) = (choose(1080, &film(0.3)), choose(1080, &film(3.0)));
        let bits = |ladder: &Ladder| ladder.rungs[0].bitrate.unwrap();
        assert!(bits(&drawing) * 5.0 < bits(&rain));
        assert!(drawing.saving_percent.unwrap() > 60.0, "{drawing:?}");
        assert!(drawing.saving_percent > rain.saving_percent, "{rain:?}");
        assert_eq!(drawing.rungs[0].height, 1080);
    }

    #[test]
    fn the_highest_rung_is_the_cheapest_that_looks_like_the_original() {
        let probe = |height, crf, bitrate, ssim| Probe { height, crf, bitrate, ssim };
        let probes = [
            probe(720, 19, 4e6, 0.995),
            probe(720, 23, 2e6, 0.985),
            probe(720, 28, 1e6, 0.96),
            probe(480, 19, 1.5e6, 0.93),
            probe(480, 28, 4e5, 0.91),
        ];
        let ladder = choose(720, &probes);
        let rungs: Vec<_> = ladder.rungs.iter().map(|rung| (rung.height, rung.crf)).collect();
        assert_eq!(rungs, [(720, 23), (720, 28), (480, 28)]);
    }

    #[test]
    fn other_codings_get_the_highest_rung_and_one_that_is_much_smaller() {
        let ladder = usual(1080);
        let rungs: Vec<_> = also(&ladder, &[Codec::Av1, Codec::H264])
            .iter()
            .map(|rung| (rung.codec, rung.height, rung.crf))
            .collect();
        assert_eq!(rungs, [(Codec::Av1, 1080, 35), (Codec::Av1, 720, 35)]);
        assert_eq!(also(&ladder, &[Codec::Hevc, Codec::Av1]).len(), 4);
        assert!(also(&usual(32), &[Codec::Av1]).is_empty(), "no encoder takes that little");
    }

    #[test]
    fn without_probes_there_is_a_ladder_still() {
        for height in [0, 1, 180, 361, 720, 1080, 4320] {
            let ladder = choose(height, &[]);
            assert_eq!(ladder, usual(height));
            assert!(ladder.rungs.iter().all(|rung| rung.height >= 2 && rung.height % 2 == 0), "{ladder:?}");
        }
        assert_eq!(usual(1080).rungs.len(), 3);
    }

    fn any_probe() -> impl Strategy<Value = Probe> {
        let bitrate = prop_oneof![1e4..2e7_f64, Just(0.0), Just(f64::NAN), Just(f64::INFINITY)];
        let height = prop_oneof![Just(240_u32), Just(360), Just(480), Just(720), Just(1080)];
        (height, 15..40_u8, bitrate, prop_oneof![0.0..1.0_f64, Just(1.0), Just(f64::NAN)])
            .prop_map(|(height, crf, bitrate, ssim)| Probe { height, crf, bitrate, ssim })
    }

    proptest! {
        #[test]
        fn rungs_go_down_and_none_is_beaten(probes in proptest::collection::vec(any_probe(), 0..24)) {
            let ladder = choose(1080, &probes);
            prop_assert!(!ladder.rungs.is_empty() && ladder.rungs.len() <= MOST);
            for pair in ladder.rungs.windows(2) {
                prop_assert!(pair[1].height <= pair[0].height);
                if let (Some(high), Some(low)) = (pair[0].bitrate, pair[1].bitrate) {
                    prop_assert!(low <= high * STEP);
                }
            }
            let hull = hull(&probes);
            for pair in hull.windows(2) {
                prop_assert!(pair[0].bitrate < pair[1].bitrate && pair[0].ssim < pair[1].ssim);
            }
            prop_assert!(ladder.saving_percent.is_none_or(|saved| saved < 100.0));
            let target = decibels(TARGET_SSIM);
            let valid = |p: &&Probe| p.bitrate.is_finite() && p.bitrate > 0.0 && (0.0..=1.0).contains(&p.ssim);
            let best = probes.iter().filter(valid).map(|p| decibels(p.ssim)).fold(0.0, f64::max);
            if let Some(top) = hull.iter().find(|p| ladder.rungs[0].bitrate == Some(p.bitrate)) {
                prop_assert!(decibels(top.ssim) >= target.min(best));
            }
        }
    }
}
