//! Several indices served as one film: each rendition is a file of its own, and sound and texts belong to all of them.

use std::fs::File;
use std::time::Duration;

use super::sidecar::Plan;
use super::{Error, Index, Kind, Part, ReadAt, Segment, Track, playlist};

/// A text that is shown with the picture (`WebVTT`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// As RFC 5646 has it; none where nobody says.
    pub language: Option<String>,
    /// What it is called, such as "for the hard of hearing".
    pub name: Option<String>,
    /// Only what is foreign in the film's own language: shown without being asked for.
    pub forced: bool,
}

/// A film as players see it. Tracks are numbered index after index, so that a film of one index keeps its numbers.
#[derive(Debug)]
pub struct Presentation<S = File> {
    indices: Vec<Index<S>>,
    texts: Vec<Text>,
    /// Of each track: its index, and its number there.
    places: Vec<(usize, usize)>,
}

impl<S: ReadAt> Presentation<S> {
    /// Those indices as one film, the best picture first, with those texts.
    pub fn new(indices: Vec<Index<S>>, texts: Vec<Text>) -> Self {
        let of = |(at, index): (usize, &Index<S>)| (0..index.tracks().len()).map(move |track| (at, track));
        let places = indices.iter().enumerate().flat_map(of).collect();
        Self { indices, texts, places }
    }

    /// The indices.
    pub fn indices(&self) -> &[Index<S>] {
        &self.indices
    }

    /// The texts.
    pub fn texts(&self) -> &[Text] {
        &self.texts
    }

    /// All tracks, in the order of their numbers.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.indices.iter().flat_map(Index::tracks)
    }

    /// When the segments of a track begin, and the last one ends: microseconds since the film begins.
    pub fn times(&self, track: usize) -> Result<Vec<u64>, Error> {
        let (index, inner) = self.at(track)?;
        self.indices[index].times(inner)
    }

    /// How many segments a track has.
    pub fn segments(&self, track: usize) -> u32 {
        self.at(track).map_or(0, |(index, inner)| self.indices[index].segments(inner))
    }

    /// How long the longest of them plays.
    pub fn duration(&self) -> Duration {
        self.indices.iter().map(Index::duration).max().unwrap_or_default()
    }

    /// The HLS multivariant playlist.
    pub fn master(&self) -> String {
        let tracks: Vec<&Track> = self.indices.iter().flat_map(Index::tracks).collect();
        playlist::hls::master(&tracks, &self.texts)
    }

    /// The HLS media playlist of a track.
    pub fn playlist(&self, track: usize) -> Result<String, Error> {
        let (index, inner) = self.at(track)?;
        let (_, plan) = self.indices[index].track(inner)?;
        Ok(playlist::hls::media(track, plan))
    }

    /// The HLS media playlist of a text.
    pub fn text_playlist(&self, text: usize) -> Result<String, Error> {
        if text >= self.texts.len() {
            return Err(Error::NoTrack { track: text, tracks: self.texts.len() });
        }
        Ok(playlist::hls::text(text, self.duration()))
    }

    /// The DASH manifest.
    pub fn manifest(&self) -> String {
        let tracks: Vec<(&Track, &Plan)> = self.indices.iter().flat_map(Index::planned).collect();
        playlist::dash::manifest(self.duration(), &tracks, &self.texts)
    }

    /// What a player reads before the segments of a track.
    pub fn init(&self, track: usize) -> Result<Vec<u8>, Error> {
        let (index, inner) = self.at(track)?;
        self.indices[index].init(inner)
    }

    /// One segment of a track, and the number of the index whose film has its ranges.
    pub fn segment(&self, track: usize, number: u32) -> Result<(usize, Segment), Error> {
        let (index, inner) = self.at(track)?;
        Ok((index, self.indices[index].segment(inner, number)?))
    }

    /// What a player reads first that begins at `at`: the playlists, and of one picture and one sound their heads and
    /// segments there. The picture's come first: players place the sound by them. Of the pictures that have at most `bits` a
    /// second it is the smallest with `lines`, or else the largest; where all have more, the one that has least. Pictures in
    /// another coding than the first are for players that know what they play.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn first(&self, at: Duration, bits: u64, lines: u32) -> Result<Vec<Part>, Error> {
        let at = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        let (mut pictures, mut sound, mut first) = (Vec::new(), None, None);
        for (number, track) in self.tracks().enumerate() {
            match track.kind {
                Kind::Video { size, .. } => {
                    let coding = track.codec.split('.').next();
                    if *first.get_or_insert(coding) == coding {
                        pictures.push(Picture { number, lines: size.height, bits: track.peak });
                    }
                }
                Kind::Audio { .. } => sound = sound.or(Some(number)),
            }
        }
        let picture = Picture::fitting(&pictures, bits, lines);
        let tracks = || [picture, sound].into_iter().flatten();
        let mut parts = vec![Part::Master];
        parts.extend(tracks().map(Part::Playlist));
        parts.extend(tracks().map(Part::Init));
        for track in tracks() {
            let times = self.times(track)?;
            let begun = times.partition_point(|&begins| begins <= at).clamp(1, times.len().max(2) - 1);
            parts.push(Part::Segment(track, u32::try_from(begun - 1).unwrap_or(u32::MAX)));
        }
        Ok(parts)
    }

    fn at(&self, track: usize) -> Result<(usize, usize), Error> {
        self.places.get(track).copied().ok_or(Error::NoTrack { track, tracks: self.places.len() })
    }
}

/// A track of pictures.
struct Picture {
    number: usize,
    lines: u32,
    /// Per second, at most.
    bits: u64,
}

impl Picture {
    /// The number of the one to begin with; none where there is none.
    fn fitting(all: &[Self], bits: u64, lines: u32) -> Option<usize> {
        let fitting = || all.iter().filter(|picture| picture.bits <= bits);
        let picture = fitting()
            .filter(|picture| picture.lines >= lines)
            .min_by_key(|picture| picture.lines)
            .or_else(|| fitting().max_by_key(|picture| picture.lines))
            .or_else(|| all.iter().min_by_key(|picture| picture.bits))?;
        Some(picture.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_begins_with_the_smallest_picture_that_fills_the_screen_and_that_the_network_carries() {
        let all = [(0, 1080, 5_000_000), (2, 720, 2_000_000), (3, 360, 500_000)];
        let all = all.map(|(number, lines, bits)| Picture { number, lines, bits });
        let table = [
            (u64::MAX, u32::MAX, 0),
            (u64::MAX, 1080, 0),
            (u64::MAX, 721, 0),
            (u64::MAX, 720, 2),
            (4_999_999, 1080, 2),
            (600_000, 1080, 3),
            (u64::MAX, 0, 3),
            (0, 1080, 3),
        ];
        for (bits, lines, number) in table {
            assert_eq!(Picture::fitting(&all, bits, lines), Some(number), "{bits} {lines}");
        }
        assert_eq!(Picture::fitting(&[], 0, 0), None);
    }
}
