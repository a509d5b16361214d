//! Any file of subtitles becomes WebVTT that is read again as the same cues.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_watch::captions;
use playhouse_watch::sidecar::Subtitles;

fuzz_target!(|file: &[u8]| {
    for format in [Subtitles::Srt, Subtitles::Vtt, Subtitles::Ass] {
        let cues = captions::read(format, file);
        let vtt = captions::write(&cues);
        assert_eq!(vtt.matches("-->").count(), cues.len(), "a cue begins within another");
        assert_eq!(captions::read(Subtitles::Vtt, vtt.as_bytes()).len(), cues.len());
    }
});
