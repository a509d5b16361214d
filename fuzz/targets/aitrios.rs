//! Any bytes are metadata, a report or an output tensor, or are refused with a reason; what was read is written and read again,
//! and followed once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_sense::aitrios::{self, Follower, MOST, MOST_EVENTS, MOST_INFERENCES, PER_INFERENCE, Report, tensor};
use playhouse_sense::detection::Detection;

const SIZE: aitrios::Size = (300, 200);

fn sound(found: &[Detection]) {
    assert!(found.len() <= MOST);
    for Detection { place, score, .. } in found {
        assert!(place.left >= 0.0 && place.left < place.right && place.right <= 1.0);
        assert!(place.top >= 0.0 && place.top < place.bottom && place.bottom <= 1.0);
        assert!((0.0..=1.0).contains(score));
    }
}

fuzz_target!(|bytes: &[u8]| {
    match aitrios::read(bytes, SIZE) {
        Ok(found) => {
            sound(&found);
            let again = aitrios::read(&aitrios::write(&found, SIZE), SIZE).expect("what was written is read");
            assert_eq!(again.len(), found.len());
        }
        Err(error) => assert!(error.to_string().len() > 30),
    }
    match Report::read(bytes, SIZE) {
        Ok(report) => {
            assert!(report.inferences.len() <= MOST_INFERENCES);
            report.inferences.iter().for_each(|one| sound(&one.found));
            // It may be longer than it was: tables that were shared are written one by one.
            if let Ok(again) = report.write(SIZE) {
                let again = Report::read(&again, SIZE).expect("what was written is read");
                let times = |report: &Report| report.inferences.iter().map(|one| one.at).collect::<Vec<_>>();
                assert_eq!(times(&again), times(&report));
            }
        }
        Err(error) => assert!(error.to_string().len() > 30),
    }
    let (mut follower, any) = (Follower::default(), 0..=u64::MAX / PER_INFERENCE);
    match follower.report(bytes, &any) {
        Ok(news) => {
            assert!(news.events.len() <= MOST_EVENTS);
            assert!(news.events.windows(2).all(|pair| pair[0].seq < pair[1].seq));
            let again = follower.report(bytes, &any).expect("it was taken before");
            assert_eq!(again.events, []);
            follower.silent();
        }
        Err(error) => assert!(error.to_string().len() > 30),
    }
    match tensor::read(bytes) {
        Ok(found) if found.is_empty() => {}
        Ok(found) => {
            sound(&found);
            let again = tensor::write(&found, found.len()).expect("so many places as things");
            assert_eq!(tensor::read(&again), Ok(found));
        }
        Err(error) => assert!(error.to_string().len() > 30),
    }
});
