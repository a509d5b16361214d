//! Any guide is read or refused with a sentence; what is read stays within bounds, and is written as a guide.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_watch::xmltv::{read, write};

fuzz_target!(|bytes: &[u8]| {
    let mut programmes = Vec::new();
    if let Err(error) = read(bytes, |programme| programmes.push(programme)) {
        assert!(error.to_string().len() > 20);
    }
    assert!(
        programmes
            .iter()
            .all(|programme| !programme.title.is_empty() && programme.title.chars().count() <= 300)
    );
    let mut text = Vec::new();
    write(&mut text, &[], &programmes).expect("memory takes everything");
    let mut count = 0;
    read(&*text, |_| count += 1).expect("a guide that was just written");
    assert!(count <= programmes.len());
});
