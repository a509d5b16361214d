//! Questions within their budget, and what their answers teach.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const SETTINGS: Thresholds = Thresholds { low: 0.3, high: 0.6 };

fn at(ms: u64) -> Timestamp {
    Timestamp::from_micros(10_000_000 + ms * 1000)
}

fn track(id: TrackId, score: f32) -> Track {
    let place = Rect { left: 0.4, top: 0.4, right: 0.5, bottom: 0.7 };
    Track { id, label: 1, place, score, since: at(0), seen: at(0), hidden: false, settled: false }
}

/// Asks about one track, whose mosaic has so many bytes; what is sent.
fn ask(cascade: &mut Cascade, id: TrackId, score: f32, from: u64, bytes: usize) -> Option<Question> {
    for shot in 0..CELLS as u64 {
        let now = at(from + 1000 + shot * 500);
        for shot in cascade.shots(now, &[track(id, score)], SETTINGS) {
            if shot.last {
                cascade.ready(id, vec![0; bytes]);
            }
        }
    }
    cascade.next(at(from + 3000))
}

#[test]
fn only_what_is_neither_sure_nor_hopeless_is_asked_about_and_once() {
    let mut cascade = Cascade::new(at(0), Limits::default());
    assert_eq!(ask(&mut cascade, 1, 0.9, 0, 100), None);
    assert_eq!(ask(&mut cascade, 2, 0.2, 0, 100), None);
    assert_eq!(ask(&mut cascade, 3, 0.45, 0, 100).unwrap().track, 3);
    assert_eq!(ask(&mut cascade, 3, 0.45, 9000, 100), None);
}

#[test]
fn a_mosaic_shows_a_track_at_several_times() {
    let mut cascade = Cascade::new(at(0), Limits::default());
    assert_eq!(cascade.shots(at(100), &[track(1, 0.5)], SETTINGS), [], "not yet followed for long enough");
    let mut cells = Vec::new();
    for frame in 0..60 {
        let shots = cascade.shots(at(1000 + frame * 67), &[track(1, 0.5)], SETTINGS);
        cells.extend(shots.iter().map(|shot| (shot.cell, shot.last)));
        assert!(shots.iter().all(|shot| shot.place.left < 0.4 && shot.place.bottom > 0.7));
        if shots.iter().any(|shot| shot.last) {
            cascade.ready(1, vec![1; 10]);
        }
    }
    assert_eq!(cells, [(0, false), (1, false), (2, false), (3, true)]);
}

#[test]
fn without_a_link_the_oldest_questions_are_given_up() {
    let limits = Limits { queue: 1000, ..Limits::default() };
    let mut cascade = Cascade::new(at(0), limits);
    for id in 1..=20 {
        for shot in 0..4 {
            cascade.shots(at(1000 + shot * 500), &[track(id, 0.5)], SETTINGS);
        }
        cascade.ready(id, vec![0; 100]);
    }
    assert_eq!((cascade.backlog(), cascade.counters().given_up), (1000, 10));
    assert_eq!(cascade.next(at(9000)).unwrap().track, 11);
}

#[test]
fn an_answer_nobody_asked_for_changes_nothing() {
    let mut cascade = Cascade::new(at(0), Limits::default());
    assert_eq!(cascade.answer(Answer { track: 1, label: None }), None);
    ask(&mut cascade, 1, 0.5, 0, 100).unwrap();
    let answer = Answer { track: 1, label: Some(2) };
    assert_eq!(cascade.answer(answer), Some(answer));
    assert_eq!(cascade.answer(answer), None, "answered already");
    let Counters { asked: 1, bytes: 100, answered: 1, corrected: 1, given_up: 0 } = cascade.counters() else {
        panic!("{:?}", cascade.counters())
    };
}

#[test]
fn whoever_cannot_answer_teaches_nothing() {
    let mut cascade = Cascade::new(at(0), Limits::default());
    ask(&mut cascade, 1, 0.5, 0, 100).unwrap();
    cascade.unanswered(1);
    cascade.unanswered(1);
    cascade.unanswered(2);
    assert_eq!(cascade.answer(Answer { track: 1, label: None }), None);
    assert_eq!((cascade.counters().given_up, cascade.counters().answered), (1, 0));
}

#[test]
fn a_question_that_is_never_answered_is_given_up() {
    let mut cascade = Cascade::new(at(0), Limits::default());
    ask(&mut cascade, 1, 0.5, 0, 100).unwrap();
    ask(&mut cascade, 2, 0.5, 60_000, 100).unwrap();
    assert_eq!(cascade.counters().given_up, 1);
    assert_eq!(cascade.answer(Answer { track: 1, label: None }), None);
}

#[test]
fn a_sensor_that_is_right_nearly_always_asks_less() {
    let mut lessons = Lessons::default();
    assert_eq!(lessons.thresholds(SETTINGS), SETTINGS);
    for n in 0..60 {
        lessons.learn(0.58, 1, Some(1));
        lessons.learn(0.52, 1, Some(1));
        lessons.learn(0.45, 1, Some(if n % 3 == 0 { 2 } else { 1 }));
        lessons.learn(0.32, 1, None);
    }
    let learned = lessons.thresholds(SETTINGS);
    assert!((learned.high - 0.5).abs() < 1e-4 && (learned.low - 0.35).abs() < 1e-4, "{learned:?}");
}

#[test]
fn a_sensor_that_is_wrong_where_it_was_sure_asks_more() {
    let mut lessons = Lessons::default();
    for n in 0..60 {
        lessons.learn(0.72, 1, if n % 4 == 0 { None } else { Some(1) });
    }
    let learned = lessons.thresholds(SETTINGS);
    assert!((learned.high - 0.75).abs() < 1e-4, "{learned:?}");
}

proptest! {
    /// Never more than the budget, whatever comes when; all that was ready was sent, waits or was given up.
    #[test]
    fn the_budget_is_kept(
        steps in prop::collection::vec((0_u64..3000, 0_usize..9000, any::<bool>()), 1..120),
        rate in 0.0_f32..5000.0,
    ) {
        let limits = Limits { rate, burst: 8000, queue: 20_000 };
        let mut cascade = Cascade::new(at(0), limits);
        let (mut now, mut sent, mut ready, mut asked) = (2000, 0, 0, BTreeSet::new());
        for (id, (gap, bytes, link)) in (1..).zip(steps) {
            now += gap;
            if !cascade.shots(at(now), &[track(id, 0.5)], SETTINGS).is_empty() {
                cascade.ready(id, vec![0; bytes]);
                ready += 1;
            }
            while let Some(question) = link.then(|| cascade.next(at(now))).flatten() {
                sent += question.mosaic.len();
                prop_assert!(asked.insert(question.track));
            }
            prop_assert!(sent as f64 <= 8000.0 + f64::from(rate) * now as f64 / 1000.0 + 1.0);
            prop_assert!(cascade.backlog() <= 20_000);
        }
        let counters = cascade.counters();
        // What was sent and never answered is given up, too.
        prop_assert!(counters.given_up + cascade.waiting.len() as u64 + counters.asked >= ready);
        prop_assert_eq!(counters.bytes, sent as u64);
    }

    #[test]
    fn thresholds_stay_in_order(answers in prop::collection::vec((0.0_f32..1.0, 0_u16..3), 0..400), low in 0.0_f32..1.0, high in 0.0_f32..1.0) {
        let mut lessons = Lessons::default();
        for (score, truth) in answers {
            lessons.learn(score, 1, (truth > 0).then_some(truth));
        }
        let Thresholds { low, high } = lessons.thresholds(Thresholds { low: low.min(high), high: low.max(high) });
        prop_assert!((0.0..=1.0).contains(&low) && (low..=1.0).contains(&high));
    }
}
