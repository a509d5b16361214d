//! Any bytes are a batch or a glimpse, or are refused; a batch that was read is written as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_sense::observation::{Batch, Glimpse, MOST_EVENTS};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(batch) = Batch::decode(bytes) {
        assert!(batch.events.len() <= MOST_EVENTS);
        if let Ok(again) = batch.encode() {
            let read = Batch::decode(&again).expect("what was written is read");
            // Not compared as values: an app's figure may be no number, which differs from itself.
            assert_eq!(read.encode().expect("it was written before"), again);
        }
    }
    if let Ok(glimpse) = Glimpse::decode(bytes) {
        assert!(Glimpse::decode(&glimpse.encode()).is_ok() || glimpse.things.len() > 1024);
    }
});
