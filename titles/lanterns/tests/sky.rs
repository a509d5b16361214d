//! Rounds as people play them, and what holds whatever they do.

use lanterns::sky::{BOATS, Event, HEIGHT, Inputs, Phase, REACH, RIM, Sky, WATER, WIDTH};
use proptest::prelude::*;

const STEP: f32 = 1.0 / 60.0;

fn at(place: f32) -> Inputs {
    Inputs { places: [Some(place), None], pressed: false }
}

fn begun(seed: u32) -> Sky {
    let mut sky = Sky::new(seed, 0);
    sky.step(&Inputs { pressed: true, ..at(0.0) }, STEP);
    assert_eq!(sky.phase, Phase::Round);
    sky
}

/// Where the lowest lantern is, as a place of a boat.
fn lowest(sky: &Sky) -> f32 {
    let lowest = sky.lanterns.iter().max_by(|a, b| a.at.1.total_cmp(&b.at.1));
    lowest.map_or(0.0, |lantern| lantern.at.0 / WIDTH * 2.0 - 1.0)
}

#[test]
fn standing_in_the_middle_for_two_seconds_begins_a_round() {
    let mut sky = Sky::new(1, 0);
    let began = |sky: &mut Sky, place| (0..115).any(|_| sky.step(&at(place), STEP).contains(&Event::Began));
    assert!(!began(&mut sky, 0.9), "at the side nothing begins");
    assert!(!began(&mut sky, 0.05), "it takes two seconds");
    assert!(began(&mut sky, 0.05));
}

#[test]
fn a_round_begins_by_itself_for_somebody_and_for_nobody_never() {
    let mut sky = Sky::new(1, 0);
    assert!((0..6000).all(|_| sky.step(&Inputs::default(), STEP).is_empty()));
    assert!((0..700).any(|_| sky.step(&at(-0.9), STEP).contains(&Event::Began)));
}

#[test]
fn a_round_waits_while_its_player_is_gone() {
    let mut sky = begun(3);
    (0..120).for_each(|_| drop(sky.step(&at(0.0), STEP)));
    sky.step(&Inputs::default(), STEP);
    let before = sky.clone();
    (0..600).for_each(|_| assert!(sky.step(&Inputs::default(), STEP).is_empty()));
    assert_eq!(sky, before);
    sky.step(&at(0.0), STEP);
    assert!(sky.time > before.time);
}

#[test]
fn three_dropped_in_a_row_end_the_round_and_another_one_follows() {
    let mut sky = begun(5);
    let mut dropped = 0;
    let mut ended = false;
    for _ in 0..6000 {
        // Away from whatever comes down.
        let away = if lowest(&sky) > 0.0 { -1.0 } else { 1.0 };
        for event in sky.step(&at(away), STEP) {
            match event {
                Event::Dropped { .. } => dropped += 1,
                Event::Caught { .. } => dropped = 0,
                Event::Ended { best } => {
                    assert!(dropped == 3 && best == (sky.score > 0));
                    ended = true;
                }
                Event::Began => {
                    assert!(ended, "it began again before it ended");
                    return;
                }
            }
        }
    }
    panic!("no other round began");
}

#[test]
fn somebody_who_walks_under_every_lantern_plays_on_and_it_gets_faster() {
    let mut sky = begun(7);
    let mut catches = Vec::new();
    for _ in 0..60 * 60 {
        let place = lowest(&sky);
        let events = sky.step(&at(place), STEP);
        assert!(!events.iter().any(|event| matches!(event, Event::Ended { .. })));
        catches.extend(events.iter().filter(|e| matches!(e, Event::Caught { .. })).map(|_| sky.time));
    }
    let before = |end: f32| catches.iter().filter(|time| **time < end && **time > end - 15.0).count();
    assert!(before(60.0) > 2 * before(17.0), "{} and then {}", before(17.0), before(60.0));
    assert!(sky.light > 0.9);
}

#[test]
fn the_second_player_catches_for_both() {
    let mut sky = begun(9);
    let mut caught = 0;
    for _ in 0..1200 {
        let place = lowest(&sky);
        let inputs = Inputs { places: [Some(-1.0), Some(place)], pressed: false };
        caught += sky.step(&inputs, STEP).iter().filter(|e| matches!(e, Event::Caught { .. })).count();
    }
    assert!(caught > 8, "{caught}");
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let place = || prop::option::weighted(0.9, prop_oneof![9 => -1.2..1.2_f32, 1 => Just(f32::NAN)]);
    ((place(), place()), prop::bool::weighted(0.1))
        .prop_map(|(places, pressed)| Inputs { places: places.into(), pressed })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_people_do_the_score_never_falls_in_a_round_and_everything_stays_on_the_picture(
        seed: u32,
        moves in prop::collection::vec((inputs(), 1..80_usize), 1..60),
        seconds in 0.0..0.2_f32,
    ) {
        let mut sky = Sky::new(seed, 4);
        for (inputs, steps) in moves {
            for _ in 0..steps {
                let (score, best) = (sky.score, sky.best);
                let events = sky.step(&inputs, seconds);
                prop_assert!(sky.score >= score || events.contains(&Event::Began));
                prop_assert!(sky.best >= best);
                prop_assert!((0.0..=1.0).contains(&sky.light));
                for boat in sky.boats {
                    prop_assert!((REACH / 2.0..=WIDTH - REACH / 2.0).contains(&boat.x));
                }
                for lantern in &sky.lanterns {
                    let (x, y) = lantern.at;
                    prop_assert!((30.0..=WIDTH - 30.0).contains(&x) && (-61.0..HEIGHT).contains(&y));
                    prop_assert!(lantern.tilt.abs() < 0.4);
                }
            }
        }
    }

    #[test]
    fn a_lantern_under_which_a_boat_lies_is_caught(seed: u32, boat in 0..BOATS, seconds in 0.004..0.05_f32) {
        let mut sky = begun(seed);
        for _ in 0..400 {
            let mut inputs = Inputs { places: [None; BOATS], pressed: false };
            inputs.places[boat] = Some(lowest(&sky));
            let low: Vec<_> = sky.lanterns.iter().filter(|l| l.at.1 >= RIM - 1.0).copied().collect();
            let under = |x: f32| (sky.boats[boat].x - x).abs() < REACH - 20.0;
            let safe = low.iter().filter(|lantern| under(lantern.at.0) && lantern.at.1 > RIM).count();
            let events = sky.step(&inputs, seconds);
            let caught = events.iter().filter(|e| matches!(e, Event::Caught { .. })).count();
            prop_assert!(caught >= safe, "{safe} lay over the boat, {caught} were caught");
            for event in events {
                if let Event::Dropped { at } = event {
                    prop_assert!((at.1 - WATER).abs() < 0.1);
                    prop_assert!((sky.boats[boat].x - at.0).abs() > REACH, "dropped into the boat");
                }
            }
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_game(seed: u32, places in prop::collection::vec(-1.0..1.0_f32, 300)) {
        let play = || {
            let mut sky = begun(seed);
            for place in &places {
                sky.step(&at(*place), STEP);
            }
            sky
        };
        prop_assert_eq!(play(), play());
    }
}
