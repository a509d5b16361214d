//! Any playlist of others is passed on or refused with a sentence, and every address in what is passed on is ours.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_watch::relay::rewrite;

fuzz_target!(|data: &[u8]| {
    let base = "http://tv.example/live/master.m3u8".parse().expect("it is an address");
    match rewrite(data, &base, |_, _| "ours".to_owned()) {
        Ok(list) => assert!(list.lines().all(|line| line.starts_with('#') || line == "ours")),
        Err(error) => assert!(error.to_string().len() > 20),
    }
});
