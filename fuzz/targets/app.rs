//! Any bytes are refused as an app with a sentence, or run within their limits until they are stopped with another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_apps::{App, limits};
use playhouse_media::time::Timestamp;

/// What the example listens to, and what nobody does.
const TOLD: [&str; 3] = [
    r#"{"at":1,"kind":"entered","zone_name":"Queue","label_name":"person","what":{"Entered":{"zone":1,"track":7,"label":0}}}"#,
    r#"{"at":9000,"kind":"exited","zone_name":"Queue","what":{"Exited":{"zone":1,"track":7,"dwelt_ms":8999}}}"#,
    "{}",
];

fuzz_target!(|bytes: &[u8]| {
    let mut app = match App::open(bytes) {
        Ok(app) => app,
        Err(refused) => return assert!(refused.to_string().starts_with("it ")),
    };
    for (second, told) in (1..).zip(TOLD) {
        let now = Timestamp::from_micros(second * 1_000_000);
        let said = app.observe(now, told.as_bytes()).and_then(|_| app.tick(now, second * 4_000));
        if let Ok(said) = said {
            assert!(said.events.len() <= limits::EVENTS_PER_CALL && said.lines.len() <= limits::LINES_PER_CALL);
            assert!(said.events.iter().all(|event| event.value.is_finite() && !event.name.is_empty()));
        } else {
            assert_eq!(app.tick(now, 0), said, "one that was stopped stays so");
        }
    }
});
