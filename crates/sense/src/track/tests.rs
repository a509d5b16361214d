//! Tracks of scenes whose truth is known, through a detector that misses and trembles, and of walks made by hand.

use super::*;
use crate::scene::{Chance, Options, Scene, imagine};
use crate::score::{Followed, Switches};

const THRESHOLDS: Thresholds = Thresholds { low: 0.3, high: 0.6 };

fn at_frame(frame: u64) -> Timestamp {
    Timestamp::from_micros(1_000_000 + frame * 1_000_000 / 15)
}

fn walker(x: f32, y: f32, score: f32) -> Detection {
    Detection { place: Rect::around(Point { x, y }, 0.08, 0.3), label: 0, score }
}

/// Follows what is found in each picture; the numbers that were given, and the tracks that ended.
fn follow(pictures: impl Iterator<Item = Vec<Detection>>) -> (Vec<TrackId>, Vec<Track>, Tracker) {
    let (mut tracker, mut begun, mut ended) = (Tracker::default(), Vec::new(), Vec::new());
    for (frame, found) in (0..).zip(pictures) {
        let changes = tracker.detections(at_frame(frame), &found, THRESHOLDS);
        begun.extend(changes.begun.iter().map(|track| track.id));
        ended.extend(changes.ended);
    }
    (begun, ended, tracker)
}

fn x_of(frame: u16) -> f32 {
    0.1 + f32::from(frame) * 0.01
}

#[test]
fn who_walks_behind_a_pillar_comes_out_as_the_same() {
    let hidden = 35..55;
    let pictures = (0..80_u16)
        .map(|frame| if hidden.contains(&frame) { vec![] } else { vec![walker(x_of(frame), 0.5, 0.9)] });
    let (begun, ended, tracker) = follow(pictures);
    assert_eq!((begun.as_slice(), ended.len()), ([1].as_slice(), 0));
    assert_eq!(tracker.tracks().count(), 1);
}

#[test]
fn two_whose_ways_cross_stay_who_they_are() {
    let pictures = (0..80_u16).map(|frame| {
        let (right, left) = (walker(x_of(frame), 0.5, 0.9), walker(1.0 - x_of(frame), 0.53, 0.9));
        // The one behind is not seen while they meet.
        if (right.place.centre().x - left.place.centre().x).abs() < 0.06 {
            vec![left]
        } else {
            vec![right, left]
        }
    });
    let (begun, _, tracker) = follow(pictures);
    assert_eq!(begun, [1, 2]);
    let ends: Vec<f32> = tracker.tracks().map(|track| track.place.centre().x).collect();
    assert!(ends[0] > 0.85 && ends[1] < 0.15, "{ends:?}");
}

#[test]
fn a_faint_sight_keeps_a_track_and_begins_none() {
    let pictures = (0..60_u16).map(|frame| {
        let mut found = vec![walker(x_of(frame), 0.5, if frame < 10 { 0.9 } else { 0.15 })];
        found.push(walker(0.5, 0.9, 0.2));
        found
    });
    let (begun, ended, tracker) = follow(pictures);
    assert_eq!((begun.as_slice(), ended.len()), ([1].as_slice(), 0));
    assert!(tracker.tracks().all(|track| !track.hidden && track.score < 0.3));
}

#[test]
fn what_is_seen_once_is_nobody() {
    let mut chance = Chance::new(4);
    let pictures = (0..3_000_u16).map(|frame| {
        let anywhere = walker(chance.between(0.1, 0.9), chance.between(0.2, 0.8), 0.7);
        if frame % 5 == 0 { vec![anywhere] } else { vec![] }
    });
    let (begun, _, tracker) = follow(pictures);
    assert_eq!(begun, Vec::<TrackId>::new());
    assert!(tracker.followed.len() <= 2);
}

#[test]
fn who_leaves_the_picture_is_gone_soon_and_who_is_hidden_is_not() {
    let pictures = (0..60_u16).map(|frame| match frame {
        0..30 => vec![walker(0.65 + f32::from(frame) * 0.01, 0.5, 0.9), walker(0.3, 0.5, 0.9)],
        _ => vec![],
    });
    let (_, ended, tracker) = follow(pictures);
    assert_eq!(ended.iter().map(|track| track.id).collect::<Vec<_>>(), [1]);
    assert_eq!(tracker.tracks().map(|track| (track.id, track.hidden)).collect::<Vec<_>>(), [(2, true)]);
}

#[test]
fn tracks_end_by_time_however_rarely_somebody_looks() {
    let mut tracker = Tracker::default();
    for frame in 0..10 {
        tracker.detections(at_frame(frame), &[walker(0.5, 0.5, 0.9)], THRESHOLDS);
    }
    assert!(tracker.detections(at_frame(10 + 15), &[], THRESHOLDS).ended.is_empty());
    assert_eq!(tracker.detections(at_frame(10 + 60), &[], THRESHOLDS).ended.len(), 1);
}

#[test]
fn a_crowd_beyond_all_limits_is_followed_up_to_the_limit() {
    let crowd: Vec<Detection> = (0..1000_u16)
        .map(|n| Detection {
            place: Rect::around(
                Point { x: f32::from(n % 40) / 40.0, y: f32::from(n / 40) / 25.0 },
                0.02,
                0.03,
            ),
            label: 0,
            score: 0.5 + f32::from(n) / 4000.0,
        })
        .collect();
    let (begun, _, tracker) = follow((0..8).map(|_| crowd.clone()));
    assert_eq!((begun.len(), tracker.tracks().count()), (MOST_TRACKS, MOST_TRACKS));
}

#[test]
fn few_are_taken_for_others_in_a_crowd() {
    let scene = Scene::new(Options { seed: 21, people: 8, objects: 4, ..Options::default() });
    let (mut tracker, mut judge, mut chance) = (Tracker::default(), Switches::new(), Chance::new(21));
    for frame in 0..5 * 60 * 15 {
        let truth = scene.truth(frame);
        tracker.detections(at_frame(frame), &imagine(&truth, &mut chance, 0.05, 0.05), THRESHOLDS);
        let tracks = tracker.tracks().filter(|track| !track.hidden);
        judge.add(&truth.figures, &tracks.map(|track| (track.id, track.place)).collect::<Vec<_>>());
    }
    let followed = judge.followed();
    let Followed { there, missed, switches, .. } = followed;
    println!("{switches} switches in 5 minutes, {missed} of {there} missed");
    assert!(missed * 100 < there * 15 && switches < 90, "{followed:?}");
}

#[test]
fn whoever_is_hidden_does_not_turn_up_across_the_room() {
    let pictures = (0..60_u16).map(|frame| match frame {
        0..15 => vec![walker(0.2, 0.5, 0.9)],
        // Hidden for so long that hardly any place would be a surprise.
        15..45 => vec![],
        _ => vec![walker(0.6, 0.5, 0.9)],
    });
    let (begun, ..) = follow(pictures);
    assert_eq!(begun, [1, 2]);
}

#[test]
fn a_faint_sight_brings_nobody_back() {
    let pictures = (0..80_u16).map(|frame| match frame {
        0..15 => vec![walker(0.2, 0.5, 0.9)],
        15..25 => vec![],
        _ => vec![walker(0.2, 0.5, 0.2)],
    });
    let (begun, ended, _) = follow(pictures);
    assert_eq!((begun.len(), ended.len()), (1, 1));
}
