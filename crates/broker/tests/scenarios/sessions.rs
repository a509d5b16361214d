//! Sessions over hours that pass in no time: what waits, what ends, what is told.

use playhouse_broker::codec::{
    Connect, Disconnect, Incoming, Outgoing, Reason, RetainHandling, Unsubscribe, Version,
};
use playhouse_broker::engine::{Left, News};
use playhouse_broker::{Identity, Limits, Qos};
use std::time::Duration;

use crate::desk::{Desk, connect, filter, publish, text, will};

const ONE: Qos = Qos::AtLeastOnce;

#[test]
fn what_is_sent_while_a_device_is_away_waits_for_it() {
    let mut desk = Desk::new();
    let (device, answer) = desk.enter(connect("device"));
    assert!(!answer.present);
    assert_eq!(desk.subscribe(device, filter("d/#", ONE)), Reason(1));
    desk.cut(device);
    let (hub, _) = desk.enter(connect("hub"));
    desk.publish(hub, publish("d/1", "kept", ONE, 1));
    desk.publish(hub, publish("d/0", "not kept", Qos::AtMostOnce, 0));
    let (device, answer) = desk.enter(connect("device"));
    assert!(answer.present);
    assert_eq!(desk.texts(device), ["kept"]);
    desk.cut(device);
    desk.wait(3599);
    desk.publish(hub, publish("d/1", "just in time", ONE, 2));
    desk.wait(2);
    let (device, answer) = desk.enter(connect("device"));
    assert!(!answer.present, "an hour is over");
    assert!(desk.texts(device).is_empty());
}

#[test]
fn no_session_lives_longer_than_the_house_allows() {
    let limits = Limits { session_expiry: Duration::from_secs(100), ..Limits::default() };
    let mut desk = Desk::with(limits);
    let (device, answer) = desk.enter(Connect { session_expiry: u32::MAX, ..connect("5") });
    assert_eq!(answer.session_expiry, Some(100), "it is told");
    let (old, _) = desk.enter(Connect { version: Version::V3, session_expiry: u32::MAX, ..connect("3.1.1") });
    desk.cut(device);
    desk.cut(old);
    desk.wait(101);
    assert!(!desk.enter(connect("5")).1.present);
    assert!(!desk.enter(Connect { version: Version::V3, ..connect("3.1.1") }).1.present);
}

#[test]
fn a_newer_connection_takes_the_session_over_and_the_older_is_told() {
    let mut desk = Desk::new();
    let (first, _) = desk.enter(Connect { will: Some(will("gone/first", 0)), ..connect("device") });
    desk.subscribe(first, filter("t", ONE));
    let (watcher, _) = desk.enter_as("other", connect("watcher"));
    desk.subscribe(watcher, filter("gone/#", ONE));
    let (second, answer) = desk.enter(connect("device"));
    assert!(answer.present);
    assert_eq!(desk.last_words(first), Some(Reason::TAKEN_OVER));
    assert!(desk.is_over(first));
    assert_eq!(desk.texts(watcher), ["gone"]);
    desk.publish(watcher, publish("t", "for the second", ONE, 1));
    assert_eq!(desk.texts(second), ["for the second"]);
    desk.cut(first);
    desk.publish(watcher, publish("t", "still", ONE, 2));
    assert_eq!(desk.texts(second), ["still"], "the end of the first takes nothing from the second");
}

#[test]
fn nobody_takes_over_the_session_of_somebody_else() {
    let mut desk = Desk::new();
    let (mine, _) = desk.enter_as("sensor-1", connect("device"));
    desk.subscribe(mine, filter("secret", ONE));
    let (theirs, answer) = desk.enter_as("sensor-2", connect("device"));
    assert!(!answer.present);
    let (hub, _) = desk.enter_as("hub", connect("device"));
    desk.publish(hub, publish("secret", "word", ONE, 1));
    assert_eq!((desk.texts(mine), desk.texts(theirs).len()), (vec!["word".to_owned()], 0));
}

#[test]
fn a_silent_device_is_given_up_after_one_and_a_half_times_its_keep_alive() {
    let mut desk = Desk::new();
    let (device, _) =
        desk.enter_as("sensor", Connect { keep_alive: 10, will: Some(will("gone", 0)), ..connect("device") });
    let (watcher, _) = desk.enter(connect("watcher"));
    desk.subscribe(watcher, filter("gone", ONE));
    desk.wait(14);
    desk.engine.receive(device, Incoming::PingReq, desk.now);
    assert_eq!(desk.take(device), [Outgoing::PingResp]);
    desk.wait(14);
    assert!(!desk.is_over(device));
    desk.engine.news().for_each(drop);
    desk.wait(2);
    assert_eq!(desk.last_words(device), Some(Reason::KEEP_ALIVE_TIMEOUT));
    assert!(desk.is_over(device));
    assert_eq!(desk.texts(watcher), ["gone"]);
    let news: Vec<News> = desk.engine.news().collect();
    assert_eq!(news, [News::Went(Identity::new("sensor"), Left::Silent)]);
}

#[test]
fn a_device_that_is_held_up_is_not_taken_for_dead() {
    let mut desk = Desk::new();
    let (device, _) = desk.enter(Connect { keep_alive: 10, ..connect("device") });
    desk.engine.hold(device, true, desk.now);
    desk.wait(100);
    assert!(!desk.is_over(device));
    desk.engine.hold(device, false, desk.now);
    desk.wait(16);
    assert!(desk.is_over(device));
}

#[test]
fn a_will_waits_for_its_delay_and_not_at_all_after_a_goodbye() {
    let mut desk = Desk::new();
    let (watcher, _) = desk.enter(connect("watcher"));
    desk.subscribe(watcher, filter("#", ONE));
    let with = |delay| Connect { will: Some(will("gone", delay)), ..connect("device") };
    let (device, _) = desk.enter(with(60));
    desk.cut(device);
    desk.wait(59);
    assert!(desk.texts(watcher).is_empty());
    let (device, _) = desk.enter(with(60));
    desk.wait(60);
    assert!(desk.texts(watcher).is_empty(), "it came back in time");
    desk.cut(device);
    desk.wait(61);
    assert_eq!(desk.texts(watcher), ["gone"]);
    let (device, _) = desk.enter(with(0));
    let goodbye = Disconnect { reason: Reason::SUCCESS, session_expiry: None };
    desk.engine.receive(device, Incoming::Disconnect(goodbye), desk.now);
    assert!(desk.is_over(device) && desk.texts(watcher).is_empty());
    let (device, _) = desk.enter(with(0));
    let farewell = Disconnect { reason: Reason::WITH_WILL, session_expiry: Some(0) };
    desk.engine.receive(device, Incoming::Disconnect(farewell), desk.now);
    assert_eq!(desk.texts(watcher), ["gone"]);
    assert!(!desk.enter(connect("device")).1.present, "its session ended as it said");
}

#[test]
fn who_is_dismissed_is_out_and_leaves_nothing_behind() {
    let mut desk = Desk::new();
    let (watcher, _) = desk.enter(connect("watcher"));
    desk.subscribe(watcher, filter("#", ONE));
    let (device, _) = desk.enter_as("sensor", Connect { will: Some(will("gone", 0)), ..connect("a") });
    desk.subscribe(device, filter("t", ONE));
    let (away, _) = desk.enter_as("sensor", Connect { will: Some(will("gone", 60)), ..connect("b") });
    desk.cut(away);
    let (neighbour, _) = desk.enter_as("sensor-2", connect("a"));
    let before = desk.engine.dismissals();
    desk.engine.dismiss(&Identity::new("sensor"), desk.now);
    assert!(desk.engine.dismissals() > before);
    assert_eq!(desk.last_words(device), Some(Reason::ADMINISTRATIVE));
    assert!(desk.is_over(device) && !desk.is_over(neighbour));
    desk.wait(100);
    assert!(desk.texts(watcher).is_empty(), "whoever lost its rights publishes no will");
    assert!(!desk.enter_as("sensor", connect("a")).1.present);
    assert!(!desk.enter_as("sensor", connect("b")).1.present);
}

#[test]
fn what_is_retained_comes_to_new_subscribers_until_it_expires_or_is_cleared() {
    let mut desk = Desk::new();
    let (hub, _) = desk.enter(connect("hub"));
    let retained = |topic: &str, text: &str, expiry| {
        let packet = publish(topic, text, ONE, 1);
        playhouse_broker::codec::Publish { retain: true, expiry, ..packet }
    };
    desk.publish(hub, retained("a", "a", None));
    desk.publish(hub, retained("a/b", "old", None));
    desk.publish(hub, retained("a/b", "b", Some(100)));
    desk.publish(hub, retained("a/c", "c", None));
    desk.publish(hub, retained("ab", "other", None));
    desk.wait(40);
    let (page, _) = desk.enter(connect("page"));
    desk.subscribe(page, filter("a/#", ONE));
    let messages = desk.messages(page);
    assert_eq!(messages.iter().map(text).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(messages.iter().all(|message| message.retain));
    assert_eq!(messages[1].expiry, Some(60), "what is left of its time");
    desk.publish(hub, retained("a/c", "", None));
    desk.texts(page);
    desk.wait(61);
    desk.engine.sweep(desk.now);
    let again =
        playhouse_broker::codec::Filter { retain_handling: RetainHandling::SendIfNew, ..filter("a/#", ONE) };
    desk.subscribe(page, again.clone());
    assert!(desk.texts(page).is_empty());
    let packet = Unsubscribe { id: 9, filters: vec!["a/#".to_owned(), "never".to_owned()] };
    desk.engine.receive(page, Incoming::Unsubscribe(packet), desk.now);
    assert_eq!(desk.take(page), [Outgoing::UnsubAck(9, vec![Reason::SUCCESS, Reason::NO_SUBSCRIPTION])]);
    desk.subscribe(page, again);
    assert_eq!(desk.texts(page), ["a"]);
}

#[test]
fn too_much_that_waits_costs_the_one_who_does_not_read_and_nobody_else() {
    let limits = Limits { queued_messages: 10, queued_bytes: 100_000, ..Limits::default() };
    let mut desk = Desk::with(limits);
    let (slow, _) = desk.enter(connect("slow"));
    let (quick, _) = desk.enter(connect("quick"));
    let (hub, _) = desk.enter(connect("hub"));
    desk.subscribe(slow, filter("t", ONE));
    desk.subscribe(quick, filter("t", ONE));
    desk.engine.news().for_each(drop);
    for n in 0..20 {
        desk.publish(hub, publish("t", &n.to_string(), ONE, n + 1));
        assert_eq!(desk.texts(quick), [n.to_string()]);
    }
    assert_eq!(desk.texts(slow), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    let overflow = News::Overflow(Identity::new("house"), "slow".into());
    assert_eq!(desk.engine.news().filter(|news| *news == overflow).count(), 1, "said once");
    let large = "x".repeat(60_000);
    desk.publish(hub, publish("t", &large, ONE, 30));
    desk.publish(hub, publish("t", &large, ONE, 31));
    assert_eq!(desk.texts(slow).len(), 1, "bytes count too");
}

#[test]
fn members_of_a_shared_subscription_share_the_messages() {
    let mut desk = Desk::new();
    let (hub, _) = desk.enter(connect("hub"));
    let workers: Vec<u64> = ["a", "b", "c"].map(|name| desk.enter(connect(name)).0).into();
    for &worker in &workers {
        desk.subscribe(worker, filter("$share/workers/jobs/+", ONE));
    }
    for n in 0..12 {
        desk.publish(hub, publish("jobs/1", &n.to_string(), ONE, n + 1));
    }
    let counts: Vec<usize> = workers.iter().map(|&worker| desk.texts(worker).len()).collect();
    assert_eq!(counts, [4, 4, 4]);
    desk.cut(workers[0]);
    for n in 0..4 {
        desk.publish(hub, publish("jobs/1", &n.to_string(), ONE, n + 1));
    }
    let counts: Vec<usize> = workers[1..].iter().map(|&worker| desk.texts(worker).len()).collect();
    assert_eq!(counts, [2, 2], "who is away gets no work");
}

#[test]
fn overlapping_subscriptions_give_one_message_with_all_their_numbers() {
    let mut desk = Desk::new();
    let (page, _) = desk.enter(connect("page"));
    desk.subscribe_as(page, filter("a/#", Qos::AtMostOnce), Some(1));
    desk.subscribe_as(page, filter("a/+", ONE), Some(200));
    let no_local = playhouse_broker::codec::Filter { no_local: true, ..filter("own", ONE) };
    desk.subscribe(page, no_local);
    let answers = desk.publish(page, publish("own", "not to myself", ONE, 2));
    assert!(matches!(answers[..], [Outgoing::PubAck(_)]), "{answers:?}");
    let (hub, _) = desk.enter(connect("hub"));
    desk.publish(hub, publish("a/b", "x", Qos::ExactlyOnce, 1));
    let messages = desk.messages(page);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].qos, ONE, "the best that was granted");
    let mut numbers = messages[0].subscriptions.to_vec();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 200]);
}

#[test]
fn a_client_gets_no_more_at_once_than_it_takes() {
    let mut desk = Desk::new();
    let (small, _) = desk.enter(Connect { receive_maximum: 2, packet_maximum: 100, ..connect("small") });
    desk.subscribe(small, filter("t", ONE));
    let (hub, _) = desk.enter(connect("hub"));
    desk.publish(hub, publish("t", &"x".repeat(200), ONE, 1));
    for n in 0..5 {
        desk.publish(hub, publish("t", &n.to_string(), ONE, n + 2));
    }
    let first = desk.take(small);
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(desk.take(small).is_empty());
    desk.cut(small);
    let (small, _) = desk.enter(connect("small"));
    let again = desk.messages(small);
    assert_eq!(again.iter().map(text).collect::<Vec<_>>(), ["0", "1", "2", "3", "4"]);
    assert_eq!(again.iter().map(|m| m.dup).collect::<Vec<_>>(), [true, true, false, false, false]);
}

#[test]
fn who_may_not_publish_hears_it() {
    let mut desk = Desk::new();
    let (new, _) = desk.enter(connect("new"));
    let refused = desk.engine.offer(new, publish("t", "x", ONE, 4), false, desk.now);
    assert!(matches!(refused, playhouse_broker::engine::Offered::Settled));
    let answer = desk.take(new);
    assert!(
        matches!(&answer[..], [Outgoing::PubAck(ack)] if ack.reason == Reason::NOT_AUTHORIZED),
        "{answer:?}"
    );
    let (old, _) = desk.enter(Connect { version: Version::V3, ..connect("old") });
    desk.engine.offer(old, publish("t", "x", ONE, 4), false, desk.now);
    assert!(desk.is_over(old), "3.1.1 has no other way to say it");
}

#[test]
fn retained_messages_take_no_more_than_their_room() {
    let limits = Limits { retained_bytes: 2000, ..Limits::default() };
    let mut desk = Desk::with(limits);
    let (hub, _) = desk.enter(connect("hub"));
    let mut retain = |topic: &str, bytes: usize| {
        let packet = publish(topic, &"x".repeat(bytes), ONE, 1);
        let packet = playhouse_broker::codec::Publish { retain: true, ..packet };
        match &desk.publish(hub, packet)[..] {
            [Outgoing::PubAck(ack)] => ack.reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(!retain("a", 700).is_failure());
    assert!(!retain("b", 700).is_failure());
    assert_eq!(retain("c", 700), Reason::QUOTA_EXCEEDED);
    assert!(!retain("a", 600).is_failure(), "in place of the one before");
    assert!(!retain("a", 0).is_failure());
    assert!(!retain("c", 700).is_failure());
}

#[test]
fn a_connection_ends_with_its_certificate() {
    let mut desk = Desk::new();
    let until = desk.now + Duration::from_hours(1);
    let identity = Identity::new("sensor");
    let id = desk.engine.connect(&identity, connect("device"), Some(until), desk.now).expect("is let in");
    desk.wait(3599);
    assert!(!desk.is_over(id));
    desk.wait(1);
    assert_eq!(desk.last_words(id), Some(Reason::NOT_AUTHORIZED));
    assert!(desk.is_over(id));
}
