//! "Save clip": the last seconds of the ring, as an MP4 file that is either whole or not there.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use playhouse_media::mp4::Movie;
use playhouse_media::ring::Ring;

use crate::clock;

/// Longest clip, and how much is always there.
const MAX_SECONDS: u32 = 60;

/// Writes the last `seconds` to `path`; gives the milliseconds written, or a sentence.
pub(super) fn write(ring: &Mutex<Ring>, path: &Path, seconds: u32) -> Result<u64, String> {
    let length = Duration::from_secs(u64::from(seconds.clamp(1, MAX_SECONDS)));
    // Only references are taken out; the ring goes on while the file is written.
    let clip = ring.lock().unwrap_or_else(PoisonError::into_inner).clip(length, clock::now());
    let Some(clip) = clip else { return Err("There is no picture yet to make a clip of.".to_owned()) };
    let begin = clip.video.first().map_or(clip.end, |unit| unit.pts);
    let movie = Movie::new(&clip).map_err(|error| format!("The clip could not be made: {error}."))?;
    let partial = path.with_extension("part");
    let written = create(&movie, &partial).and_then(|()| fs::rename(&partial, path));
    if let Err(error) = written {
        // What is left of it is of no use; that it cannot be removed either changes nothing.
        fs::remove_file(&partial).ok();
        return Err(format!("The clip could not be written: {error}."));
    }
    Ok(u64::try_from(clip.end.since(begin).as_millis()).unwrap_or(u64::MAX))
}

fn create(movie: &Movie<'_>, path: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    movie.write(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()
}
