//! Any file of notes is read or passed over, within its limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_watch::notes;

fuzz_target!(|file: &[u8]| {
    if let Some(notes) = notes::read(file) {
        assert!(notes.actors.len() <= 50 && notes.genres.len() <= 50);
        assert!(notes.age.is_none_or(|age| age <= 21));
    }
});
