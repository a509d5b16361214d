//! A stored film, cut into CMAF segments when somebody asks for one.
//!
//! The film stays the one file that it is. [`index`] reads its tables once and writes a *sidecar*, well under a
//! hundredth of the film's size, from which [`Index`] answers every request: playlists, the beginning of each track
//! ([`Index::init`]), and segments ([`Index::segment`]) as a few hundred bytes followed by ranges of the film itself.
//! No table is held in memory as a whole, neither while indexing nor while serving.
//!
//! Sources: ISO/IEC 14496-12 (boxes), ISO/IEC 23000-19 (CMAF), RFC 8216bis (HLS), ISO/IEC 23009-1 (DASH).

pub(crate) mod cmaf;
mod cut;
mod error;
pub(crate) mod fields;
mod index;
pub(crate) mod part;
mod playlist;
mod presentation;
mod read_at;
mod sidecar;
mod source;
mod track;

use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::time::Duration;

use self::cut::{Cutter, Cutting, Grid};
use self::sidecar::{Contents, HEADER, Plan, RECORD};
use self::source::{Film, Movie, Samples, Source};

pub use error::{Error, Name};
pub use index::Index;
pub use part::{NoPart, Part};
pub use playlist::sliding::{Shown, Window, sliding};
pub use presentation::{Presentation, Text};
pub use read_at::ReadAt;
pub use track::{Kind, Summary, Track};

pub(crate) use source::{Sample, described};

/// Reads the tables of `film`, a progressive MP4, and writes the sidecar to `to`, which is to be empty.
///
/// The sidecar is valid once this returns; one that was left half written is refused by [`Index::open`].
///
/// # Errors
/// A sentence about what is wrong with the film: no bytes at all lead to a panic or to unbounded memory.
pub fn index(film: &mut (impl Read + Seek), to: &mut (impl Write + Seek)) -> Result<Summary, Error> {
    let mut film = Film::new(film)?;
    let Movie { sources, mut left_out } = Movie::read(&mut film)?;
    let film_len = film.len;
    let mut contents = Contents { film_len, duration: Duration::ZERO, tracks: Vec::new(), plans: Vec::new() };
    let (mut records, mut grid) = (HEADER as u64, Grid::default());
    to.seek(SeekFrom::Start(records)).map_err(Error::Write)?;
    for source in sources {
        let Some(cutting) = write_records(&mut film, &source, &grid, to)? else {
            left_out.push(format!("track {}: empty", source.id));
            continue;
        };
        if let Kind::Video { .. } = source.kind {
            grid = cutting.grid(source.timescale);
        }
        let end = duration(cutting.end, source.timescale);
        contents.duration = contents.duration.max(end);
        let samples = cutting.samples;
        let (track, plan) = settle(source, cutting, records);
        contents.tracks.push(track);
        contents.plans.push(plan);
        records += u64::from(samples) * RECORD as u64;
    }
    if contents.tracks.is_empty() {
        return Err(Error::NoTracks);
    }
    let tail = contents.tail();
    to.write_all(&tail).map_err(Error::Write)?;
    to.seek(SeekFrom::Start(0)).map_err(Error::Write)?;
    to.write_all(&sidecar::header(records, tail.len(), film_len)).map_err(Error::Write)?;
    to.flush().map_err(Error::Write)?;
    let bytes = records + tail.len() as u64;
    Ok(Summary { tracks: contents.tracks, left_out, duration: contents.duration, bytes })
}

/// Records that are written at once.
const BATCH: usize = 1024;

/// Writes a record for each sample of a track, and cuts it; none where it has no sample.
fn write_records(
    film: &mut Film<'_>,
    source: &Source,
    grid: &Grid,
    to: &mut impl Write,
) -> Result<Option<Cutting>, Error> {
    let mut samples = Samples::open(film, source)?;
    let mut cutter = Cutter::new(source, grid);
    let mut batch = Vec::with_capacity(BATCH * RECORD);
    while let Some(sample) = samples.next(film)? {
        let problem = "has a sample that is longer, or lasts longer, than an index can say";
        let record = sidecar::pack(&sample).ok_or(Error::Unsupported { track: source.id, problem })?;
        batch.extend_from_slice(&record);
        cutter.add(&sample)?;
        if batch.len() == BATCH * RECORD {
            to.write_all(&batch).map_err(Error::Write)?;
            batch.clear();
        }
    }
    to.write_all(&batch).map_err(Error::Write)?;
    Ok(cutter.finish())
}

/// What is known of a track once it was cut.
fn settle(source: Source, cutting: Cutting, records: u64) -> (Track, Plan) {
    let kind = match source.kind {
        Kind::Video { size, .. } => {
            let seconds = cutting.ticks.max(1) as f64 / f64::from(source.timescale);
            Kind::Video { size, rate: f64::from(cutting.samples) / seconds }
        }
        sound @ Kind::Audio { .. } => sound,
    };
    let Source { codec, language, name, entry, timescale, shift, display, .. } = source;
    let Cutting { cuts, samples, end, lift, bytes, average, peak, .. } = cutting;
    let track = Track { kind, codec, language, name, bytes, average, peak };
    (track, Plan { entry, timescale, shift, lift, display, records, samples, end, cuts })
}

fn duration(ticks: i64, timescale: u32) -> Duration {
    let micros = u128::from(u64::try_from(ticks).unwrap_or(0)) * 1_000_000 / u128::from(timescale);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// A segment: `head`, and behind it the bytes of the film in `ranges`, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// `styp`, `moof`, and the beginning of `mdat`.
    pub head: Vec<u8>,
    /// What follows of the film; adjacent samples are one range.
    pub ranges: Vec<Range<u64>>,
    /// Bytes of it all, `head` included.
    pub len: u64,
}
