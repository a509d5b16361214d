//! Any files open as an outbox within its limits, and what it then writes opens again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_media::time::Timestamp;
use playhouse_sense::observation::What;
use playhouse_sense::outbox::{Action, LEAST_BYTES, Limits, Outbox, Segment};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { bytes: LEAST_BYTES, ..Limits::default() };
    // Two files, cut where the first byte says.
    let (&cut, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let (one, other) = bytes.split_at(bytes.len() * usize::from(cut) / 256);
    let mut files = vec![
        Segment { number: 1, bytes: one.to_vec() },
        Segment { number: 2, bytes: other.to_vec() },
    ];
    let (mut outbox, found) = Outbox::open(Timestamp::ZERO, 7, limits, files.clone());
    assert!(found.events >= outbox.len() || outbox.is_empty());
    outbox.connected();
    outbox.push(Timestamp::ZERO, 1, What::Camera { works: true }).expect("a small event");
    let mut now = Timestamp::ZERO;
    for _ in 0..4 {
        if let Some(batch) = outbox.next_batch(now) {
            assert!(batch.encode().is_ok());
            let last = batch.events.last().expect("no batch is empty").seq;
            outbox.taken(now, batch.epoch, last);
        }
        now = now + std::time::Duration::from_secs(100);
    }
    assert!(outbox.in_files() <= limits.bytes.max(bytes.len() * 2));
    let left = outbox.len();
    for action in outbox.actions() {
        match action {
            Action::Begin(number) => files.push(Segment { number, bytes: Vec::new() }),
            Action::Append(more) => files.last_mut().expect("it was begun").bytes.extend(more),
            Action::Sync => {}
            Action::Remove(number) => files.retain(|file| file.number != number),
        }
    }
    let (again, _) = Outbox::open(now, 8, limits, files);
    assert_eq!(again.len(), left);
});
