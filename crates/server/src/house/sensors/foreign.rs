//! Devices that are no sensors of ours, and tell what they see as JSON on `devices/{id}/events`. Pure.
//!
//! `{"events": […], "epoch": 7, "seq": 1}`: each event is what it is in the API (`{"Crossed": {…}}`), or that with a time
//! (`{"at": 1796069400000, "what": {…}}`). With `epoch` and `seq`, the number of the first event, what comes again is known;
//! without them each message counts as often as it comes.

use std::collections::HashMap;

use playhouse_sense::observation::{Batch, Event, LARGEST_BATCH, MOST_EVENTS, What};
use serde::Deserialize;

/// What a device says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    events: Vec<Told>,
    epoch: Option<u64>,
    seq: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Told {
    At { at: u64, what: What },
    Now(What),
}

/// Numbers the events of devices that do not number them.
#[derive(Debug)]
pub(crate) struct Numbers {
    epoch: u64,
    last: HashMap<i64, u64>,
}

/// The topic on which such a device tells what happened.
pub(crate) const EVENTS: &str = "events";

/// The topic on which devices of AITRIOS report what they detect.
pub(crate) const INFERENCES: &str = "inferences";

/// The topic of such a device, or a filter of topics.
pub(crate) fn of(device: &str, kind: &str) -> String {
    format!("devices/{device}/{kind}")
}

/// The sensor and the kind of a topic.
pub(crate) fn parse(topic: &str) -> Option<(&str, &str)> {
    let (sensor, kind) = topic.strip_prefix("devices/")?.split_once('/')?;
    (!sensor.is_empty() && [EVENTS, INFERENCES].contains(&kind)).then_some((sensor, kind))
}

impl Numbers {
    /// Numbers from one on, in a life of their own.
    pub(crate) fn new(epoch: u64) -> Self {
        Self { epoch, last: HashMap::new() }
    }

    /// What a device said, as a sensor of ours would have.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn batch(&mut self, sensor: i64, payload: &[u8], now: u64) -> Result<Batch, String> {
        if payload.len() > LARGEST_BATCH {
            return Err(format!("a message of {} bytes, and {LARGEST_BATCH} are possible", payload.len()));
        }
        let Said { events, epoch, seq } =
            serde_json::from_slice(payload).map_err(|error| format!("events that are none: {error}"))?;
        if events.is_empty() || events.len() > MOST_EVENTS {
            return Err(format!("{} events, and 1 to {MOST_EVENTS} are possible", events.len()));
        }
        let count = events.len() as u64;
        let (epoch, first) = match (epoch, seq) {
            (Some(epoch), Some(seq)) => (epoch, seq),
            (None, None) => {
                let last = self.last.entry(sensor).or_default();
                let first = *last + 1;
                *last += count;
                (self.epoch, first)
            }
            _ => return Err("only one of `epoch` and `seq`, which go together".to_owned()),
        };
        let event = |(seq, told)| match told {
            Told::At { at, what } => Event { seq, at, what },
            Told::Now(what) => Event { seq, at: now, what },
        };
        let numbers = (0..count).map(|number| first.saturating_add(number));
        Ok(Batch { epoch, events: numbers.zip(events).map(event).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_numbered_where_the_device_does_not() {
        let mut numbers = Numbers::new(7);
        let lost = r#"{"events": [{"Lost": {"count": 1}}, {"at": 5, "what": {"Camera": {"works": true}}}]}"#;
        let seqs = |batch: Batch| batch.events.iter().map(|event| (event.seq, event.at)).collect::<Vec<_>>();
        assert_eq!(seqs(numbers.batch(1, lost.as_bytes(), 9).unwrap()), [(1, 9), (2, 5)]);
        assert_eq!(seqs(numbers.batch(1, lost.as_bytes(), 9).unwrap()), [(3, 9), (4, 5)]);
        assert_eq!(seqs(numbers.batch(2, lost.as_bytes(), 9).unwrap()), [(1, 9), (2, 5)]);
        let own = r#"{"events": [{"Lost": {"count": 1}}], "epoch": 3, "seq": 40}"#;
        let batch = numbers.batch(1, own.as_bytes(), 9).unwrap();
        assert_eq!((batch.epoch, batch.events[0].seq), (3, 40));
        for wrong in ["", "{}", r#"{"events": []}"#, r#"{"events": [{"Lost": {"count": 1}}], "seq": 4}"#] {
            assert!(numbers.batch(1, wrong.as_bytes(), 9).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_topic_names_one_device() {
        assert_eq!(parse("devices/abc/events"), Some(("abc", EVENTS)));
        assert_eq!(parse(&of("abc", INFERENCES)), Some(("abc", INFERENCES)));
        for other in ["devices/a/b/events", "devices//events", "devices/a/others", "sense/abc/batch"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
