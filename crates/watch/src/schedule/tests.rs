//! Schedules as viewers notice them: no gap, no repeat, everybody in step, and the hour that was promised.

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

fn reel(film: &str, micros: i64) -> (Reel, Option<String>) {
    let show = film.split_once(' ').map(|(show, _)| show.to_owned());
    let reel = Reel {
        film: film.to_owned(),
        micros,
        segments: [3, 4],
        tracks: [0, 1],
        longest: 4_000_000,
        codecs: ["avc1.640028".to_owned(), "mp4a.40.2".to_owned()],
        rates: [1, 1],
        size: [1, 1],
    };
    (reel, show)
}

fn films(ids: &[&str]) -> Rotation {
    Rotation { films: ids.iter().map(ToString::to_string).collect(), ..Rotation::default() }
}

fn minute(text: &str) -> Minute {
    text.to_owned().try_into().unwrap()
}

fn block(name: &str, days: &[Day], from: &str, to: &str, what: Rotation) -> Block {
    Block { name: name.to_owned(), days: days.to_vec(), from: minute(from), to: minute(to), what }
}

fn at(zone: &str, year: i16, month: i8, day: i8, hour: i8, minute: i8) -> i64 {
    let zone = TimeZone::get(zone).unwrap();
    date(year, month, day)
        .at(hour, minute, 0, 0)
        .to_zoned_datetime(zone)
        .unwrap()
        .timestamp()
        .as_microsecond()
}

fn definition(blocks: Vec<Block>) -> Definition {
    Definition {
        zone: "Europe/Berlin".to_owned(),
        seed: 7,
        always: Rotation { everything: true, ..Rotation::default() },
        blocks,
        filler: Rotation::default(),
    }
}

fn items(plan: &Plan, count: usize) -> Vec<Item> {
    let (slots, mut cursor) = (plan.slots(), plan.cursor());
    std::iter::from_fn(|| plan.next(&slots, &mut cursor)).take(count).collect()
}

fn begin(at: i64) -> Begin {
    Begin { at, ..Begin::default() }
}

#[test]
fn nothing_comes_twice_until_all_were_shown() {
    let library: Vec<_> = (0..7).map(|n| reel(&format!("f{n}"), (40 + n) * MINUTE)).collect();
    let plan = Plan::new(definition(vec![]), library, begin(0));
    let shown = items(&plan, 70);
    for round in shown.chunks(7) {
        let mut reels: Vec<usize> = round.iter().map(|item| item.reel).collect();
        reels.sort_unstable();
        assert_eq!(reels, (0..7).collect::<Vec<_>>());
    }
    assert!(shown.windows(2).all(|two| two[0].reel != two[1].reel), "twice in a row");
    let orders: std::collections::BTreeSet<Vec<usize>> =
        shown.chunks(7).map(|round| round.iter().map(|item| item.reel).collect()).collect();
    assert!(orders.len() > 5, "each round is drawn anew");
}

#[test]
fn a_block_begins_at_its_hour_and_filler_leads_to_it() {
    let start = at("Europe/Berlin", 2026, 3, 2, 17, 0);
    let mut wanted = definition(vec![block("News", &Day::ALL, "20:00", "21:00", films(&["news"]))]);
    wanted.always = films(&["long"]);
    wanted.filler = films(&["spot"]);
    let library = vec![reel("long", 70 * MINUTE), reel("news", 25 * MINUTE), reel("spot", 20_000_000)];
    let plan = Plan::new(wanted, library, begin(start));
    let shown = items(&plan, 200);
    let first = shown.iter().find(|item| item.block == Some(0)).unwrap();
    assert_eq!(plan.reels[first.reel].film, "news");
    let late = first.start - at("Europe/Berlin", 2026, 3, 2, 20, 0);
    assert!(late.abs() <= 10_000_000, "{late}");
    let before: Vec<_> = shown.iter().take_while(|item| item.block.is_none()).collect();
    assert_eq!(before.iter().filter(|item| !item.filler).count(), 2);
    assert!(before.last().unwrap().filler);
}

#[test]
fn without_filler_a_film_is_shown_to_its_end() {
    let start = at("Europe/Berlin", 2026, 3, 2, 19, 0);
    let mut wanted = definition(vec![block("News", &Day::ALL, "20:00", "20:30", films(&["news"]))]);
    wanted.always = films(&["long"]);
    let plan = Plan::new(wanted, vec![reel("long", 50 * MINUTE), reel("news", 25 * MINUTE)], begin(start));
    let shown = items(&plan, 4);
    let names: Vec<&str> = shown.iter().map(|item| plan.reels[item.reel].film.as_str()).collect();
    // The second film runs over the whole block, which is left out on that day.
    assert_eq!(names, ["long", "long", "long", "long"]);
}

#[test]
fn a_film_that_is_longer_than_its_block_is_shown_all_the_same() {
    let start = at("Europe/Berlin", 2026, 3, 2, 20, 0);
    let mut wanted = definition(vec![block("Epic", &Day::ALL, "20:00", "21:00", films(&["epic"]))]);
    wanted.always = films(&["other"]);
    wanted.filler = films(&["spot"]);
    let library = vec![reel("epic", 3 * HOUR), reel("other", HOUR), reel("spot", 30_000_000)];
    let plan = Plan::new(wanted, library, begin(start));
    let shown = items(&plan, 2);
    assert_eq!(plan.reels[shown[0].reel].film, "epic");
    assert_eq!(plan.reels[shown[1].reel].film, "other");
}

#[test]
fn a_block_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let slots =
        Slots::new("Europe/Berlin", &[block("Late", &[Day::Friday], "22:00", "02:00", films(&["x"]))]);
    let friday = slots.at(at("Europe/Berlin", 2026, 3, 6, 23, 0));
    assert_eq!(friday.block, Some(0));
    assert_eq!(friday.end, Some(at("Europe/Berlin", 2026, 3, 7, 2, 0)));
    assert_eq!(slots.at(at("Europe/Berlin", 2026, 3, 7, 1, 59)).block, Some(0));
    assert_eq!(slots.at(at("Europe/Berlin", 2026, 3, 7, 2, 0)).block, None);
    assert_eq!(slots.at(at("Europe/Berlin", 2026, 3, 7, 23, 0)).block, None);
    assert_eq!(slots.at(at("Europe/Berlin", 2026, 3, 6, 1, 0)).block, None);
}

#[test]
fn blocks_keep_to_the_clock_on_the_wall_when_clocks_change() {
    let every = [block("Show", &Day::ALL, "20:00", "21:00", films(&["x"]))];
    let slots = Slots::new("Europe/Berlin", &every);
    for (month, day) in [(3, 28), (3, 29), (10, 24), (10, 25)] {
        let eight = at("Europe/Berlin", 2026, month, day, 20, 0);
        let slot = slots.at(eight);
        assert_eq!((slot.block, slot.end), (Some(0), Some(eight + HOUR)), "{month}-{day}");
        assert_eq!(slots.at(eight - 1).block, None);
    }
    // The night on which 02:30 does not exist, and the one on which it comes twice.
    let night = [block("Night", &Day::ALL, "02:30", "04:00", films(&["x"]))];
    let slots = Slots::new("Europe/Berlin", &night);
    let three = at("Europe/Berlin", 2026, 3, 29, 3, 0);
    assert_eq!(slots.at(three).block, None);
    assert_eq!(slots.at(three + 30 * MINUTE).block, Some(0));
    let autumn = slots.at(at("Europe/Berlin", 2026, 10, 25, 2, 0) + 30 * MINUTE);
    assert_eq!(autumn.block, Some(0));
    assert_eq!(autumn.end.unwrap() - autumn.start, 2 * HOUR + 30 * MINUTE);
}

#[test]
fn shows_come_in_their_order_and_named_films_as_they_were_named() {
    let mut wanted = definition(vec![]);
    wanted.always = Rotation {
        films: vec!["b".to_owned(), "a".to_owned()],
        shows: vec!["show".to_owned()],
        everything: false,
        order: Order::InOrder,
    };
    let library = vec![
        reel("a", HOUR),
        reel("b", HOUR),
        reel("show 1", HOUR),
        reel("show 2", HOUR),
        reel("else 1", HOUR),
    ];
    let plan = Plan::new(wanted, library, begin(0));
    let names: Vec<&str> = items(&plan, 5).iter().map(|item| plan.reels[item.reel].film.as_str()).collect();
    assert_eq!(names, ["b", "a", "show 1", "show 2", "b"]);
}

#[test]
fn wrong_definitions_say_what_is_wrong() {
    let good = definition(vec![]);
    assert_eq!(good.check(), Ok(()));
    let zone = Definition { zone: "Mars/Olympus".to_owned(), ..good.clone() };
    assert_eq!(zone.check(), Err(Wrong::Zone("Mars/Olympus".to_owned())));
    let nothing = Definition { always: Rotation::default(), ..good.clone() };
    assert_eq!(nothing.check(), Err(Wrong::Nothing));
    let idle = Definition { blocks: vec![block("Idle", &[], "10:00", "11:00", films(&["x"]))], ..good };
    assert_eq!(idle.check(), Err(Wrong::Block("Idle".to_owned())));
    for text in ["24:00", "12:60", "9:00", "0900", "", "aa:bb", "+1:00"] {
        assert!(Minute::try_from(text.to_owned()).is_err(), "{text}");
    }
}

#[test]
fn a_definition_reads_as_it_was_written() {
    let wanted = definition(vec![block("Late", &[Day::Friday], "22:05", "02:00", films(&["x"]))]);
    let text = serde_json::to_string(&wanted).unwrap();
    assert!(text.contains("\"22:05\"") && text.contains("\"friday\""), "{text}");
    assert_eq!(serde_json::from_str::<Definition>(&text).unwrap(), wanted);
}

fn any_block() -> impl Strategy<Value = Block> {
    let minutes = 0_u16..1440;
    (
        minutes.clone(),
        minutes,
        prop::sample::subsequence(Day::ALL.to_vec(), 1..=7),
        prop::sample::subsequence(vec!["f0", "f1", "f2", "f3"], 1..=4),
    )
        .prop_map(|(from, to, days, ids)| Block {
            name: "block".to_owned(),
            days,
            from: Minute(from),
            to: Minute(to),
            what: films(&ids),
        })
}

proptest! {
    /// Whatever is wanted, films follow one another without gap or overlap, numbered without a hole, and another server
    /// that looks from elsewhere sees the same.
    #[test]
    fn everybody_is_in_step(
        blocks in prop::collection::vec(any_block(), 0..5),
        lengths in prop::collection::vec(2_000_000_i64..(3 * HOUR), 1..6),
        filler in prop::option::of(3_000_000_i64..(2 * MINUTE)),
        seed: u64,
        start in 1_700_000_000_000_000_i64..1_900_000_000_000_000,
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "UTC"]),
        handover in 1_usize..100,
    ) {
        let mut library: Vec<_> = (0..).zip(&lengths).map(|(n, micros)| reel(&format!("f{n}"), *micros)).collect();
        let mut wanted = definition(blocks);
        wanted.zone = zone.to_owned();
        wanted.seed = seed;
        if let Some(micros) = filler {
            library.push(reel("filler", micros));
            wanted.filler = films(&["filler"]);
        }
        let plan = Plan::new(wanted.clone(), library.clone(), begin(start));
        let shown = items(&plan, 200);
        prop_assert_eq!(shown.len(), 200);
        prop_assert_eq!(shown[0].start, start);
        for two in shown.windows(2) {
            prop_assert_eq!(two[0].end, two[1].start);
            prop_assert_eq!(two[0].number + 1, two[1].number);
            prop_assert_eq!(two[0].first.map(|first| first + 3)[0], two[1].first[0]);
            prop_assert_eq!(two[0].first[1] + 4, two[1].first[1]);
        }
        prop_assert_eq!(&items(&Plan::new(wanted.clone(), library.clone(), begin(start)), 200), &shown);
        // A cursor that was kept goes on as the one that began.
        let (slots, mut cursor) = (plan.slots(), plan.cursor());
        for _ in 0..handover {
            plan.next(&slots, &mut cursor);
        }
        let mut kept = cursor.clone();
        prop_assert_eq!(plan.next(&slots, &mut kept), shown.get(handover).copied());
        // Another plan goes on where this one stops.
        let next = Plan::new(wanted, library, cursor.begin());
        let first = items(&next, 1)[0];
        prop_assert_eq!((first.start, first.number, first.first), (shown[handover].start, shown[handover].number, shown[handover].first));
    }
}
