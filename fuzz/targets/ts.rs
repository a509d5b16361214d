//! Any bytes of a transport stream become samples or an error with a sentence, however they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_media::intake::{Intake, Output};
use playhouse_media::ts::Demuxer;

fuzz_target!(|data: &[u8]| {
    let whole = demux(data, usize::MAX);
    assert_eq!(demux(data, 188), whole);
    // As a transcoder of several qualities is read.
    let (mut demuxer, mut intake) = (Demuxer::of_picture(1), Intake::default());
    drop(demuxer.receive(data, &mut intake));
    demuxer.finish(&mut intake);
});

fn demux(data: &[u8], step: usize) -> Vec<Output> {
    let (mut demuxer, mut intake) = (Demuxer::default(), Intake::default());
    for part in data.chunks(step) {
        if let Err(error) = demuxer.receive(part, &mut intake) {
            assert!(error.to_string().len() > 20);
            break;
        }
    }
    demuxer.finish(&mut intake);
    std::iter::from_fn(|| intake.poll()).collect()
}
