//! What a sensor tells: events with numbers, in batches, as bytes with a version.
//!
//! The bytes are [postcard](https://postcard.jamesmunns.com/wire-format) behind one byte for the version. New variants
//! go to the end of [`What`]; a reader that knows fewer refuses the batch with [`Malformed::Version`] only if the
//! version says so.

use serde::{Deserialize, Serialize};

use crate::detection::Label;
use crate::geometry::{Point, Rect};

/// The version that [`Batch::encode`] writes.
pub const VERSION: u8 = 1;

/// The most bytes of one batch, encoded: what the hub and the broker take in one message.
pub const LARGEST_BATCH: usize = 64 * 1024;

/// The most events in one batch.
pub const MOST_EVENTS: usize = 1024;

/// Events of one sensor, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Which life of the sensor's outbox the numbers belong to: drawn anew whenever the outbox begins anew.
    pub epoch: u64,
    /// In the order of their numbers, which may have gaps (see [`What::Lost`]).
    pub events: Vec<Event>,
}

/// One thing that a sensor tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number: each event of an epoch has one more than the one before, from 1 on.
    pub seq: u64,
    /// When it happened: milliseconds since 1970 by the sensor's own clock.
    pub at: u64,
    /// What happened.
    pub what: What,
}

/// The number of a track: unique within an epoch.
pub type TrackId = u32;

/// The direction in which something crossed a line, seen from its first point to its second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the left side to the right side.
    In,
    /// From the right side to the left side.
    Out,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// A track is sure enough to be told of.
    Appeared {
        /// Which.
        track: TrackId,
        /// What it is.
        label: Label,
        /// Where it stands.
        foot: Point,
    },
    /// A track ended.
    Left {
        /// Which.
        track: TrackId,
        /// How long it was seen, in milliseconds.
        lasted_ms: u32,
        /// Where it stood last.
        foot: Point,
    },
    /// A track crossed a line.
    Crossed {
        /// The line's number in the settings.
        line: u16,
        /// Which.
        track: TrackId,
        /// What it is.
        label: Label,
        /// Which way.
        direction: Direction,
    },
    /// A track went into a zone.
    Entered {
        /// The zone's number in the settings.
        zone: u16,
        /// Which.
        track: TrackId,
        /// What it is.
        label: Label,
    },
    /// A track went out of a zone, or ended in it.
    Exited {
        /// The zone's number in the settings.
        zone: u16,
        /// Which.
        track: TrackId,
        /// How long it was in there, in milliseconds.
        dwelt_ms: u32,
    },
    /// A track has been in a zone for as long as the zone's settings ask to be told of. Once per stay.
    Dwelt {
        /// The zone's number in the settings.
        zone: u16,
        /// Which.
        track: TrackId,
        /// How long by now, in milliseconds.
        dwelt_ms: u32,
    },
    /// How many are in a zone; told when that changed and stayed so for a moment.
    Occupancy {
        /// The zone's number in the settings.
        zone: u16,
        /// How many.
        count: u16,
    },
    /// Where things stood since the last one: a coarse picture of where feet were.
    Heat {
        /// Cells in a row.
        columns: u8,
        /// Rows.
        rows: u8,
        /// The cells in which anything stood: index (row by row) and how long, in tenths of a second.
        cells: Vec<(u16, u16)>,
    },
    /// A larger model looked at a track, and this is what it is.
    Corrected {
        /// Which.
        track: TrackId,
        /// What it is; `None`: nothing at all, and what was told of it is to be taken back.
        label: Option<Label>,
    },
    /// An app says something.
    App {
        /// The app's name.
        app: String,
        /// What it calls this.
        name: String,
        /// The figure that goes with it.
        value: f64,
    },
    /// The outbox was full, and events of low value were thrown away.
    Lost {
        /// How many.
        count: u32,
    },
    /// The camera stopped giving pictures, or gives them again.
    Camera {
        /// Whether there are pictures.
        works: bool,
    },
}

impl What {
    /// What it is called where single ones are asked for.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Appeared { .. } => "appeared",
            Self::Left { .. } => "left",
            Self::Crossed { .. } => "crossed",
            Self::Entered { .. } => "entered",
            Self::Exited { .. } => "exited",
            Self::Dwelt { .. } => "dwelt",
            Self::Occupancy { .. } => "occupancy",
            Self::Heat { .. } => "heat",
            Self::Corrected { .. } => "corrected",
            Self::App { .. } => "app",
            Self::Lost { .. } => "lost",
            Self::Camera { .. } => "camera",
        }
    }
}

/// Why bytes are no batch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A version that is not known here.
    #[error(
        "a batch of version {0}, and only version {VERSION} is known here; one of the two sides needs an update"
    )]
    Version(u8),
    /// Too long, or too many events.
    #[error("a batch of {0} bytes or events, which is more than a batch may have")]
    TooLarge(usize),
    /// Not a batch.
    #[error("these bytes are no batch of observations")]
    Bytes,
}

impl Batch {
    /// As bytes.
    ///
    /// # Errors
    /// [`Malformed::TooLarge`] where it has over [`MOST_EVENTS`] events or takes over [`LARGEST_BATCH`] bytes.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        if self.events.len() > MOST_EVENTS {
            return Err(Malformed::TooLarge(self.events.len()));
        }
        let bytes = postcard::to_extend(self, vec![VERSION]).ok().ok_or(Malformed::Bytes)?;
        if bytes.len() > LARGEST_BATCH { Err(Malformed::TooLarge(bytes.len())) } else { Ok(bytes) }
    }

    /// What [`Self::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > LARGEST_BATCH {
            return Err(Malformed::TooLarge(bytes.len()));
        }
        let (&version, rest) = bytes.split_first().ok_or(Malformed::Bytes)?;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        let batch: Self = postcard::from_bytes(rest).ok().ok_or(Malformed::Bytes)?;
        if batch.events.len() > MOST_EVENTS {
            Err(Malformed::TooLarge(batch.events.len()))
        } else {
            Ok(batch)
        }
    }
}

/// What is in one picture right now, for somebody who looks. Sent without a guarantee, and only while somebody looks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Glimpse {
    /// The picture's number: what a virtual sensor draws as a barcode, or how many pictures came before.
    pub frame: u64,
    /// When the picture was taken: milliseconds since 1970 by the sensor's own clock.
    pub at: u64,
    /// From the picture being taken to this being sent, in microseconds.
    pub took_us: u32,
    /// What is there.
    pub things: Vec<Thing>,
}

/// A track in one picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    /// Which track.
    pub track: TrackId,
    /// What it is.
    pub label: Label,
    /// Left, top, right, bottom in 65,535ths of the picture's width and height.
    pub place: [u16; 4],
    /// How sure, in 255ths.
    pub score: u8,
    /// Whether a larger model is still to say what it is.
    pub provisional: bool,
}

impl Thing {
    /// [`Self::place`] of a rectangle.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of a u16"
    )]
    pub fn place(rect: &Rect) -> [u16; 4] {
        [rect.left, rect.top, rect.right, rect.bottom]
            .map(|edge| (edge.clamp(0.0, 1.0) * 65_535.0).round() as u16)
    }
}

impl Glimpse {
    /// As bytes, with the version in front.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default()
    }

    /// What [`Self::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > LARGEST_BATCH {
            return Err(Malformed::TooLarge(bytes.len()));
        }
        match bytes.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest).ok().ok_or(Malformed::Bytes),
            Some((&version, _)) => Err(Malformed::Version(version)),
            None => Err(Malformed::Bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        let what = [
            What::Appeared { track: 7, label: 0, foot: Point { x: 0.25, y: 0.75 } },
            What::Crossed { line: 1, track: 7, label: 0, direction: Direction::In },
            What::Heat { columns: 16, rows: 12, cells: vec![(3, 20)] },
            What::App { app: "queue".into(), name: "length".into(), value: 4.0 },
        ];
        let events =
            (1..).zip(what).map(|(seq, what)| Event { seq, at: 1_800_000_000_000 + seq, what }).collect();
        Batch { epoch: 0x0123_4567_89ab_cdef, events }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Batch::decode(&batch().encode().unwrap()).unwrap(), batch());
    }

    #[test]
    fn an_event_takes_few_bytes() {
        let bytes = batch().encode().unwrap();
        assert!(bytes.len() < 100, "{} bytes", bytes.len());
    }

    #[test]
    fn a_batch_that_was_cut_short_is_refused() {
        let bytes = batch().encode().unwrap();
        for length in 0..bytes.len() {
            assert!(Batch::decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
        }
    }

    #[test]
    fn a_version_of_another_time_is_named() {
        let mut bytes = batch().encode().unwrap();
        bytes[0] = 9;
        assert_eq!(Batch::decode(&bytes), Err(Malformed::Version(9)));
    }
}
