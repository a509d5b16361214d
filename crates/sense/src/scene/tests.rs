use super::*;
use crate::observation::Direction;

fn scene(seed: u64) -> Scene {
    Scene::new(Options { seed, ..Options::default() })
}

fn picture(scene: &Scene, frame: u64) -> Picture {
    let mut picture = Picture::black(1, 1);
    scene.render(frame, &mut picture);
    picture
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places within a picture")]
fn pixels(place: f32) -> usize {
    place as usize
}

#[test]
fn a_seed_gives_the_same_scene_in_whatever_order_it_is_asked_for() {
    let (one, other) = (scene(5), scene(5));
    let forwards: Vec<_> = (0..50).map(|frame| (picture(&one, frame * 7), one.truth(frame * 7))).collect();
    for (frame, (drawn, truth)) in forwards.iter().enumerate().rev() {
        assert_eq!(&other.truth(frame as u64 * 7), truth);
        assert!(&picture(&other, frame as u64 * 7) == drawn, "frame {frame}");
    }
    assert!(picture(&scene(6), 0) != forwards[0].0);
}

/// The scene of a seed is what models were trained and judged on. Sums, since the last bit of a sine is the machine's.
#[test]
fn a_seed_means_the_same_scene_as_ever() {
    let (mut brightness, mut places) = (0.0_f64, 0.0_f64);
    for frame in (0..500).step_by(100) {
        let rgb = picture(&scene(1), frame);
        brightness += rgb.rgb().iter().map(|&part| f64::from(part)).sum::<f64>() / rgb.rgb().len() as f64;
        let figures = scene(1).truth(frame).figures;
        places += figures.iter().map(|figure| f64::from(figure.foot.x + figure.place.top)).sum::<f64>();
    }
    let as_ever = (brightness - 597.325).abs() < 0.05 && (places - 19.063).abs() < 0.001;
    assert!(as_ever, "{brightness} {places}: if the scenes were meant to change, train the models again");
}

/// Most pixels of a figure that is not hidden differ from the empty room, and nothing but shadows does outside of figures.
#[test]
fn the_truth_tells_where_the_figures_are_drawn() {
    let options = Options { noise: 0.0, barcode: false, ..Options::default() };
    let mut looked_at = 0;
    for seed in 0..6 {
        let full = Scene::new(Options { seed, ..options.clone() });
        let empty = Scene::new(Options { seed, people: 0, objects: 0, ..options.clone() });
        for frame in (0..600).step_by(60) {
            let (with, without) = (picture(&full, frame), picture(&empty, frame));
            let truth = full.truth(frame);
            let differs = |x: usize, y: usize| {
                let place = (y * 320 + x) * 3;
                let pixel = |picture: &Picture| -> Vec<i32> {
                    picture.rgb()[place..place + 3].iter().map(|&part| i32::from(part)).collect()
                };
                pixel(&with).iter().zip(pixel(&without)).map(|(one, other)| (one - other).abs()).sum::<i32>()
                    > 6
            };
            let mut outside = 0;
            for (x, y) in (0..240).flat_map(|y| (0..320).map(move |x| (x, y))) {
                let (u, v) = ((x as f32 + 0.5) / 320.0, (y as f32 + 0.5) / 240.0);
                let within = |rect: &crate::geometry::Rect| {
                    (rect.left..=rect.right).contains(&u) && (rect.top..=rect.bottom).contains(&v)
                };
                outside +=
                    usize::from(differs(x, y) && !truth.figures.iter().any(|figure| within(&figure.place)));
            }
            assert!(outside < 250 * (1 + truth.figures.len()), "{outside} pixels at {frame} of {seed}");
            for figure in truth.figures.iter().filter(|figure| figure.visible > 0.95) {
                let [left, right] = [figure.place.left, figure.place.right].map(|edge| pixels(edge * 320.0));
                let [top, bottom] = [figure.place.top, figure.place.bottom].map(|edge| pixels(edge * 240.0));
                let all = (right - left) * (bottom - top);
                let differing = (top..bottom)
                    .flat_map(|y| (left..right).map(move |x| (x, y)))
                    .filter(|&(x, y)| differs(x, y));
                let share = differing.count() as f32 / all.max(1) as f32;
                assert!(share > 0.35, "{figure:?} at {frame} of {seed}: {share}");
                // Something of it touches each edge of its place.
                let column = |x: usize| (top..bottom).any(|y| differs(x.min(319), y));
                let row = |y: usize| (left..right).any(|x| differs(x, y.min(239)));
                assert!(
                    (left..left + 3).any(column) && (right.saturating_sub(3)..=right).any(column),
                    "{figure:?}"
                );
                assert!(
                    (top..top + 3).any(row) && (bottom.saturating_sub(3)..=bottom).any(row),
                    "{figure:?}"
                );
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 60, "{looked_at}");
}

#[test]
fn figures_hide_each_other_now_and_then_and_are_seen_again() {
    let scene = scene(3);
    let mut least = std::collections::BTreeMap::<u32, (f32, bool)>::new();
    for frame in 0..15 * 120 {
        for figure in scene.truth(frame).figures {
            assert!((0.0..=1.0).contains(&figure.visible), "{figure:?}");
            let inside = figure.place.left > 0.02 && figure.place.right < 0.98;
            let seen = least.entry(figure.id).or_insert((1.0, false));
            if inside {
                seen.1 |= seen.0 < 0.4 && figure.visible > 0.9;
                seen.0 = seen.0.min(figure.visible);
            }
        }
    }
    let hidden = least.values().filter(|seen| seen.1).count();
    assert!(hidden >= 3, "{hidden} of {}", least.len());
}

#[test]
fn people_cross_the_door_both_ways_every_few_seconds() {
    for seed in 1..6 {
        let crossings = scene(seed).crossings(&Scene::door(), 0..15 * 600);
        let inwards = crossings.iter().filter(|crossing| crossing.direction == Direction::In).count();
        let each = 600.0 / crossings.len() as f32;
        assert!((2.5..5.5).contains(&each), "one each {each} s with seed {seed}");
        assert!(
            (0.3..0.7).contains(&(inwards as f32 / crossings.len() as f32)),
            "{inwards} of {}",
            crossings.len()
        );
    }
}

#[test]
fn whoever_comes_crosses_as_often_as_the_sides_demand() {
    let scene = scene(9);
    let mut sides = std::collections::BTreeMap::<u32, (bool, bool)>::new();
    for frame in 0..15 * 300 {
        for figure in scene.truth(frame).figures {
            let right = figure.foot.x >= 0.5;
            sides.entry(figure.id).or_insert((right, right)).1 = right;
        }
    }
    let crossings = scene.crossings(&Scene::door(), 0..15 * 300);
    for (id, (began, ended)) in sides {
        let net: i32 = crossings
            .iter()
            .filter(|crossing| crossing.id == id)
            .map(|crossing| if crossing.direction == Direction::In { 1 } else { -1 })
            .sum();
        assert_eq!(net, i32::from(ended) - i32::from(began), "figure {id}");
    }
}

#[test]
fn a_way_around_the_end_of_a_line_is_no_crossing() {
    let at = |frame, x, y| Truth {
        frame,
        figures: vec![Figure {
            id: 1,
            label: PERSON,
            place: crate::geometry::Rect::default(),
            foot: Point { x, y },
            visible: 1.0,
        }],
    };
    let line =
        Line { id: 1, name: "half".into(), from: Point { x: 0.5, y: 0.5 }, to: Point { x: 0.5, y: 0.0 } };
    assert_eq!(at(1, 0.6, 0.7).crossings(&at(0, 0.4, 0.7), &line), vec![]);
    let crossing = at(1, 0.6, 0.2).crossings(&at(0, 0.4, 0.2), &line);
    assert_eq!(crossing, vec![Crossing { frame: 1, id: 1, label: PERSON, direction: Direction::In }]);
    let back = at(1, 0.4, 0.2).crossings(&at(0, 0.6, 0.2), &line);
    assert_eq!(back[0].direction, Direction::Out);
}

#[test]
fn nobody_jumps_or_appears_out_of_nothing() {
    let scene = scene(11);
    let mut before = scene.truth(0);
    for frame in 1..15 * 120 {
        let truth = scene.truth(frame);
        for figure in &truth.figures {
            match before.figures.iter().find(|other| other.id == figure.id) {
                Some(other) => {
                    let moved = (figure.foot.x - other.foot.x).hypot(figure.foot.y - other.foot.y);
                    assert!(moved < 0.05, "{figure:?} moved by {moved}");
                }
                None => assert!(
                    figure.place.left < 0.05 || figure.place.right > 0.95,
                    "{figure:?} appeared at frame {frame}"
                ),
            }
        }
        before = truth;
    }
}

#[test]
fn every_frame_carries_its_number_in_every_light() {
    for light in [Light::Day, Light::Dusk, Light::Flicker] {
        let scene = Scene::new(Options { light, noise: 12.0, ..Options::default() });
        for frame in [0, 1, 77, 54_000] {
            assert_eq!(barcode::read(&picture(&scene, frame)), Some(frame));
        }
    }
}

#[test]
fn a_perfect_detector_is_imagined_as_perfect_and_a_bad_one_as_bad() {
    let scene = scene(2);
    let (mut seen, mut found) = (0, 0);
    for frame in (0..3000).step_by(10) {
        let truth = scene.truth(frame);
        let mut clear: Vec<_> = truth.figures.iter().filter(|figure| figure.visible >= 0.3).collect();
        let perfect = imagine(&truth, &mut Chance::new(frame), 0.0, 0.0);
        assert_eq!(perfect.len(), clear.len());
        assert!(perfect.iter().zip(&clear).all(|(one, other)| one.place.iou(&other.place) > 0.99));
        found += imagine(&truth, &mut Chance::new(frame), 0.3, 0.1).len();
        seen += clear.drain(..).count();
    }
    assert!((0.6..0.8).contains(&(found as f32 / seen as f32)), "{found} of {seen}");
}
