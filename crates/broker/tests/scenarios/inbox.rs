//! The program's own subscribers.

use std::sync::Arc;
use std::time::Duration;

use playhouse_broker::{Limits, Qos};
use rumqttc::{AsyncClient, Event, Packet, QoS};
use tokio::sync::watch;

use crate::strangers::{client, open, soon};

/// A client that publishes, and how many of its messages are acknowledged.
fn publisher(name: &str, port: u16) -> (AsyncClient, watch::Receiver<usize>) {
    let (publisher, mut events) = client(name, port, |o| {
        o.set_inflight(100);
    });
    let (count, acknowledged) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok(event) = events.poll().await {
            if matches!(event, Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_))) {
                count.send_modify(|count| *count += 1);
            }
        }
    });
    (publisher, acknowledged)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_acknowledged_once_the_house_has_it_and_none_is_lost() {
    let (broker, port) = open(Arc::default(), Limits::default()).await;
    let mut inbox = broker.inbox(&["sense/+/batch"], 3).expect("is a filter");
    let (one, mut one_acknowledged) = publisher("one", port);
    let (two, mut two_acknowledged) = publisher("two", port);
    for n in 0..50_u8 {
        one.publish("sense/1/batch", QoS::AtLeastOnce, false, [n]).await.expect("is asked");
        two.publish("sense/2/batch", QoS::ExactlyOnce, false, [n]).await.expect("is asked");
    }
    // Others are not held up by it.
    let (other, mut other_acknowledged) = publisher("other", port);
    other.publish("elsewhere", QoS::AtLeastOnce, false, "x").await.expect("is asked");
    soon(other_acknowledged.wait_for(|&count| count == 1)).await.expect("it is acknowledged");
    let (mut ones, mut twos) = (Vec::new(), Vec::new());
    for taken in 0..100_usize {
        let acknowledged = *one_acknowledged.borrow() + *two_acknowledged.borrow();
        assert!(acknowledged <= taken + 3, "{acknowledged} are acknowledged, and {taken} were taken");
        let message = soon(inbox.recv()).await.expect("the broker is there");
        let list = if &*message.topic == "sense/1/batch" { &mut ones } else { &mut twos };
        list.push(message.payload[0]);
    }
    let all: Vec<u8> = (0..50).collect();
    assert_eq!((&ones, &twos), (&all, &all), "each once, in order");
    soon(one_acknowledged.wait_for(|&count| count == 50)).await.expect("all are acknowledged");
    soon(two_acknowledged.wait_for(|&count| count == 50)).await.expect("all are acknowledged");
}

#[tokio::test(flavor = "multi_thread")]
async fn glimpses_that_nobody_takes_hold_up_nothing() {
    let (broker, port) = open(Arc::default(), Limits::default()).await;
    let mut glimpses = broker.inbox(&["sense/+/glimpse"], 1).expect("is a filter");
    let mut batches = broker.inbox(&["sense/+/batch"], 10).expect("is a filter");
    let (device, _acknowledged) = publisher("device", port);
    for _ in 0..50 {
        device.publish("sense/1/glimpse", QoS::AtMostOnce, false, "old").await.expect("is asked");
    }
    device.publish("sense/1/batch", QoS::AtLeastOnce, false, "new").await.expect("is asked");
    assert_eq!(&soon(batches.recv()).await.expect("the broker is there").payload[..], b"new");
    assert_eq!(&soon(glimpses.recv()).await.expect("the broker is there").payload[..], b"old");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_begins_with_what_is_retained_and_ends_when_it_is_dropped() {
    let (broker, port) = open(Arc::default(), Limits::default()).await;
    broker.publish("twin/1", "kept", Qos::AtLeastOnce, true).expect("is a topic");
    let mut inbox = broker.inbox(&["twin/#"], 4).expect("is a filter");
    broker.publish("twin/2", "new", Qos::AtLeastOnce, true).expect("is a topic");
    let mut messages = Vec::new();
    assert_eq!(soon(inbox.recv_many(&mut messages, 10)).await, 2);
    let seen: Vec<_> = messages.iter().map(|m| (&*m.topic, m.retain, m.from.is_some())).collect();
    assert_eq!(seen, [("twin/1", true, false), ("twin/2", false, false)]);
    drop(inbox);
    let (device, mut acknowledged) = publisher("device", port);
    for _ in 0..10 {
        device.publish("twin/1", QoS::AtLeastOnce, false, "x").await.expect("is asked");
    }
    soon(acknowledged.wait_for(|&count| count == 10)).await.expect("nothing waits for it");
    assert!(broker.inbox(&["a/#/b"], 1).is_err());
    assert!(broker.publish("a/#", "x", Qos::AtMostOnce, false).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_will_reaches_the_house() {
    let (broker, port) = open(Arc::default(), Limits::default()).await;
    let mut inbox = broker.inbox(&["gone/+"], 1).expect("is a filter");
    for name in ["a", "b", "c"] {
        let will = rumqttc::LastWill::new(format!("gone/{name}"), "", QoS::AtLeastOnce, false);
        let (_client, mut events) = client(name, port, |o| {
            o.set_last_will(will);
        });
        soon(events.poll()).await.expect("it connects");
    }
    let mut gone = Vec::new();
    for _ in 0..3 {
        let message = tokio::time::timeout(Duration::from_secs(20), inbox.recv()).await;
        gone.push(message.expect("in time").expect("the broker is there").topic.to_string());
    }
    gone.sort();
    assert_eq!(gone, ["gone/a", "gone/b", "gone/c"], "although there was room for one");
}
