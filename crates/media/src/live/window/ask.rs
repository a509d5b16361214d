//! What of a window is asked for: segments, parts, playlists.

use std::sync::Arc;

use super::{Asked, Found, Lane, Window};
use crate::frame::Size;
use crate::live::File;
use crate::live::playlist::{dash, hls, pictures, rates};

/// What playlists say of another quality of the same stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Where its files are, relative to the playlist that names it: `renditions/480p/`.
    pub(in crate::live) base: String,
    pub(in crate::live) codec: String,
    pub(in crate::live) size: Size,
    /// Pictures per second.
    pub(in crate::live) rate: Option<f64>,
    /// Bits per second.
    pub(in crate::live) peak: u64,
    pub(in crate::live) average: u64,
    /// Its newest segment, and the newest part of that.
    pub(in crate::live) newest: Option<(u64, Option<usize>)>,
}

impl Window {
    /// Whether a track's playlist has that segment, or that part of it (RFC 8216bis, section 6.2.5.2).
    pub fn reaches(&self, segment: u64, part: Option<u32>, track: usize) -> Found<()> {
        let current = self.current();
        let parts = self.parts_of_current(track) as u64;
        let here = match part {
            _ if segment < current => true,
            Some(part) => segment == current && u64::from(part) < parts,
            None => false,
        };
        if here || self.edge.ended {
            return Found::Here(());
        }
        // Whoever asks for more than what comes next is mistaken.
        if segment > current + 1 { Found::Nowhere } else { Found::Soon }
    }

    /// Where the bytes of a segment or a part are.
    pub fn find(&self, file: File) -> Found<Asked> {
        match file {
            File::Init(track, first) => {
                let era = self.eras.iter().find(|era| era.first == first);
                let track = era.and_then(|era| era.tracks.get(track));
                track.map_or(Found::Nowhere, |track| Found::Here(Asked::Memory(vec![track.init().into()])))
            }
            File::Segment(track, number) => {
                let whole = self.segments.binary_search_by_key(&number, |held| held.number).ok();
                let lane = whole.and_then(|at| self.segments[at].lanes.get(track));
                match lane {
                    Some(lane) if !lane.parts.is_empty() => Found::Here(Asked::Memory(
                        lane.parts.iter().map(|part| Arc::clone(&part.bytes)).collect(),
                    )),
                    Some(Lane { place: Some(place), .. }) if !place.is_empty() => {
                        Found::Here(Asked::Disk(number, place.clone()))
                    }
                    _ => Found::Nowhere,
                }
            }
            File::Part(track, number, index) => {
                let lane = self.held(number).and_then(|held| held.lanes.get(track));
                let part = lane.and_then(|lane| lane.parts.get(usize::try_from(index).ok()?));
                match part {
                    Some(part) => Found::Here(Asked::Memory(vec![Arc::clone(&part.bytes)])),
                    None if self.is_hinted(track, number, index) => Found::Soon,
                    None => Found::Nowhere,
                }
            }
            File::Master | File::Manifest | File::Playlist(_) => Found::Nowhere,
        }
    }

    /// Whether that part is the one that the playlist says comes next.
    fn is_hinted(&self, track: usize, number: u64, index: u32) -> bool {
        let tracks = self.eras.back().map_or(0, |era| era.tracks.len());
        !self.edge.ended
            && track < tracks
            && number == self.current()
            && index as usize == self.parts_of_current(track)
    }

    /// The HLS multivariant playlist; none while there is nothing to play.
    pub fn master(&self) -> Option<String> {
        self.master_with(&[])
    }

    /// The HLS playlist of a track; `skip` leaves out what players know already (section 6.2.5.1).
    pub fn playlist(&self, track: usize, skip: bool) -> Option<String> {
        self.playlist_with(track, skip, &[])
    }

    /// The DASH manifest at `now`, in microseconds since 1970; none while no segment is over.
    pub fn manifest(&self, now: u64) -> Option<String> {
        self.manifest_with(now, &[])
    }

    /// [`master`](Self::master) with these lower qualities.
    pub fn master_with(&self, lower: &[Variant]) -> Option<String> {
        (!self.is_empty()).then(|| hls::master(self, lower))?
    }

    /// [`playlist`](Self::playlist) with how far other qualities are, which a player may change to.
    pub fn playlist_with(&self, track: usize, skip: bool, others: &[Variant]) -> Option<String> {
        let tracks = self.eras.back()?.tracks.len();
        (!self.is_empty() && track < tracks).then(|| hls::media(self, track, skip, others))
    }

    /// [`manifest`](Self::manifest) with lower qualities, and where their files are.
    pub fn manifest_with(&self, now: u64, lower: &[(String, &Self)]) -> Option<String> {
        self.listed().next()?;
        Some(dash::manifest(self, now, lower))
    }

    /// What playlists of other qualities say of this one, whose files are at `base`; none while it has nothing to play.
    pub fn variant(&self, base: &str) -> Option<Variant> {
        let track = self.era()?.tracks.first()?;
        if self.is_empty() {
            return None;
        }
        let (peak, average) = rates(self, 0);
        Some(Variant {
            base: base.to_owned(),
            codec: track.codec.clone(),
            size: track.size()?,
            rate: pictures(self, 0),
            peak,
            average,
            newest: self.newest_part(0),
        })
    }

    /// The newest segment of a track that has a part, and which part that is.
    pub(in crate::live) fn newest_part(&self, track: usize) -> Option<(u64, Option<usize>)> {
        let newest = self
            .segments
            .back()
            .and_then(|held| Some((held.number, held.lanes.get(track)?.parts.len().checked_sub(1))));
        match self.parts_of_current(track).checked_sub(1) {
            Some(part) => Some((self.current(), Some(part))),
            None => newest,
        }
    }
}
