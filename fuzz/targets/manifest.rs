//! A title's manifest is read or refused with a sentence; what is read keeps the limits that the rest relies on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_play::manifest::Manifest;

fuzz_target!(|text: &str| {
    match Manifest::parse("a-title", text) {
        Ok(title) => {
            assert!(!title.command.is_empty());
            assert!((320..=3840).contains(&title.size.width) && (240..=2160).contains(&title.size.height));
            assert!((1..=120).contains(&title.rate) && (1..=4).contains(&title.seats));
            assert!(
                title
                    .saves
                    .iter()
                    .all(|save| !save.starts_with('/') && save.split('/').all(|part| part != ".."))
            );
        }
        Err(error) => {
            let sentence = error.to_string();
            assert!(sentence.contains("a-title") && sentence.len() < 2_000, "{sentence}");
        }
    }
});
