//! What comes over a data channel is one message or none, and a message that is written again is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_play::input::{MAX_LEN, Message};

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = Message::decode(bytes) else { return };
    assert!(bytes.len() <= MAX_LEN);
    assert_eq!(message.encode(), bytes, "every message has exactly one form");
});
