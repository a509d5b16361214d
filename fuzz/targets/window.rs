//! Whatever players ask a live stream for, it is there, is about to come or is not; what playlists name is there.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use playhouse_media::frame::Size;
use playhouse_media::live::{
    AudioCodec, Begin, Cut, Era, File, Format, Found, Muxer, Sample, VideoCodec, Window,
};
use playhouse_media::time::Timestamp;

fn formats(pictures: bool) -> Vec<Format> {
    let config = Arc::from([1, 0x64, 0, 0x28, 0xFF, 0xE0, 0]);
    let picture = Format::Video { codec: VideoCodec::H264, size: Size::new(64, 64), config };
    let config = Arc::from([0x11, 0x90]);
    let sound = Format::Audio { codec: AudioCodec::Aac, channels: 2, sample_rate: 48_000, config };
    if pictures { vec![picture, sound] } else { vec![sound] }
}

fn take(window: &mut Window, cuts: Vec<Cut>) {
    for cut in cuts {
        match cut {
            Cut::Part(part) => window.part(part),
            Cut::Segment(_) => drop(window.close()),
        }
    }
}

// Eight bytes are a sample or a question.
fuzz_target!(|data: &[u8]| {
    let mut window = Window::new(Duration::from_secs(20), 1 << 16);
    let (mut muxer, mut tracks) = (None, formats(true));
    let mut at = 1_000_000_u64;
    for &[kind, a, b, c, d, e, f, g] in data.as_chunks::<8>().0.iter().take(2000) {
        let (number, asked) = (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]));
        let (_, next, _) = window.next();
        let near = next.unwrap_or(0).saturating_add(u64::from(asked % 8)).saturating_sub(4);
        match kind {
            0..=199 => {
                let muxer = match &mut muxer {
                    Some(muxer) => muxer,
                    None => {
                        let (_, next, at) = window.next();
                        muxer.insert(
                            Muxer::new(&tracks, Begin { segment: next.unwrap_or(7), at })
                                .expect("known formats"),
                        )
                    }
                };
                at += u64::from(number % 3000) * 20;
                let time = Timestamp::from_micros(at);
                let track = usize::from(g) % tracks.len();
                let sample = Sample {
                    track,
                    data: vec![1; usize::from(c) + 1].into(),
                    dts: time,
                    pts: time,
                    keyframe: d & 7 == 0,
                };
                let (had, first) = (muxer.has_begun(), muxer.end());
                let mut cuts = Vec::new();
                muxer.push(&sample, &mut cuts);
                if !had && muxer.has_begun() {
                    let (number, ..) = window.next();
                    let tracks = muxer.tracks().cloned().collect();
                    window.begin(Era { number, first: first.segment, wall: at, at: first.at, tracks });
                }
                take(&mut window, cuts);
            }
            // Another publisher, other formats, or the end.
            200..=210 => {
                if let Some(mut muxer) = muxer.take() {
                    let mut cuts = Vec::new();
                    muxer.finish(&mut cuts);
                    take(&mut window, cuts);
                }
                tracks = formats(g & 1 == 0);
                if kind == 210 {
                    window.end();
                }
            }
            211..=214 => drop(window.expire()),
            215..=219 => drop(window.give_up()),
            220..=224 => window.stored(near, vec![0..u64::from(number); tracks.len()]),
            225..=239 => drop(window.find(File::Part(usize::from(g), near, u32::from(number) % 8))),
            240..=249 => {
                drop(window.reaches(near, (g & 1 == 0).then_some(u32::from(number) % 8), usize::from(g & 3)))
            }
            _ => drop(window.reaches(asked.into(), None, number.into())),
        }
    }
    for track in 0..2 {
        let Some(text) = window.playlist(track, false) else { continue };
        let mut gap = false;
        for line in text.lines() {
            let part = line
                .starts_with("#EXT-X-PART:")
                .then(|| line.split("URI=\"").nth(1)?.strip_suffix('"'))
                .flatten();
            let segment = Some(line).filter(|line| !line.starts_with('#') && !std::mem::take(&mut gap));
            gap |= line == "#EXT-X-GAP";
            for name in part.into_iter().chain(segment) {
                let file: File = name.parse().expect("a name of ours");
                assert!(matches!(window.find(file), Found::Here(_)), "{name} of {text}");
            }
        }
        assert!(window.playlist(track, true).is_some_and(|skipped| skipped.len() <= text.len() + 64));
    }
    assert!(window.manifest(at).is_none_or(|text| text.ends_with("</MPD>\n")));
});
