//! What a film consists of, as far as somebody who serves it has to know.

use std::time::Duration;

use crate::frame::Size;

/// What a track shows or sounds like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Pictures.
    Video {
        /// Pixels as they are coded.
        size: Size,
        /// Pictures per second, on average.
        rate: f64,
    },
    /// Sound.
    Audio {
        /// How many channels; 6 for 5.1.
        channels: u16,
        /// Samples per second.
        sample_rate: u32,
    },
}

/// One track of a film. Pictures come first, then sound in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Pictures or sound.
    pub kind: Kind,
    /// As RFC 6381 has it: `avc1.640028`, `mp4a.40.2`.
    pub codec: String,
    /// As RFC 5646 has it (`en`, `pt-BR`); none where the film does not say.
    pub language: Option<String>,
    /// What the film calls the track, such as "Director's commentary".
    pub name: Option<String>,
    /// Bytes of all samples.
    pub bytes: u64,
    /// Bits per second, on average.
    pub average: u64,
    /// Bits per second of its most demanding segment.
    pub peak: u64,
}

/// What [`index`](super::index) found.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// What can be served.
    pub tracks: Vec<Track>,
    /// What cannot, each in a few words, such as "track 3: text (tx3g)".
    pub left_out: Vec<String>,
    /// How long the film plays.
    pub duration: Duration,
    /// Bytes of the index.
    pub bytes: u64,
}
