//! Any bytes are a header of what a session on the air sends, which comes back as it was, or are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_play::air::{HEADER, Header};

fuzz_target!(|data: &[u8]| {
    let Some(bytes) = data.first_chunk::<HEADER>() else { return };
    if let Ok(header) = Header::parse(bytes) {
        assert_eq!(header.to_bytes(), Some(*bytes));
    }
});
