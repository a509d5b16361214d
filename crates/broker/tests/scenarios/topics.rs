//! Topics, against an implementation that is as simple as the specification's words.

use std::sync::Arc;

use playhouse_broker::topic::{Tree, check_filter, check_topic, matches, split_share};
use proptest::prelude::*;

/// MQTT 5, section 4.7, by recursion over levels.
fn naive(filter: &[&str], topic: &[&str]) -> bool {
    match (filter, topic) {
        (["#"], _) => true,
        (["+", filter @ ..], [_, topic @ ..]) => naive(filter, topic),
        ([f, filter @ ..], [t, topic @ ..]) => f == t && naive(filter, topic),
        (filter, topic) => filter.is_empty() && topic.is_empty(),
    }
}

fn naive_matches(filter: &str, topic: &str) -> bool {
    let filter: Vec<_> = filter.split('/').collect();
    let topic: Vec<_> = topic.split('/').collect();
    let hidden = topic[0].starts_with('$') && matches!(filter[0], "+" | "#");
    !hidden && naive(&filter, &topic)
}

/// Few names, so that things match.
fn topic() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "", "$x", "sensor"]), 1..5)
        .prop_map(|levels| levels.join("/"))
        .prop_filter("a topic has a character", |topic| !topic.is_empty())
}

fn filter() -> impl Strategy<Value = String> {
    let level = prop::sample::select(vec!["a", "b", "", "$x", "sensor", "+", "+"]);
    (prop::collection::vec(level, 1..5), any::<bool>())
        .prop_map(|(mut levels, all)| {
            if all {
                levels.push("#");
            }
            levels.join("/")
        })
        .prop_filter("a filter has a character", |filter| !filter.is_empty())
}

proptest! {
    #[test]
    fn a_message_goes_to_all_who_subscribed_to_its_topic_and_to_nobody_else(
        filters in prop::collection::vec(filter(), 0..30),
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        topics in prop::collection::vec(topic(), 1..20),
    ) {
        let mut tree = Tree::default();
        let mut left: Vec<(usize, String)> = filters.into_iter().enumerate().collect();
        for (number, filter) in &left {
            tree.insert(&Arc::from(filter.as_str()), *number);
        }
        for index in gone {
            if !left.is_empty() {
                let (number, filter) = left.swap_remove(index.index(left.len()));
                prop_assert_eq!(tree.remove(&filter, |&value| value == number), Some(number));
                prop_assert_eq!(tree.remove(&filter, |&value| value == number), None);
            }
        }
        for topic in topics {
            let mut found = Vec::new();
            tree.matching(&topic, |&number| found.push(number));
            found.sort_unstable();
            let mut expected: Vec<usize> =
                left.iter().filter(|(_, filter)| naive_matches(filter, &topic)).map(|&(n, _)| n).collect();
            expected.sort_unstable();
            prop_assert_eq!(found, expected, "{}", topic);
        }
        for (number, filter) in left {
            tree.remove(&filter, |&value| value == number);
        }
        prop_assert!(tree.is_empty(), "what nobody subscribes to any more takes no memory");
    }

    #[test]
    fn rights_can_be_told_by_the_same_rules(filter in filter(), topic in topic()) {
        prop_assert_eq!(matches(&filter, &topic), naive_matches(&filter, &topic));
    }

    #[test]
    fn no_text_breaks_the_rules_of_topics(text in ".{0,40}") {
        let filter_fits = check_filter(&text).is_ok();
        if check_topic(&text).is_ok() {
            prop_assert!(filter_fits, "every topic is a filter");
            prop_assert!(matches(&text, &text));
        }
        if let Ok((Some(group), filter)) = split_share(&text) {
            prop_assert_eq!(format!("$share/{group}/{filter}"), text);
        }
    }
}

#[test]
fn wildcards_stand_where_the_specification_has_them() {
    for good in ["#", "+", "a/#", "+/a/#", "/", "a//b", "+/+", "$SYS/#"] {
        assert_eq!(check_filter(good), Ok(()), "{good}");
    }
    for bad in ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "a\0b"] {
        assert!(check_filter(bad).is_err(), "{bad}");
    }
    for bad in ["", "a/+", "#", "a\0"] {
        assert!(check_topic(bad).is_err(), "{bad}");
    }
    assert_eq!(split_share("$share/g/a/+"), Ok((Some("g"), "a/+")));
    for bad in ["$share/", "$share/g", "$share//a", "$share/g/", "$share/+/a"] {
        assert!(split_share(bad).is_err(), "{bad}");
    }
    let deep = vec!["a"; 33].join("/");
    assert!(check_topic(&deep).is_err() && check_topic(&"a".repeat(1025)).is_err());
}
