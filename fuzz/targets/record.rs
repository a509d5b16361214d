//! Whatever lies in a channel's folder is read or left out, and what is read makes playlists and a film.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use playhouse_media::live::{Found, Movie, Window, record};

fuzz_target!(|data: &[u8]| {
    let Some((&length, rest)) = data.split_first() else { return };
    let (era, segment) = rest.split_at(rest.len().min(usize::from(length)));
    let mut window = Window::new(Duration::from_secs(60), 1 << 30);
    let Some(era) = record::parse_era(era) else { return };
    assert_eq!(record::parse_era(&record::pack_era(&era)), Some(era.clone()));
    let tracks = era.tracks.clone();
    window.restore_era(era);
    let header = segment.first_chunk().and_then(record::header_len).and_then(|length| segment.get(..length));
    let Some(found) = header.and_then(|header| record::parse(header, segment.len() as u64)) else { return };
    for lane in &found.lanes {
        assert!(lane.place.end <= segment.len() as u64);
        assert!(lane.samples.iter().all(|sample| sample.at + u64::from(sample.bytes) <= lane.place.end));
    }
    if window.restore(&found) {
        for track in 0..tracks.len() {
            assert!(window.playlist(track, false).is_some_and(|text| text.ends_with("#EXT-X-ENDLIST\n")));
        }
        // None where one track reaches so far that no segment is within the window.
        assert!(window.manifest(0).is_none_or(|text| text.ends_with("</MPD>\n")));
        assert!(matches!(window.reaches(u64::MAX, None, 0), Found::Here(())));
    }
    if let Ok(movie) = Movie::new(&tracks, &[found]) {
        assert!(movie.pieces.iter().all(|piece| piece.range.end <= segment.len() as u64));
    }
});
