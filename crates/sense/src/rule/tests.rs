//! Rules against what sensors tell.

use proptest::prelude::*;

use super::*;
use crate::observation::{Event, What};

const NOON: u64 = 1_796_040_000_000;

fn rule(when: When) -> Rule {
    Rule {
        id: "r".into(),
        name: "A rule".into(),
        on: true,
        sensors: Vec::new(),
        when,
        then: vec![Then::Notice { text: String::new() }],
        quiet: Vec::new(),
        cooldown_s: 0,
    }
}

fn over(limit: f64, slack: f64) -> Level {
    Level::Over(Limit { limit, slack })
}

fn crowd(for_s: u32) -> When {
    When::Count { zone: 1, level: over(5.0, 2.0), for_s }
}

fn at(seconds: u64, what: What) -> Event {
    Event { seq: seconds + 1, at: NOON + seconds * 1000, what }
}

fn count(count: u16) -> What {
    What::Occupancy { zone: 1, count }
}

fn crossed(direction: Direction) -> What {
    What::Crossed { line: 2, track: 1, label: 0, direction }
}

/// When a rule fires, in seconds, while time goes on second by second up to `end`.
fn live(rule: &Rule, events: &[Event], end: u64) -> Vec<u64> {
    let mut engine = Engine::new(vec![rule.clone()], 0);
    let mut fired = Vec::new();
    for second in 0..=end {
        let now = NOON + second * 1000;
        fired.extend(engine.tick(now));
        for event in events.iter().filter(|event| event.at == now) {
            fired.extend(engine.event(now, "shop", event));
        }
    }
    fired.iter().map(|firing| (firing.at - NOON) / 1000).collect()
}

#[test]
fn a_crowd_is_told_once_until_it_has_gone() {
    let events = [
        at(1, count(6)),
        at(2, count(7)),
        at(3, count(5)),
        at(4, count(6)),
        at(5, count(3)),
        at(6, count(8)),
    ];
    assert_eq!(live(&rule(crowd(0)), &events, 10), [1, 6]);
}

#[test]
fn a_crowd_that_passes_is_not_told() {
    let events = [at(1, count(6)), at(20, count(2)), at(30, count(9))];
    assert_eq!(live(&rule(crowd(30)), &events, 120), [60]);
}

#[test]
fn many_crossings_within_a_time_are_told_and_then_counted_anew() {
    let when = When::Crossings { line: 2, direction: Some(Direction::In), count: 3, within_s: 10 };
    let mut events: Vec<Event> =
        [1, 8, 12, 13, 14, 15].map(|second| at(second, crossed(Direction::In))).to_vec();
    events.push(at(9, crossed(Direction::Out)));
    events.sort_by_key(|event| event.at);
    assert_eq!(live(&rule(when), &events, 30), [13]);
}

#[test]
fn whoever_stays_too_long_is_told_while_they_do() {
    let when = When::Dwell { zone: 1, for_s: 60 };
    let entered = |track| What::Entered { zone: 1, track, label: 0 };
    let events = [
        at(0, entered(1)),
        at(10, entered(2)),
        at(20, What::Exited { zone: 1, track: 2, dwelt_ms: 10_000 }),
        at(30, entered(3)),
    ];
    assert_eq!(live(&rule(when), &events, 200), [60, 90]);
}

#[test]
fn an_empty_till_is_told_and_a_blind_camera_is_not_an_empty_till() {
    let when = When::Absence { zone: Some(1), line: None, for_s: 60 };
    assert_eq!(live(&rule(when.clone()), &[at(0, count(1)), at(10, count(0))], 200), [70]);
    let events = [at(0, count(1)), at(10, count(0)), at(20, What::Camera { works: false })];
    assert_eq!(live(&rule(when.clone()), &events, 200), Vec::<u64>::new());
    let events = [at(0, count(0)), at(30, What::Entered { zone: 1, track: 1, label: 0 }), at(40, count(0))];
    assert_eq!(live(&rule(when), &events, 200), [100]);
    let line = When::Absence { zone: None, line: Some(2), for_s: 60 };
    assert_eq!(
        live(&rule(line), &[at(0, crossed(Direction::In)), at(50, crossed(Direction::Out))], 200),
        [110]
    );
}

#[test]
fn a_quiet_time_holds_back_what_lasts_until_it_is_over() {
    let quiet = vec![Hours { days: [true; 7], from: 12 * 60, to: 12 * 60 + 2 }];
    let rule = Rule { quiet, ..rule(crowd(0)) };
    let noon = NOON / 60_000 % 1440;
    assert_eq!(noon, 720);
    let fired = live(&rule, &[at(10, count(6))], 300);
    assert!(matches!(fired[..], [120..=150]), "{fired:?}");
    assert_eq!(live(&rule, &[at(10, count(6)), at(60, count(0))], 300), Vec::<u64>::new());
}

#[test]
fn a_rule_that_spoke_rests() {
    let rule = Rule { cooldown_s: 100, ..rule(crowd(0)) };
    let events = [at(1, count(6)), at(2, count(0)), at(3, count(6)), at(4, count(0)), at(150, count(7))];
    assert_eq!(live(&rule, &events, 200), [1, 150]);
}

#[test]
fn a_schedule_speaks_once_in_its_minute() {
    let when = When::Schedule { days: [true; 7], minute: 721 };
    assert_eq!(live(&rule(when), &[], 300), [60]);
}

#[test]
fn what_an_app_says_is_heard() {
    let says = |value| What::App { app: "queue".into(), name: "length".into(), value };
    let level = |level| When::App { app: "queue".into(), name: "length".into(), level };
    let events = [at(1, says(3.0)), at(2, says(9.0)), at(3, says(10.0))];
    assert_eq!(live(&rule(level(Some(over(8.0, 0.0)))), &events, 5), [2]);
    assert_eq!(live(&rule(level(None)), &events, 5), [1, 2, 3]);
}

#[test]
fn what_is_told_an_hour_late_sets_off_nothing() {
    let mut engine = Engine::new(vec![rule(crowd(0))], 0);
    assert_eq!(engine.event(NOON + 3_600_000, "shop", &at(1, count(9))), []);
    assert_eq!(engine.tick(NOON + 3_601_000), []);
    assert_eq!(engine.event(NOON + 3_602_000, "shop", &at(3_601, count(0))), []);
    assert_eq!(engine.event(NOON + 3_603_000, "shop", &at(3_602, count(9))).len(), 1);
}

#[test]
fn a_rule_about_one_sensor_does_not_hear_another() {
    let rule = Rule { sensors: vec!["shop".into()], ..rule(crowd(0)) };
    let mut engine = Engine::new(vec![rule], 0);
    assert_eq!(engine.event(NOON, "yard", &at(0, count(9))), []);
    let firing = engine.event(NOON, "shop", &at(0, count(9)));
    assert_eq!((firing[0].sensor.as_str(), firing[0].text.as_str()), ("shop", "9 in zone 1"));
}

#[test]
fn another_name_for_a_rule_forgets_nothing() {
    let mut engine = Engine::new(vec![rule(crowd(30))], 0);
    engine.event(NOON, "shop", &at(0, count(9)));
    engine.set_rules(vec![
        rule(When::Dwell { zone: 3, for_s: 9 }),
        Rule { name: "B".into(), ..rule(crowd(30)) },
    ]);
    assert_eq!(engine.tick(NOON + 31_000).len(), 1);
}

#[test]
fn rules_that_cannot_be_say_why() {
    let wrong = |when| rule(when).check().unwrap_err();
    assert_eq!(wrong(When::Absence { zone: None, line: None, for_s: 5 }), Invalid::Absence);
    assert_eq!(wrong(When::Dwell { zone: 1, for_s: 0 }), Invalid::Seconds(0));
    assert_eq!(wrong(When::Count { zone: 1, level: over(f64::NAN, 0.0), for_s: 0 }), Invalid::Level);
    let then = vec![Then::Webhook { url: "ftp://x".into() }];
    assert_eq!(Rule { then, ..rule(crowd(0)) }.check(), Err(Invalid::Address("ftp://x".into())));
    assert_eq!(rule(crowd(0)).check(), Ok(()));
}

#[test]
fn a_rule_is_written_as_people_would() {
    let json = r#"{"id":"r","name":"Queue","when":{"kind":"count","zone":1,"level":{"over":{"limit":5}},"for_s":30},
        "then":[{"do":"notice"},{"do":"webhook","url":"https://a.example/b"}],"cooldown_s":600}"#;
    let rule: Rule = serde_json::from_str(json).unwrap();
    assert_eq!(rule.check(), Ok(()));
    assert_eq!(serde_json::from_str::<Rule>(&serde_json::to_string(&rule).unwrap()).unwrap(), rule);
}

#[test]
fn a_dry_run_has_the_minute_that_begins_with_it() {
    let noon = rule(When::Schedule { days: [true; 7], minute: 720 });
    let tried = |second| dry_run(&noon, 0, [("shop", &at(second, count(0)))]).len();
    assert_eq!((tried(0), tried(1)), (1, 0));
}

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![
        (0_u8..4, 0_u8..2, 0_u32..40).prop_map(|(limit, slack, for_s)| When::Count {
            zone: 1,
            level: over(f64::from(limit), f64::from(slack)),
            for_s
        }),
        (1_u32..5, 1_u32..60).prop_map(|(count, within_s)| When::Crossings {
            line: 2,
            direction: None,
            count,
            within_s
        }),
        (1_u32..60).prop_map(|for_s| When::Dwell { zone: 1, for_s }),
        (1_u32..60).prop_map(|for_s| When::Absence { zone: Some(1), line: None, for_s }),
        (720_u16..730).prop_map(|minute| When::Schedule { days: [true; 7], minute }),
    ]
}

fn any_what() -> impl Strategy<Value = What> {
    prop_oneof![
        (0_u16..6).prop_map(count),
        Just(crossed(Direction::In)),
        (1_u32..4).prop_map(|track| What::Entered { zone: 1, track, label: 0 }),
        (1_u32..4).prop_map(|track| What::Exited { zone: 1, track, dwelt_ms: 5 }),
        any::<bool>().prop_map(|works| What::Camera { works }),
    ]
}

proptest! {
    /// What a dry run says is what would have happened, second by second.
    #[test]
    fn a_dry_run_tells_what_would_have_been(
        when in any_when(),
        cooldown_s in 0_u32..50,
        steps in prop::collection::vec((0_u64..30, any_what()), 1..60),
    ) {
        let rule = Rule { cooldown_s, ..rule(when) };
        let mut second = 0;
        let events: Vec<Event> = steps.into_iter().map(|(gap, what)| { second += gap; at(second, what) }).collect();
        // The first event is where a dry run begins.
        let first = (events[0].at - NOON) / 1000;
        let lived: Vec<u64> = live(&rule, &events, second).into_iter().filter(|at| *at > first || first == 0).collect();
        let dry = dry_run(&rule, 0, events.iter().map(|event| ("shop", event)));
        let dry: Vec<u64> = dry.iter().map(|firing| (firing.at - NOON) / 1000).filter(|at| *at > first || first == 0).collect();
        prop_assert_eq!(dry, lived);
    }

    /// A rule never speaks twice within its rest.
    #[test]
    fn a_rest_is_a_rest(when in any_when(), cooldown_s in 1_u32..50, steps in prop::collection::vec((0_u64..30, any_what()), 1..60)) {
        let rule = Rule { cooldown_s, ..rule(when) };
        let mut second = 0;
        let events: Vec<Event> = steps.into_iter().map(|(gap, what)| { second += gap; at(second, what) }).collect();
        let fired = live(&rule, &events, second + 60);
        prop_assert!(fired.windows(2).all(|two| two[1] - two[0] >= u64::from(cooldown_s)), "{:?}", fired);
    }
}
