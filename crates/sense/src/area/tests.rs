//! Lines and zones under feet that walk, tremble, dance and go away.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::geometry::{Point, Rect};
use crate::observation::{Direction, TrackId};
use crate::settings::{Line, Zone};

fn point(x: f32, y: f32) -> Point {
    Point { x, y }
}

fn line() -> Line {
    Line { id: 3, name: "door".into(), from: point(0.5, 0.9), to: point(0.5, 0.4) }
}

fn zone(corners: &[(f32, f32)], dwell_ms: Option<u32>) -> Zone {
    let corners = corners.iter().map(|&(x, y)| point(x, y)).collect();
    Zone { id: 7, name: "till".into(), corners, dwell_ms }
}

const LEFT_HALF: [(f32, f32); 4] = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)];

/// A room with one who walks in it, fifteen times a second.
struct Room {
    areas: Areas,
    now: Timestamp,
    told: Vec<What>,
}

impl Room {
    fn new(lines: Vec<Line>, zones: Vec<Zone>) -> Self {
        let now = Timestamp::from_micros(5_000_000);
        let settings = Settings { lines, zones, ..Settings::default() };
        Self { areas: Areas::new(now, &settings), now, told: Vec::new() }
    }

    fn track(&self, id: TrackId, foot: Point) -> Track {
        let place = Rect::around(point(foot.x, foot.y - 0.15), 0.1, 0.3);
        Track {
            id,
            label: 2,
            place,
            score: 0.9,
            since: self.now,
            seen: self.now,
            hidden: false,
            settled: false,
        }
    }

    fn stand(&mut self, foot: Point) {
        self.now = self.now + Duration::from_micros(66_667);
        let track = self.track(1, foot);
        self.areas.see(self.now, &[track], &mut self.told);
    }

    fn walk(&mut self, from: Point, to: Point, steps: u16) {
        for step in 0..=steps {
            let part = f32::from(step) / f32::from(steps);
            self.stand(point(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part));
        }
    }

    fn wait(&mut self, foot: Point, seconds: f32) {
        let end = self.now + Duration::from_secs_f32(seconds);
        while self.now < end {
            self.stand(foot);
        }
    }

    fn crossings(&self) -> Vec<Direction> {
        let direction = |what: &What| match what {
            What::Crossed { line: 3, track: 1, label: 2, direction } => Some(*direction),
            _ => None,
        };
        self.told.iter().filter_map(direction).collect()
    }

    fn count(&self, which: impl Fn(&What) -> bool) -> usize {
        self.told.iter().filter(|what| which(what)).count()
    }
}

#[test]
fn who_walks_through_a_door_is_counted_in_the_right_direction() {
    let mut room = Room::new(vec![line()], vec![]);
    room.walk(point(0.2, 0.7), point(0.8, 0.7), 40);
    assert_eq!(room.crossings(), [Direction::In]);
    room.walk(point(0.8, 0.7), point(0.2, 0.6), 40);
    assert_eq!(room.crossings(), [Direction::In, Direction::Out]);
}

#[test]
fn who_dances_on_the_line_is_counted_once_at_most() {
    let mut room = Room::new(vec![line()], vec![]);
    room.walk(point(0.3, 0.7), point(0.495, 0.7), 20);
    for _ in 0..40 {
        room.walk(point(0.495, 0.7), point(0.506, 0.7), 3);
        room.walk(point(0.506, 0.7), point(0.495, 0.7), 3);
    }
    assert_eq!(room.crossings(), []);
    room.walk(point(0.495, 0.7), point(0.7, 0.7), 20);
    assert_eq!(room.crossings(), [Direction::In]);
}

#[test]
fn who_stops_just_behind_the_line_has_crossed_it() {
    let mut room = Room::new(vec![line()], vec![]);
    room.walk(point(0.3, 0.7), point(0.503, 0.7), 20);
    room.wait(point(0.503, 0.7), 1.2);
    assert_eq!(room.crossings(), [Direction::In]);
}

#[test]
fn who_goes_around_the_end_of_a_line_has_not_crossed_it() {
    let mut room = Room::new(vec![line()], vec![]);
    room.walk(point(0.3, 0.35), point(0.7, 0.35), 20);
    assert_eq!(room.crossings(), []);
    room.walk(point(0.7, 0.35), point(0.7, 0.7), 20);
    room.walk(point(0.7, 0.7), point(0.3, 0.7), 20);
    assert_eq!(room.crossings(), [Direction::Out]);
}

#[test]
fn who_was_hidden_while_crossing_is_counted_when_seen_again() {
    let mut room = Room::new(vec![line()], vec![]);
    room.walk(point(0.2, 0.7), point(0.45, 0.7), 20);
    let hidden = Track { hidden: true, ..room.track(1, point(0.55, 0.7)) };
    room.areas.see(room.now, &[hidden], &mut room.told);
    assert_eq!(room.crossings(), []);
    room.walk(point(0.6, 0.7), point(0.7, 0.7), 5);
    assert_eq!(room.crossings(), [Direction::In]);
}

#[test]
fn a_stay_is_told_with_its_length() {
    let mut room = Room::new(vec![], vec![zone(&LEFT_HALF, Some(2_000))]);
    room.wait(point(0.7, 0.7), 1.0);
    room.wait(point(0.3, 1.0), 3.0);
    room.wait(point(0.7, 0.7), 2.0);
    assert_eq!(room.count(|what| matches!(what, What::Entered { zone: 7, track: 1, label: 2 })), 1);
    assert_eq!(room.count(|what| matches!(what, What::Dwelt { dwelt_ms: 2_000..2_100, .. })), 1);
    assert_eq!(room.count(|what| matches!(what, What::Exited { dwelt_ms: 2_900..3_100, .. })), 1);
    let occupancy = room.told.iter().filter_map(|what| match what {
        What::Occupancy { count, .. } => Some(*count),
        _ => None,
    });
    assert_eq!(occupancy.collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn who_trembles_on_the_edge_of_a_zone_neither_enters_nor_leaves_again_and_again() {
    let mut room = Room::new(vec![], vec![zone(&LEFT_HALF, None)]);
    for _ in 0..100 {
        room.stand(point(0.499, 0.7));
        room.stand(point(0.501, 0.7));
    }
    assert_eq!(room.told, []);
}

#[test]
fn the_inside_of_a_concave_zone_is_where_it_is_drawn() {
    let corners: Vec<Point> =
        [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.7, 0.9), (0.7, 0.3), (0.3, 0.3), (0.3, 0.9), (0.1, 0.9)]
            .map(|(x, y)| point(x, y))
            .to_vec();
    for (x, y, inside) in
        [(0.2, 0.8, true), (0.8, 0.8, true), (0.5, 0.2, true), (0.5, 0.6, false), (0.95, 0.5, false)]
    {
        assert_eq!(zone::contains(&corners, point(x, y)), inside, "{x} {y}");
    }
}

#[test]
fn who_ends_in_a_zone_has_left_it() {
    let mut room = Room::new(vec![line()], vec![zone(&LEFT_HALF, None)]);
    room.wait(point(0.3, 0.7), 2.0);
    let track = room.track(1, point(0.3, 0.7));
    room.areas.end(&track, &mut room.told);
    room.now = room.now + Duration::from_secs(2);
    room.areas.see(room.now, &[], &mut room.told);
    room.now = room.now + Duration::from_secs(2);
    room.areas.see(room.now, &[], &mut room.told);
    assert_eq!(room.count(|what| matches!(what, What::Exited { .. })), 1);
    assert_eq!(room.told.last(), Some(&What::Occupancy { zone: 7, count: 0 }));
}

#[test]
fn a_name_may_change_while_somebody_is_inside_but_another_shape_begins_anew() {
    let mut room = Room::new(vec![], vec![zone(&LEFT_HALF, None)]);
    room.wait(point(0.3, 0.7), 3.0);
    room.told.clear();
    let renamed = Zone { name: "desk".into(), ..zone(&LEFT_HALF, None) };
    let settings = Settings { zones: vec![renamed], ..Settings::default() };
    room.areas.change(room.now, &settings, &mut room.told);
    room.wait(point(0.3, 0.7), 1.5);
    assert_eq!(room.told, []);
    room.areas.change(room.now, &Settings::default(), &mut room.told);
    assert!(matches!(room.told[..], [What::Exited { .. }, What::Occupancy { zone: 7, count: 0 }]));
}

#[test]
fn a_minute_of_standing_still_is_a_minute_of_heat() {
    let mut room = Room::new(vec![], vec![]);
    room.wait(point(0.999, 0.999), 61.0);
    let [What::Heat { columns: COLUMNS, rows: ROWS, cells }] = &room.told[..] else {
        panic!("{:?}", room.told)
    };
    assert!(matches!(cells[..], [(767, 598..=600)]), "{cells:?}");
}

proptest! {
    /// However somebody walks, in and out take turns, and nobody crosses more often than they change sides.
    #[test]
    fn crossings_take_turns(way in prop::collection::vec((0.3_f32..0.7, 0.45_f32..0.85), 2..40)) {
        let mut room = Room::new(vec![line()], vec![]);
        for pair in way.windows(2) {
            room.walk(point(pair[0].0, pair[0].1), point(pair[1].0, pair[1].1), 8);
        }
        let crossings = room.crossings();
        prop_assert!(crossings.windows(2).all(|two| two[0] != two[1]));
        let changes = way.windows(2).filter(|two| (two[0].0 < 0.5) != (two[1].0 < 0.5)).count();
        prop_assert!(crossings.len() <= changes);
    }

    /// Entries and exits take turns and the number inside is never wrong by more than what is not settled yet.
    #[test]
    fn who_goes_in_comes_out(way in prop::collection::vec((0.0_f32..1.0, 0.0_f32..1.0), 2..40)) {
        let mut room = Room::new(vec![], vec![zone(&LEFT_HALF, Some(500))]);
        for pair in way.windows(2) {
            room.walk(point(pair[0].0, pair[0].1), point(pair[1].0, pair[1].1), 8);
        }
        let track = room.track(1, point(0.0, 0.0));
        room.areas.end(&track, &mut room.told);
        let (mut inside, mut dwelt) = (false, false);
        for what in &room.told {
            match what {
                What::Entered { .. } => { prop_assert!(!inside); (inside, dwelt) = (true, false); }
                What::Exited { .. } => { prop_assert!(inside); inside = false; }
                What::Dwelt { .. } => { prop_assert!(inside && !dwelt); dwelt = true; }
                _ => {}
            }
        }
        prop_assert!(!inside);
    }

    /// Two zones that are one cut in two have what the one has.
    #[test]
    fn a_place_is_in_one_of_two_halves(x in 0.0_f32..1.0, y in 0.0_f32..1.0, cut in 0.1_f32..0.9) {
        let whole = [point(0.0, 0.0), point(1.0, 0.0), point(1.0, 1.0), point(0.0, 1.0)];
        let upper = [point(0.0, 0.0), point(1.0, 0.0), point(1.0, cut), point(0.0, 1.0 - cut)];
        let lower = [point(0.0, 1.0 - cut), point(1.0, cut), point(1.0, 1.0), point(0.0, 1.0)];
        prop_assert!(zone::contains(&whole, point(x, y)));
        prop_assert!(zone::contains(&upper, point(x, y)) != zone::contains(&lower, point(x, y)));
    }
}
