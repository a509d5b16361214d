//! A live stream as its publisher describes it: the formats of its tracks, then samples.
//!
//! Whatever a publisher speaks (RTMP, SRT, WHIP, RTSP, a play session) becomes these, and whatever viewers are sent
//! (WebRTC, HLS, DASH, a recording) is made of them, so that no protocol of the one side knows of any on the other.
//!
//! The way out by HTTP: a [`Muxer`] cuts samples into CMAF parts and segments, a [`Window`] knows which of them can be
//! asked for and writes the playlists, [`record`] is a segment as it lies on a disk, and [`Movie`] makes a film of many.

mod aac;
mod file;
mod follow;
mod movie;
mod mux;
mod playlist;
pub mod record;
mod row;
#[cfg(test)]
mod tests;
mod track;
mod window;

use std::sync::Arc;

use crate::frame::Size;
use crate::time::Timestamp;

pub use file::{File, NoFile};
pub use follow::{Border, Follower, Skipped};
pub use movie::{Movie, NoMovie, Piece};
pub use mux::{Begin, Cut, LONGEST, Muxer, PART};
pub use row::{Part, Placed};
pub use track::Track;
pub use window::{Asked, Cursor, Edge, Era, Found, Original, Variant, Window};

/// How pictures are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    /// ITU-T H.264; the configuration is an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3).
    H264,
    /// ITU-T H.265; the configuration is an `HEVCDecoderConfigurationRecord` (8.3.3).
    Hevc,
    /// AV1; the configuration is an `AV1CodecConfigurationRecord` (AV1-ISOBMFF, 2.3).
    Av1,
}

/// How sound is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudioCodec {
    /// AAC; the configuration is an `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1).
    Aac,
    /// Opus (RFC 6716) at 48 kHz; the configuration is the contents of a `dOps` box.
    Opus,
}

/// What a track is, and what a decoder has to know before its first sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Pictures.
    Video {
        /// How they are coded.
        codec: VideoCodec,
        /// Width and height of the coded picture.
        size: Size,
        /// As the codec's description says.
        config: Arc<[u8]>,
    },
    /// Sound.
    Audio {
        /// How it is coded.
        codec: AudioCodec,
        /// Channels, 1 to 8.
        channels: u16,
        /// Samples per second.
        sample_rate: u32,
        /// As the codec's description says.
        config: Arc<[u8]>,
    },
}

impl Format {
    /// Whether it is pictures.
    pub const fn is_video(&self) -> bool {
        matches!(self, Self::Video { .. })
    }
}

/// A timed unit of a track, as a CMAF segment holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Which of the stream's formats it belongs to, from 0.
    pub track: usize,
    /// H.264 and H.265: NAL units, each behind its length in four bytes, parameter sets left out; AV1: open
    /// bitstream units without temporal delimiters; AAC: one frame without ADTS; Opus: one packet.
    pub data: Arc<[u8]>,
    /// When it is decoded, on the stream's clock; from sample to sample of a track it does not go back.
    pub dts: Timestamp,
    /// When it is shown or heard, on the stream's clock.
    pub pts: Timestamp,
    /// Whether decoding can begin here. Always so for sound.
    pub keyframe: bool,
}
