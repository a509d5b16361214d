//! Any card of a model is read or refused with a sentence; what is read stays within bounds, and is written as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_sense::card::{Card, LARGEST_INPUT};

fuzz_target!(|text: &str| match Card::parse(text) {
    Ok(card) => {
        assert!((1..=1000).contains(&card.labels.len()));
        assert!(card.input.shape().iter().all(|length| (1..=LARGEST_INPUT).contains(length)));
        assert!((0.0..=1.0).contains(&card.score) && (0.0..=1.0).contains(&card.overlap));
        let again = Card::parse(&card.to_toml().expect("a card that was just read")).expect("a card that was just written");
        assert_eq!(again.labels, card.labels);
    }
    Err(error) => assert!(error.to_string().len() > 20),
});
