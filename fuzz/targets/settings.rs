//! Any settings, or a patch to them, are refused or can be followed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_media::time::Timestamp;
use playhouse_sense::enrolment::Desired;
use playhouse_sense::pipeline::Pipeline;
use playhouse_sense::rule::{Engine, Rule};
use playhouse_sense::settings::Settings;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(settings) = serde_json::from_slice::<Settings>(bytes) {
        let valid = settings.check().is_ok();
        let pipeline = Pipeline::new(Timestamp::ZERO, settings, 3);
        assert_eq!(pipeline.is_ok(), valid);
        if let Ok(mut pipeline) = pipeline {
            pipeline.detections(Timestamp::ZERO, &[]);
        }
    }
    if let Ok(patch) = serde_json::from_slice(bytes)
        && let Ok(desired) = Desired::default().patched(None, &patch)
    {
        assert!(desired.settings.check().is_ok());
    }
    if let Ok(rule) = serde_json::from_slice::<Rule>(bytes)
        && rule.check().is_ok()
    {
        Engine::new(vec![rule], 0).tick(1_796_040_000_000);
    }
});
