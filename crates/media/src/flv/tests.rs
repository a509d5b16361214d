//! Tags as publishers send them, by hand.

use proptest::prelude::*;

use super::*;
use crate::intake::Output;
use crate::live::{AudioCodec, Format};

/// By x264 and by the AAC of FFmpeg: 64x64, baseline; 48 kHz, stereo.
const AVC: &[u8] = &[
    1, 0x42, 0xC0, 0x20, 0xFF, 0xE1, 0, 26, 0x67, 0x42, 0xC0, 0x20, 0xDA, 0x01, 0x40, 0x16, 0xE9, 0xA8, 0x08,
    0x08, 0x0A, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x3D, 0x09, 0x00, 0x1E, 0x30, 0x65, 0x40, 1, 0, 4, 0x68,
    0xCE, 0x3C, 0x80,
];
const AAC: &[u8] = &[0x11, 0x90];

fn outputs(tags: &[(bool, Vec<u8>)]) -> Result<Vec<Output>, Error> {
    let (mut demuxer, mut intake) = (Demuxer::default(), Intake::default());
    for (number, (video, body)) in (0_u32..).zip(tags) {
        if *video {
            demuxer.video(number * 40, body, &mut intake)?;
        } else {
            demuxer.audio(number * 40, body, &mut intake)?;
        }
    }
    Ok(std::iter::from_fn(|| intake.poll()).collect())
}

#[test]
fn the_same_stream_is_taken_in_the_old_and_in_the_enhanced_form() {
    let nal = [0, 0, 0, 2, 0x65, 9];
    let old = [
        (true, [&[0x17, 0, 0, 0, 0], AVC].concat()),
        (false, [&[0xAF, 0], AAC].concat()),
        (true, [&[0x17, 1, 0, 0, 80][..], &nal].concat()),
        (false, vec![0xAF, 1, 7, 7]),
    ];
    let enhanced = [
        (true, [&[0x90][..], b"avc1", AVC].concat()),
        (false, [&[0x90][..], b"mp4a", AAC].concat()),
        // Behind a modifier: nanoseconds.
        (true, [&[0x97, 2, 1, 2, 3, 0x01][..], b"avc1", &[0, 0, 80], &nal].concat()),
        (false, [&[0x91][..], b"mp4a", &[7, 7]].concat()),
    ];
    let expected = outputs(&old).unwrap();
    assert_eq!(outputs(&enhanced).unwrap(), expected);
    let [Output::Formats(formats), Output::Sample(picture), Output::Sample(sound)] = &expected[..] else {
        panic!("{expected:?}")
    };
    assert!(matches!(&formats[0], Format::Video { config, .. } if **config == *AVC));
    assert!(matches!(
        formats[1],
        Format::Audio { codec: AudioCodec::Aac, channels: 2, sample_rate: 48_000, .. }
    ));
    assert_eq!((&*picture.data, picture.pts.since(picture.dts).as_millis()), (&nal[..], 80));
    assert_eq!((sound.track, sound.dts.since(picture.dts).as_millis()), (1, 40));
}

#[test]
fn lengths_of_two_bytes_become_lengths_of_four() {
    let mut record = AVC.to_vec();
    record[4] = 0xFD;
    let tags = [
        (true, [&[0x17, 0, 0, 0, 0], &record[..]].concat()),
        (false, [&[0xAF, 0], AAC].concat()),
        (true, vec![0x17, 1, 0, 0, 0, 0, 2, 0x65, 9]),
    ];
    let outputs = outputs(&tags).unwrap();
    assert!(matches!(&outputs[1], Output::Sample(picture) if *picture.data == [0, 0, 0, 2, 0x65, 9]));
}

#[test]
fn opus_comes_with_its_header() {
    let head = [&b"OpusHead"[..], &[1, 2, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0]].concat();
    let (mut demuxer, mut intake) = (Demuxer::default(), Intake::default());
    intake.expect(false, true);
    demuxer.audio(0, &[&[0x90][..], b"Opus", &head].concat(), &mut intake).unwrap();
    let Some(Output::Formats(formats)) = intake.poll() else { panic!("no format") };
    let config = [0, 2, 1, 0x38, 0, 0, 0xBB, 0x80, 0, 0, 0];
    assert!(matches!(&formats[0], Format::Audio { codec: AudioCodec::Opus, config: c, .. } if **c == config));
}

#[test]
fn a_codec_that_is_not_taken_is_named() {
    let refused = |video: bool, body: &[u8]| outputs(&[(video, body.to_vec())]).unwrap_err().to_string();
    assert!(refused(false, &[0x2F, 1, 2]).contains("MP3"));
    assert!(refused(true, &[0x12, 1, 2]).contains("Sorenson"));
    assert!(refused(true, b"\x90vp09\0").contains("vp09"));
}

proptest! {
    #[test]
    fn rubbish_is_survived(tags in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..8)) {
        if let Err(error) = outputs(&tags) {
            prop_assert!(error.to_string().ends_with('.'));
        }
    }
}
