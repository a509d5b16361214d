//! Reports of somebody who walks: what comes of them, once.

use super::*;
use crate::aitrios::LARGEST_REPORT;
use crate::detection::Detection;
use crate::geometry::{Point, Rect};
use crate::observation::Direction;
use crate::settings::{InputSize, Line, Zone};

const SIZE: Size = (300, 200);
const START: u64 = 1_796_069_400_000;
const STEP: u64 = 100;
const ANY: RangeInclusive<u64> = 0..=u64::MAX / PER_INFERENCE;

fn settings() -> Settings {
    let (from, to) = (Point { x: 0.5, y: 0.0 }, Point { x: 0.5, y: 1.0 });
    let corner = |x, y| Point { x, y };
    let corners = vec![corner(0.6, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.6, 1.0)];
    Settings {
        lines: vec![Line { id: 1, name: "Door".into(), from, to }],
        zones: vec![Zone { id: 2, name: "Hall".into(), corners, dwell_ms: None }],
        input_size: Some(InputSize { width: SIZE.0, height: SIZE.1 }),
        ..Settings::default()
    }
}

fn fresh(last: u64) -> Follower {
    let mut follower = Follower::after(last);
    follower.change(settings()).unwrap();
    follower
}

/// Somebody who walks from the left to the right, in these pictures.
fn walk(pictures: std::ops::Range<u16>) -> Vec<u8> {
    let inference = |picture: u16| {
        let place = Rect::around(Point { x: 0.2 + f32::from(picture) * 0.02, y: 0.6 }, 0.12, 0.5);
        let found = vec![Detection { place, label: 0, score: 0.9 }];
        Inference { at: START + u64::from(picture) * STEP, found }
    };
    report(pictures.map(inference).collect())
}

fn report(inferences: Vec<Inference>) -> Vec<u8> {
    let (device, model) = ("Aid-1".to_owned(), "m".to_owned());
    Report { device, model, image: false, inferences }.write(SIZE).unwrap()
}

fn crossings(events: &[Event]) -> Vec<(u64, Direction)> {
    let crossed = |event: &Event| match event.what {
        What::Crossed { line: 1, direction, .. } => Some((event.at, direction)),
        _ => None,
    };
    events.iter().filter_map(crossed).collect()
}

#[test]
fn somebody_who_walks_over_a_line_is_counted_once_whatever_comes_again() {
    let mut follower = fresh(0);
    let reports: Vec<_> = (0..3).map(|part| walk(part * 10..part * 10 + 10)).collect();
    let mut events = Vec::new();
    for report in &reports {
        events.extend(follower.report(report, &ANY).unwrap().events);
        assert_eq!(follower.report(report, &ANY).unwrap(), News { events: vec![], passed_over: 10 });
    }
    assert_eq!(crossings(&events).len(), 1, "{events:?}");
    assert_eq!(crossings(&events)[0].1, Direction::Out);
    assert!(events.windows(2).all(|pair| pair[0].seq < pair[1].seq && pair[0].at <= pair[1].at));
    assert!(events.iter().all(|event| event.seq / PER_INFERENCE == event.at), "numbers come from times");
    // One who has forgotten all but the number takes nothing twice either.
    let last = events.last().unwrap().seq;
    let mut other = fresh(last);
    let again: Vec<_> =
        reports.iter().flat_map(|report| other.report(report, &ANY).unwrap().events).collect();
    assert_eq!(crossings(&again), []);
    assert!(again.iter().all(|event| event.seq > last), "{again:?}");
    assert!(again.is_empty() || again[0].what == What::Camera { works: false });
}

#[test]
fn who_falls_silent_leaves_empty_zones_and_nobody_knows() {
    let mut follower = fresh(0);
    let news = follower.report(&walk(0..38), &ANY).unwrap();
    assert_eq!(news.events[0].what, What::Camera { works: true });
    assert!(news.events.iter().any(|event| event.what == What::Occupancy { zone: 2, count: 1 }));
    assert_eq!(follower.glimpse().unwrap().things.len(), 1);
    let told = follower.silent();
    let what: Vec<_> = told.iter().map(|event| &event.what).collect();
    assert!(matches!(what[..], [What::Exited { zone: 2, .. }, What::Left { .. }, ..]), "{what:?}");
    assert!(what.contains(&&What::Occupancy { zone: 2, count: 0 }), "{what:?}");
    assert_eq!(what.last(), Some(&&What::Camera { works: false }));
    assert!(told[0].seq > news.events.last().unwrap().seq);
    assert!(!follower.is_active() && follower.silent().is_empty() && follower.glimpse().is_none());
    // What comes then is new, however little later.
    let news = follower.report(&walk(38..39), &ANY).unwrap();
    assert_eq!(news.events[0].what, What::Camera { works: true });
    assert!(news.events[0].seq > told.last().unwrap().seq);
}

#[test]
fn inferences_in_any_order_are_followed_in_that_of_their_times() {
    let mut mixed = Report::read(&walk(0..30), SIZE).unwrap().inferences;
    mixed.reverse();
    let events = fresh(0).report(&report(mixed), &ANY).unwrap().events;
    assert_eq!(crossings(&events).len(), 1);
}

#[test]
fn other_settings_count_from_the_next_inference_on() {
    let mut follower = fresh(0);
    follower.report(&walk(0..10), &ANY).unwrap();
    assert!(follower.change(Settings { rate: 0.0, ..settings() }).is_err());
    follower.change(Settings { lines: vec![], ..settings() }).unwrap();
    assert_eq!(crossings(&follower.report(&walk(10..30), &ANY).unwrap().events), []);
    // In an input of half the width somebody stands at twice the distance from the left edge.
    let halved = InputSize { width: SIZE.0 / 2, height: SIZE.1 };
    let mut other = fresh(0);
    other.change(Settings { input_size: Some(halved), ..settings() }).unwrap();
    let place = |follower: &Follower| u32::from(follower.glimpse().unwrap().things[0].place[0]);
    let mut usual = fresh(0);
    usual.report(&walk(0..4), &ANY).unwrap();
    other.report(&walk(0..4), &ANY).unwrap();
    assert!(place(&other) > place(&usual) * 19 / 10, "{} and {}", place(&other), place(&usual));
}

#[test]
fn what_cannot_be_followed_is_named_and_changes_nothing() {
    let mut follower = fresh(0);
    let refused = |follower: &mut Follower, bytes: &[u8], believed| {
        follower.report(bytes, &believed).unwrap_err().to_string()
    };
    let error = refused(&mut follower, &walk(0..10), 0..=START + 500);
    assert!(error.contains("2026-11-30") && error.contains("clock"), "{error}");
    assert!(refused(&mut follower, &walk(0..10), START + 1..=START * 2).contains("clock"));
    assert!(refused(&mut follower, b"{}", ANY).contains("DeviceID"));
    assert!(refused(&mut follower, &vec![b' '; LARGEST_REPORT + 1], ANY).contains("bytes"));
    // Tables that are shared make more of a report than is written in it.
    let one = format!("{{\"T\":\"20261130000000000\",\"O\":\"{}\"}}", base64(&crowd(1000)));
    let many = |count| {
        let list = vec![one.as_str(); count].join(",");
        format!("{{\"DeviceID\":\"\",\"ModelID\":\"\",\"Inferences\":[{list}]}}")
    };
    assert!(refused(&mut follower, many(5).as_bytes(), ANY).contains("5000 detections"));
    assert!(!follower.is_active());
    assert_eq!(crossings(&follower.report(&walk(0..30), &ANY).unwrap().events).len(), 1);
}

/// Metadata with so many objects, which are all the same table.
fn crowd(objects: usize) -> Vec<u8> {
    let mut bytes = crate::aitrios::layout::head(objects);
    let from = bytes.len();
    for object in 0..objects {
        crate::aitrios::layout::put(&mut bytes, 4 * (objects - object));
    }
    assert_eq!(bytes.len(), from + 4 * objects);
    crate::aitrios::layout::put_object(&mut bytes, 0, 1, 0.9, [10, 10, 60, 60]);
    bytes
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
