//! Any tags become samples or an error with a sentence; no track's time goes back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_media::flv::Demuxer;
use playhouse_media::intake::{Intake, Output};

fuzz_target!(|data: &[u8]| {
    let (mut demuxer, mut intake) = (Demuxer::default(), Intake::default());
    let mut last = [None; 2];
    let mut rest = data;
    // A kind, a timestamp and a length before each tag.
    while let Some((&[kind, a, b, c, length], behind)) = rest.split_first_chunk::<5>() {
        let (body, behind) = behind.split_at(behind.len().min(length.into()));
        rest = behind;
        let time = u32::from_be_bytes([a, b, c, 0]);
        let taken = if kind & 1 == 0 {
            demuxer.video(time, body, &mut intake)
        } else {
            demuxer.audio(time, body, &mut intake)
        };
        if let Err(error) = taken {
            assert!(error.to_string().len() > 20);
            return;
        }
        while let Some(output) = intake.poll() {
            if let Output::Sample(sample) = output {
                assert!(last[sample.track].is_none_or(|last| last <= sample.dts) && sample.pts >= sample.dts);
                last[sample.track] = Some(sample.dts);
            }
        }
    }
});
