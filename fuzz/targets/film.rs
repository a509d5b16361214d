//! Any file is indexed or refused with a sentence; what is indexed is served, and nothing of it lies beyond the file.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use playhouse_media::film::{Error, Index, index};

fuzz_target!(|film: &[u8]| {
    // An index by itself is foreign too: it lies in a folder that others may write to.
    if let Err(error) = serve(film.to_vec(), u64::MAX) {
        assert!(error.to_string().len() > 20);
    }
    let mut sidecar = Cursor::new(Vec::new());
    match index(&mut Cursor::new(film), &mut sidecar) {
        Ok(_) => serve(sidecar.into_inner(), film.len() as u64).expect("an index that was just written"),
        Err(error) => assert!(error.to_string().len() > 20),
    }
});

fn serve(sidecar: Vec<u8>, end: u64) -> Result<(), Error> {
    let index = Index::open(sidecar)?;
    assert!(index.master().starts_with("#EXTM3U") && index.manifest().ends_with("</MPD>\n"));
    for track in 0..index.tracks().len() {
        index.init(track)?;
        index.playlist(track)?;
        for number in 0..index.segments(track) {
            let segment = index.segment(track, number)?;
            let bytes: u64 = segment.ranges.iter().map(|range| range.end - range.start).sum();
            assert_eq!(segment.len, segment.head.len() as u64 + bytes);
            assert!(segment.ranges.iter().all(|range| range.start < range.end && range.end <= end));
        }
    }
    Ok(())
}
