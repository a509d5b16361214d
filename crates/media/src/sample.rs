//! Timed units of a track: what an encoder gives and everything after it carries.

use std::sync::Arc;
use std::time::Duration;

use crate::frame::{Size, Timeline};
use crate::time::Timestamp;

/// One encoded picture of a video track.
#[derive(Clone, Debug)]
pub struct AccessUnit {
    /// H.264 NAL units with start codes (Annex B); a keyframe begins with its SPS and PPS.
    pub data: Arc<[u8]>,
    /// Whether decoding can begin here (an IDR picture).
    pub keyframe: bool,
    /// When the picture is to be shown, on the session's clock.
    pub pts: Timestamp,
    /// Width and height of the coded picture.
    pub size: Size,
    /// What the picture went through.
    pub timeline: Timeline,
}

/// One encoded packet of an audio track.
#[derive(Clone, Debug)]
pub struct AudioPacket {
    /// One Opus packet (RFC 6716).
    pub data: Arc<[u8]>,
    /// When its first sample was heard, on the session's clock.
    pub pts: Timestamp,
    /// How long it sounds.
    pub duration: Duration,
}
