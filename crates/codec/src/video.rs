//! H.264 encoders behind one trait: one picture in, one access unit out, on the caller's thread.

#[cfg(feature = "libav")]
mod libav;
#[cfg(feature = "openh264")]
mod openh264;
#[cfg(any(feature = "libav", feature = "openh264"))]
mod pace;
#[cfg(feature = "x264")]
mod x264;

use std::sync::Arc;
use std::time::Duration;

use playhouse_media::frame::{Nv12, Size};
use playhouse_media::time::Timestamp;

/// What an encoder is opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Width and height of every picture; both even.
    pub size: Size,
    /// Most pictures per second. Fewer may come: rate control follows their timestamps.
    pub rate: u32,
    /// Bits per second to stay within.
    pub bitrate: u32,
    /// Threads that share one picture, each with a slice of its own; 1 costs the least work.
    pub threads: u32,
    /// Longest time from one keyframe to the next. What is cut out of a recording begins at a keyframe.
    pub keyframe_every: Duration,
}

/// A keyframe costs several times what other pictures do, and viewers who join or lose one get theirs on demand,
/// so that this only bounds what a recording carries in front of the moment that was asked for.
const KEYFRAME_EVERY: Duration = Duration::from_secs(10);

impl Config {
    /// One thread and a keyframe every ten seconds.
    pub const fn new(size: Size, rate: u32, bitrate: u32) -> Self {
        Self { size, rate, bitrate, threads: 1, keyframe_every: KEYFRAME_EVERY }
    }
}

/// An encoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// H.264 in Annex B; a keyframe begins with its SPS and PPS.
    pub data: Arc<[u8]>,
    /// Whether decoding can begin here (an IDR picture).
    pub keyframe: bool,
    /// The timestamp that the picture came with.
    pub pts: Timestamp,
}

/// Turns pictures into an H.264 stream without reordering them.
pub trait Encoder: Send {
    /// Encodes `picture`, which has the configured size; with `force_keyframe` as an IDR picture.
    ///
    /// Software encoders give the access unit of this very picture. Hardware may be some pictures late, so that
    /// there is none at first; [`Encoded::pts`] tells which picture it is. Timestamps have to grow.
    fn encode(
        &mut self,
        picture: &Nv12,
        pts: Timestamp,
        force_keyframe: bool,
    ) -> Result<Option<Encoded>, Error>;

    /// Stays within `bits_per_second` from the next picture on.
    fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), Error>;

    /// The name that it was opened by.
    fn name(&self) -> &str;
}

/// Why there is no encoder, or no access unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No encoder is called that.
    #[error("there is no encoder called `{name}`; choose one of {}", NAMES.join(", "))]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// This build or this machine cannot do it.
    #[error("`{name}` is not usable here: {reason}")]
    Unavailable {
        /// The encoder.
        name: &'static str,
        /// What is missing.
        reason: String,
    },
    /// The configuration makes no stream.
    #[error("no encoder can be opened for {what}")]
    Config {
        /// What is wrong with it.
        what: String,
    },
    /// A picture of another size than the stream's.
    #[error(
        "a picture of {}x{} was given to an encoder of {}x{}",
        given.width, given.height, configured.width, configured.height
    )]
    Size {
        /// The picture's size.
        given: Size,
        /// The stream's size.
        configured: Size,
    },
    /// The encoder failed on a picture.
    #[error("`{name}` could not encode a picture: {reason}")]
    Failed {
        /// The encoder.
        name: &'static str,
        /// What it said.
        reason: String,
    },
}

/// An encoder of this build, and whether it works on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// What [`open`] takes.
    pub name: &'static str,
    /// Why it does not work here; none where it does.
    pub unavailable: Option<String>,
}

/// All names that [`open`] knows, in the order in which to prefer them where nothing is known of their quality.
pub const NAMES: [&str; 7] =
    ["x264", "openh264", "h264_nvenc", "h264_vaapi", "h264_qsv", "h264_amf", "h264_v4l2m2m"];

/// Longest side of a picture: H.264's level 6.2 ends there.
const LONGEST_SIDE: u32 = 8192;
/// Shortest side of a picture: one macroblock.
const SHORTEST_SIDE: u32 = 16;

/// Opens the encoder of that name.
pub fn open(name: &str, config: &Config) -> Result<Box<dyn Encoder>, Error> {
    let Some(name) = NAMES.into_iter().find(|known| *known == name) else {
        return Err(Error::Unknown { name: name.to_owned() });
    };
    check(config)?;
    match name {
        #[cfg(feature = "x264")]
        "x264" => x264::open(config),
        #[cfg(not(feature = "x264"))]
        "x264" => Err(missing(name, "x264")),
        #[cfg(feature = "openh264")]
        "openh264" => openh264::open(config),
        #[cfg(not(feature = "openh264"))]
        "openh264" => Err(missing(name, "openh264")),
        #[cfg(feature = "libav")]
        _ => libav::open(name, config),
        #[cfg(not(feature = "libav"))]
        _ => Err(missing(name, "libav")),
    }
}

/// Tries the encoder of that name with a small picture: why it cannot be used here, if it cannot.
pub fn usable(name: &str) -> Result<(), Error> {
    open(name, &Config::new(Size::new(640, 360), 30, 1_000_000)).map(drop)
}

/// Tries every encoder as [`usable`] does. Takes up to some hundred milliseconds where there is hardware.
pub fn available() -> Vec<Info> {
    let info = |name| Info { name, unavailable: usable(name).err().map(|error| error.to_string()) };
    NAMES.into_iter().map(info).collect()
}

#[cfg(not(all(feature = "openh264", feature = "libav", feature = "x264")))]
fn missing(name: &'static str, feature: &str) -> Error {
    let reason = format!("this program was built without the feature `{feature}`");
    Error::Unavailable { name, reason }
}

fn check(config: &Config) -> Result<(), Error> {
    let Size { width, height } = config.size;
    let sides = SHORTEST_SIDE..=LONGEST_SIDE;
    let what = if !sides.contains(&width) || !sides.contains(&height) {
        format!("{width}x{height}: sides have to be {SHORTEST_SIDE} to {LONGEST_SIDE} pixels")
    } else if config.size != config.size.even() {
        format!("{width}x{height}: both sides have to be even")
    } else if config.rate == 0 || config.rate > 1000 {
        format!("{} pictures per second: 1 to 1000 are possible", config.rate)
    } else if config.bitrate < LEAST_BITRATE {
        format!("{} bits per second: {LEAST_BITRATE} is the least", config.bitrate)
    } else {
        return Ok(());
    };
    Err(Error::Config { what })
}

/// Least bitrate: encoders count in thousands of bits, and less is no picture.
const LEAST_BITRATE: u32 = 32_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_makes_no_stream_is_refused_in_words() {
        let refuse = |size, rate, bitrate, words: &str| {
            let error = open("x264", &Config::new(size, rate, bitrate)).err().map(|e| e.to_string());
            assert!(error.as_ref().is_some_and(|e| e.contains(words)), "{error:?} has no {words:?}");
        };
        refuse(Size::new(0, 720), 60, 1_000_000, "sides have to be 16 to 8192");
        refuse(Size::new(1281, 720), 60, 1_000_000, "even");
        refuse(Size::new(1280, 720), 0, 1_000_000, "pictures per second");
        refuse(Size::new(1280, 720), 60, 10, "bits per second");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = open("av1\0", &Config::new(Size::new(64, 64), 30, 100_000)).err().unwrap().to_string();
        assert!(error.contains("x264, openh264, h264_nvenc"), "{error}");
    }
}
