//! The whole pipeline against scenes whose truth is known, and against whatever a detector may say.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::geometry::Point;
use crate::scene::{Chance, Options, Scene, imagine};
use crate::score::{Followed, Switches};
use crate::settings::{Line, Zone};

fn at_frame(frame: u64) -> Timestamp {
    Timestamp::from_micros(1_000_000 + frame * 1_000_000 / 15)
}

fn pipeline(settings: Settings) -> Pipeline {
    Pipeline::new(Timestamp::from_micros(1), settings, 3).unwrap()
}

fn zone(id: u16, left: f32, right: f32) -> Zone {
    let corners = [(left, 0.0), (right, 0.0), (right, 1.0), (left, 1.0)];
    let corners = corners.map(|(x, y)| Point { x, y }).to_vec();
    Zone { id, name: "part".into(), corners, dwell_ms: Some(2_000) }
}

fn standing(x: f32, y: f32) -> Detection {
    Detection { place: Rect::around(Point { x, y }, 0.08, 0.24), label: 0, score: 0.9 }
}

/// What came out of a scene: how good tracks were, and what was counted and really crossed, in and out.
#[derive(Default)]
struct Outcome {
    score: Followed,
    counted: [u32; 2],
    really: [u32; 2],
}

impl Outcome {
    /// How many crossings too many or too few, and how many there were.
    fn wrong(&self) -> (u32, u32) {
        let pairs = self.counted.iter().zip(&self.really);
        (pairs.map(|(counted, really)| counted.abs_diff(*really)).sum(), self.really.iter().sum())
    }
}

/// Minutes of a scene through a detector that misses one in twenty and trembles by a twentieth. With `pictures` they are
/// drawn, and the detector looks at those that the gate lets through.
fn watch(seed: u64, minutes: u64, pictures: bool) -> Outcome {
    let scene = Scene::new(Options { seed, ..Options::default() });
    let door = Scene::door();
    let mut pipeline = pipeline(Settings { lines: vec![door.clone()], ..Settings::default() });
    let (mut judge, mut chance) = (Switches::new(), Chance::new(seed));
    let (mut outcome, mut picture) = (Outcome::default(), Picture::black(1, 1));
    let mut before = scene.truth(0);
    for frame in 0..minutes * 60 * 15 {
        let (now, truth) = (at_frame(frame), scene.truth(frame));
        if pictures {
            scene.render(frame, &mut picture);
        }
        let looks = !pictures || pipeline.picture(now, &picture) == Look::Detect;
        let told = if looks {
            pipeline.detections(now, &imagine(&truth, &mut chance, 0.05, 0.05))
        } else {
            &pipeline.told
        };
        for what in told {
            if let What::Crossed { direction, .. } = what {
                outcome.counted[*direction as usize] += 1;
            }
        }
        for crossing in truth.crossings(&before, &door) {
            outcome.really[crossing.direction as usize] += 1;
        }
        let seen = pipeline.tracks().iter().filter(|track| !track.hidden);
        judge.add(&truth.figures, &seen.map(|track| (track.id, track.place)).collect::<Vec<_>>());
        before = truth;
    }
    outcome.score = judge.followed();
    outcome
}

#[test]
fn crossings_are_counted_to_within_two_percent_and_few_are_taken_for_others() {
    const MINUTES: u64 = 20;
    let (mut wrong, mut all, mut switches, mut minutes) = (0, 0, 0, 0);
    for seed in 1..=4 {
        let outcome = watch(seed, MINUTES, false);
        let (off, crossings) = outcome.wrong();
        assert!(off * 50 <= crossings, "{off} of {crossings} crossings are wrong in scene {seed}");
        let Followed { there, missed, wrong: ghosts, .. } = outcome.score;
        assert!(missed * 10 < there && ghosts * 100 < there, "{:?}", outcome.score);
        (wrong, all) = (wrong + off, all + crossings);
        (switches, minutes) = (switches + outcome.score.switches, minutes + MINUTES);
    }
    println!("{wrong} of {all} crossings are wrong; {switches} switches in {minutes} minutes");
    assert!(wrong * 100 <= all, "{wrong} of {all}");
    assert!(switches < minutes * 3 / 2, "{switches} in {minutes} minutes");
}

#[test]
fn a_gate_costs_no_crossing() {
    let outcome = watch(5, 4, true);
    let (wrong, all) = outcome.wrong();
    assert!(wrong <= 1 && all > 60, "{wrong} of {all}");
}

#[test]
fn who_stands_still_is_not_forgotten_while_the_detector_is_spared() {
    let mut pipeline = pipeline(Settings { zones: vec![zone(1, 0.0, 0.6)], ..Settings::default() });
    let mut picture = Picture::black(160, 120);
    picture.rgb_mut().fill(90);
    let (mut looks, mut told) = (0, Vec::new());
    for frame in 0..15 * 120 {
        let now = at_frame(frame);
        match pipeline.picture(now, &picture) {
            Look::Still(more) => told.extend_from_slice(more),
            Look::Detect => {
                looks += 1;
                told.extend_from_slice(pipeline.detections(now, &[standing(0.4, 0.5)]));
            }
        }
    }
    assert!(looks < 80, "{looks} looks in two minutes");
    assert_eq!(told.iter().filter(|what| matches!(what, What::Appeared { .. })).count(), 1);
    assert!(!told.iter().any(|what| matches!(what, What::Left { .. } | What::Exited { .. })), "{told:?}");
    assert_eq!(told.iter().filter(|what| matches!(what, What::Dwelt { .. })).count(), 1);
    let heat: u32 = told
        .iter()
        .filter_map(|what| match what {
            What::Heat { cells, .. } => Some(cells.iter().map(|cell| u32::from(cell.1)).sum::<u32>()),
            _ => None,
        })
        .sum();
    assert!((1140..=1200).contains(&heat), "{heat} tenths of a second in two minutes");
}

#[test]
fn a_camera_that_is_unplugged_is_told_once_and_takes_everybody_along() {
    let mut pipeline = pipeline(Settings { zones: vec![zone(1, 0.0, 0.6)], ..Settings::default() });
    for frame in 0..60 {
        pipeline.detections(at_frame(frame), &[standing(0.4, 0.5)]);
    }
    assert_eq!(pipeline.camera(at_frame(60), false), [What::Camera { works: false }]);
    assert_eq!(pipeline.camera(at_frame(61), false), []);
    let mut told = Vec::new();
    for second in 5..20 {
        told.extend_from_slice(pipeline.idle(at_frame(second * 15)));
    }
    assert!(
        matches!(told[..], [What::Exited { .. }, What::Left { .. }, What::Occupancy { zone: 1, count: 0 }]),
        "{told:?}"
    );
    assert_eq!(pipeline.camera(at_frame(400), true), [What::Camera { works: true }]);
}

#[test]
fn other_settings_are_followed_without_losing_anybody() {
    let scene = Scene::new(Options { seed: 9, ..Options::default() });
    let ids = |change: bool| {
        let mut pipeline = pipeline(Settings::default());
        let mut chance = Chance::new(1);
        let mut ids = BTreeSet::new();
        for frame in 0..15 * 60 {
            if change && frame % 50 == 0 {
                let zones = if frame % 100 == 0 { vec![zone(1, 0.2, 0.5)] } else { Vec::new() };
                let settings = Settings { zones, rate: 10.0, ..Settings::default() };
                pipeline.change(at_frame(frame), settings).unwrap();
            }
            let found = imagine(&scene.truth(frame), &mut chance, 0.05, 0.05);
            pipeline.detections(at_frame(frame), &found);
            ids.extend(pipeline.tracks().iter().map(|track| track.id));
        }
        ids
    };
    assert_eq!(ids(true), ids(false));
}

#[test]
fn settings_that_cannot_be_followed_change_nothing() {
    let mut pipeline = pipeline(Settings { rate: 7.0, ..Settings::default() });
    assert!(pipeline.change(at_frame(1), Settings { rate: 0.0, ..Settings::default() }).is_err());
    assert!((pipeline.settings().rate - 7.0).abs() < f32::EPSILON);
}

#[test]
fn what_a_larger_model_calls_nothing_is_taken_back_and_does_not_come_again() {
    let mut pipeline = pipeline(Settings::default());
    let mut track = 0;
    for frame in 0..30 {
        pipeline.detections(at_frame(frame), &[Detection { score: 0.45, ..standing(0.4, 0.5) }]);
        track = pipeline.tracks().first().map_or(track, |track| track.id);
    }
    assert!(pipeline.glimpse(1, 2, 3).things[0].provisional);
    let told = pipeline.settle(track, None);
    assert!(matches!(told[..], [What::Corrected { label: None, .. }, What::Left { .. }]), "{told:?}");
    for frame in 30..90 {
        assert_eq!(pipeline.detections(at_frame(frame), &[standing(0.4, 0.5)]), []);
    }
    assert_eq!(pipeline.settle(track, Some(1)), []);
}

#[test]
fn a_larger_model_gives_a_name_that_stays() {
    let mut pipeline = pipeline(Settings::default());
    for frame in 0..5 {
        pipeline.detections(at_frame(frame), &[Detection { score: 0.45, ..standing(0.4, 0.5) }]);
    }
    assert_eq!(pipeline.settle(1, Some(2)), [What::Corrected { track: 1, label: Some(2) }]);
    pipeline.detections(at_frame(6), &[standing(0.4, 0.5)]);
    let glimpse = pipeline.glimpse(1, 2, 3);
    assert_eq!((glimpse.things[0].label, glimpse.things[0].provisional), (2, false));
}

#[test]
fn a_label_that_the_model_does_not_know_is_passed_over() {
    let mut pipeline = pipeline(Settings::default());
    for frame in 0..9 {
        assert_eq!(pipeline.detections(at_frame(frame), &[Detection { label: 3, ..standing(0.4, 0.5) }]), []);
    }
}

fn any_detection() -> impl Strategy<Value = Detection> {
    let odd = prop_oneof![8 => -0.2_f32..1.2, 1 => any::<f32>()];
    (odd.clone(), odd, -0.1_f32..0.5, -0.1_f32..0.5, 0.0_f32..1.0, 0_u16..4).prop_map(
        |(x, y, width, height, score, label)| Detection {
            place: Rect { left: x, top: y, right: x + width, bottom: y + height },
            label,
            score,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever a detector says and however time jumps: tracks begin once and end once, nobody leaves where they are not,
    /// and all of it is bounded.
    #[test]
    fn whatever_is_found_what_is_told_fits_together(
        looks in prop::collection::vec((prop::collection::vec(any_detection(), 0..200), 0_u64..3_000_000), 1..60),
    ) {
        let settings = Settings {
            lines: vec![Line { id: 1, name: "l".into(), from: Point { x: 0.5, y: 1.0 }, to: Point { x: 0.5, y: 0.0 } }],
            zones: vec![zone(1, 0.0, 0.6), zone(2, 0.3, 1.0)],
            ..Settings::default()
        };
        let mut pipeline = pipeline(settings);
        let mut now = Timestamp::from_micros(1);
        let (mut present, mut ever, mut inside) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (n, (found, gap)) in looks.iter().enumerate() {
            now = now + Duration::from_micros(*gap);
            let told = match n % 7 {
                5 => pipeline.idle(now),
                _ => pipeline.detections(now, found),
            };
            for what in told {
                match what {
                    What::Appeared { track, foot, .. } => {
                        prop_assert!(ever.insert(*track) && present.insert(*track));
                        prop_assert!((0.0..=1.0).contains(&foot.x) && (0.0..=1.0).contains(&foot.y));
                    }
                    What::Left { track, .. } => {
                        prop_assert!(present.remove(track));
                        prop_assert!(!inside.iter().any(|(_, who)| who == track));
                    }
                    What::Entered { zone, track, .. } => prop_assert!(present.contains(track) && inside.insert((*zone, *track))),
                    What::Exited { zone, track, .. } => prop_assert!(inside.remove(&(*zone, *track))),
                    What::Crossed { track, .. } => prop_assert!(present.contains(track)),
                    What::Occupancy { count, .. } => prop_assert!(usize::from(*count) <= crate::track::MOST_TRACKS),
                    _ => {}
                }
            }
            prop_assert!(pipeline.tracks().len() <= crate::track::MOST_TRACKS);
            prop_assert!(pipeline.tracks().iter().all(|track| track.place.area().is_finite()));
        }
        now = now + Duration::from_mins(1);
        pipeline.idle(now);
        prop_assert_eq!(pipeline.tracks().len(), 0);
    }
}
