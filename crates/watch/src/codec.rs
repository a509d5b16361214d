//! Codings of pictures that renditions are made in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the pictures of a rendition are coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// ITU-T H.264, which every browser plays: always made.
    #[default]
    H264,
    /// ITU-T H.265.
    Hevc,
    /// AV1.
    Av1,
}

/// The codings that are made only where somebody asks for them.
pub const OPTIONAL: [Codec; 2] = [Codec::Hevc, Codec::Av1];

/// What names no coding of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("renditions are made in `hevc` and `av1`, beside `h264`, which is always made")]
pub struct NoCodec;

impl Codec {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::Av1 => "AV1",
        }
    }

    /// ffmpeg's name of the encoder that is used.
    pub const fn encoder(self) -> &'static str {
        match self {
            Self::H264 => "libx264",
            Self::Hevc => "libx265",
            Self::Av1 => "libsvtav1",
        }
    }

    /// The quantiser that looks like x264's: each encoder has a scale of its own, and so has the eye.
    pub const fn crf(self, x264: u8) -> u8 {
        match self {
            Self::H264 => x264,
            // x265's own default, 28, is said to look like 23 of x264.
            Self::Hevc => x264.saturating_add(4),
            // A scale up to 63.
            Self::Av1 => x264.saturating_add(12),
        }
    }

    /// What part of H.264's bits the same picture takes, roughly: enough to know how much room is needed.
    pub const fn share(self) -> f64 {
        match self {
            Self::H264 => 1.0,
            Self::Hevc => 0.7,
            Self::Av1 => 0.6,
        }
    }

    /// The coding of a track by how RFC 6381 names it, if it is one of these: `av01.0.04M.08`.
    pub fn of_track(codec: &str) -> Option<Self> {
        match codec.split('.').next()? {
            "avc1" | "avc3" => Some(Self::H264),
            "hvc1" | "hev1" => Some(Self::Hevc),
            "av01" => Some(Self::Av1),
            _ => None,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
        })
    }
}

impl FromStr for Codec {
    type Err = NoCodec;

    fn from_str(name: &str) -> Result<Self, NoCodec> {
        [Self::H264, Self::Hevc, Self::Av1].into_iter().find(|codec| codec.to_string() == name).ok_or(NoCodec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_found_by_their_names_and_those_of_their_tracks() {
        for codec in [Codec::H264, Codec::Hevc, Codec::Av1] {
            assert_eq!(codec.to_string().parse(), Ok(codec));
        }
        assert_eq!("vp9".parse::<Codec>(), Err(NoCodec));
        assert_eq!(Codec::of_track("av01.0.04M.08"), Some(Codec::Av1));
        assert_eq!(Codec::of_track("hvc1.1.6.L93.90"), Some(Codec::Hevc));
        assert_eq!(Codec::of_track("mp4a.40.2"), None);
    }
}
