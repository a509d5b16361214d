//! Any list of channels is read or refused with a sentence; what is read stays within bounds, and is written as a list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_watch::m3u::{MOST_CHANNELS, read, write};

fuzz_target!(|bytes: &[u8]| match read(bytes) {
    Ok(list) => {
        assert!((1..=MOST_CHANNELS).contains(&list.channels.len()));
        assert!(
            list.channels.iter().all(|channel| channel.address.len() <= 2048 && !channel.name.contains('\n'))
        );
        let again = read(write(&list).as_bytes()).expect("a list that was just written");
        assert_eq!(again.channels.len(), list.channels.len());
    }
    Err(error) => assert!(error.to_string().len() > 20),
});
