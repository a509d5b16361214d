//! Where segments begin.

use super::source::{Sample, Source};
use super::{Error, Kind};

/// What a segment aims to last, in seconds: as long as the groups of pictures of most films, so that each place where
/// decoding can begin is the beginning of one, and long enough that its head and its request cost little.
const TARGET: i64 = 2;
/// Segments of a track: three days of them.
pub(super) const MOST_SEGMENTS: usize = 1 << 16;
/// Samples of one segment, which are held in memory while it is cut: a quarter of an hour of 60 pictures a second.
pub(super) const MOST_SAMPLES: u32 = 1 << 16;
/// What the head of a segment takes, and each sample in it, on average: enough for a bitrate that is stated.
const HEAD: u64 = 120;
const HEAD_SAMPLE: u64 = 10;

/// Where a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Number of its first sample, from 0 on.
    pub(super) first: u32,
    /// When that is decoded, in ticks since the track begins.
    pub(super) dts: u64,
    /// When that is presented, in ticks since the film begins; negative for what is decoded and not presented.
    pub(super) pts: i64,
}

/// When the segments of the picture begin, by which sound is cut too.
#[derive(Debug, Default)]
pub(super) struct Grid {
    starts: Vec<i64>,
    end: i64,
    timescale: u32,
}

impl Grid {
    /// The number of the piece of the film in which that moment lies. Where the picture is over, or there is none,
    /// pieces have the length that is aimed at.
    fn piece(&self, pts: i64, timescale: u32) -> i128 {
        // In ticks of both clocks at once.
        let other = i128::from(self.timescale.max(1));
        let at = i128::from(pts) * other;
        let common = |ticks: i64| i128::from(ticks) * i128::from(timescale);
        let within = self.starts.partition_point(|&start| common(start) <= at).max(1) as i128;
        let beyond = (at - common(self.end)).max(0) / (common(TARGET) * other);
        within + beyond
    }
}

/// Cuts one track, sample by sample.
#[derive(Debug)]
pub(super) struct Cutter<'a> {
    track: u32,
    timescale: u32,
    shift: i64,
    /// None for pictures, which are cut where decoding can begin.
    grid: Option<&'a Grid>,
    cuts: Vec<Cut>,
    samples: u32,
    dts: u64,
    end: i64,
    lift: i32,
    /// Bytes of all samples, and of the segment that is not over yet.
    bytes: u64,
    open: u64,
    peak: u64,
}

/// A track that was cut.
#[derive(Debug)]
pub(super) struct Cutting {
    pub(super) cuts: Vec<Cut>,
    pub(super) samples: u32,
    /// When the last of it has been presented, in ticks since the film begins.
    pub(super) end: i64,
    /// Ticks that make the most negative offset of a sample none.
    pub(super) lift: i32,
    /// Ticks of all samples together.
    pub(super) ticks: u64,
    pub(super) bytes: u64,
    pub(super) average: u64,
    pub(super) peak: u64,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(source: &Source, grid: &'a Grid) -> Self {
        Self {
            track: source.id,
            timescale: source.timescale,
            shift: source.shift,
            grid: matches!(source.kind, Kind::Audio { .. }).then_some(grid),
            cuts: Vec::new(),
            samples: 0,
            dts: 0,
            end: 0,
            lift: 0,
            bytes: 0,
            open: 0,
            peak: 0,
        }
    }

    /// Adds the next sample, which begins a segment or belongs to the last one.
    pub(super) fn add(&mut self, sample: &Sample) -> Result<(), Error> {
        // A record of the index bounds both far below what 64 bits hold.
        let pts = self.dts.cast_signed() + i64::from(sample.composition) - self.shift;
        if self.begins(sample, pts) {
            self.close(pts);
            if self.cuts.len() == MOST_SEGMENTS {
                return Err(Error::TooMuch { what: "segments of one track", most: MOST_SEGMENTS as u64 });
            }
            self.cuts.push(Cut { first: self.samples, dts: self.dts, pts });
        }
        if self.cuts.last().is_some_and(|cut| self.samples - cut.first >= MOST_SAMPLES) {
            let problem = "can be decoded only from its beginning, or from places that are far apart";
            return Err(Error::Unsupported { track: self.track, problem });
        }
        self.samples += 1;
        self.dts += u64::from(sample.ticks);
        self.end = self.end.max(pts + i64::from(sample.ticks));
        self.lift = self.lift.max(sample.composition.saturating_neg());
        self.bytes += u64::from(sample.bytes);
        self.open += u64::from(sample.bytes) + HEAD_SAMPLE;
        Ok(())
    }

    fn begins(&self, sample: &Sample, pts: i64) -> bool {
        let Some(last) = self.cuts.last() else { return true };
        match self.grid {
            None => sample.sync && pts - last.pts >= TARGET * i64::from(self.timescale),
            Some(grid) => {
                sample.sync && grid.piece(pts, self.timescale) != grid.piece(last.pts, self.timescale)
            }
        }
    }

    /// Ends the segment before that moment.
    fn close(&mut self, end: i64) {
        if let Some(last) = self.cuts.last() {
            let ticks = u64::try_from(end - last.pts).unwrap_or(0);
            // A last segment of a moment says nothing about what the network has to carry.
            if ticks >= u64::from(self.timescale) {
                self.peak = self.peak.max(rate(self.open + HEAD, ticks, self.timescale));
            }
        }
        self.open = 0;
    }

    /// None for a track without a sample.
    pub(super) fn finish(mut self) -> Option<Cutting> {
        self.close(self.end);
        let first = self.cuts.first()?;
        let ticks = u64::try_from(self.end - first.pts).unwrap_or(0);
        let heads = u64::from(self.samples) * HEAD_SAMPLE + self.cuts.len() as u64 * HEAD;
        let average = rate(self.bytes + heads, ticks, self.timescale);
        Some(Cutting {
            samples: self.samples,
            end: self.end,
            lift: self.lift,
            ticks: self.dts,
            bytes: self.bytes,
            average,
            peak: self.peak.max(average),
            cuts: self.cuts,
        })
    }
}

impl Cutting {
    pub(super) fn grid(&self, timescale: u32) -> Grid {
        Grid { starts: self.cuts.iter().map(|cut| cut.pts).collect(), end: self.end, timescale }
    }
}

/// Bits per second.
fn rate(bytes: u64, ticks: u64, timescale: u32) -> u64 {
    let bits = u128::from(bytes) * 8 * u128::from(timescale) / u128::from(ticks.max(1));
    u64::try_from(bits).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_falls_into_the_pieces_of_the_picture() {
        let grid = Grid { starts: vec![0, 400, 900], end: 1000, timescale: 100 };
        let piece = |millis: i64| grid.piece(millis, 1000);
        assert_eq!([-20, 0, 3999].map(piece), [1; 3], "what begins early is not cut off");
        assert_eq!([4000, 8999].map(piece), [2; 2]);
        assert_eq!([9000, 10_000, 11_999].map(piece), [3; 3], "a little more sound makes no segment");
        assert_eq!([12_000, 14_000].map(piece), [4, 5]);
        assert_ne!(piece(i64::MAX), piece(0));
        let none = Grid::default();
        assert_eq!([-1, 0, 1999, 2000, 4000].map(|millis| none.piece(millis, 1000)), [1, 1, 1, 2, 3]);
    }
}
