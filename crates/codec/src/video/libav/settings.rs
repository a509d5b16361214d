//! What each encoder of libav is told: the same promise in seven dialects.
//!
//! The promise: constrained baseline (what every browser decodes), no reordering, no look-ahead, one slice per
//! thread, SPS and PPS in front of each keyframe, keyframes only on demand, and no picture so large that the one
//! after it comes late.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::encoder;
use ffmpeg_next::{Dictionary, ffi};
use playhouse_media::frame::Size;

use super::super::Config;
use super::picture;

/// An encoder of libav.
pub(super) struct Settings {
    /// Its name here.
    pub(super) name: &'static str,
    /// Its name there.
    pub(super) libav: &'static str,
    /// How pictures get in.
    pub(super) door: picture::Kind,
    /// Whether libav's wrapper takes a new bitrate while it runs.
    pub(super) changes_bitrate: bool,
    /// Its private options.
    options: &'static [(&'static str, &'static str)],
}

static ALL: [Settings; 5] = [
    Settings {
        name: "h264_nvenc",
        libav: "h264_nvenc",
        door: picture::Kind::Copied,
        changes_bitrate: true,
        options: &[
            ("preset", "p2"),
            ("tune", "ull"),
            ("profile", "baseline"),
            ("rc", "cbr"),
            ("delay", "0"),
            ("zerolatency", "1"),
            ("forced-idr", "1"),
        ],
    },
    Settings {
        name: "h264_vaapi",
        libav: "h264_vaapi",
        door: picture::Kind::Uploaded,
        changes_bitrate: false,
        options: &[("profile", "constrained_baseline"), ("async_depth", "1"), ("coder", "cavlc")],
    },
    Settings {
        name: "h264_qsv",
        libav: "h264_qsv",
        door: picture::Kind::Copied,
        changes_bitrate: false,
        options: &[
            ("preset", "veryfast"),
            ("profile", "baseline"),
            ("forced_idr", "1"),
            ("async_depth", "1"),
            ("look_ahead", "0"),
        ],
    },
    Settings {
        name: "h264_amf",
        libav: "h264_amf",
        door: picture::Kind::Copied,
        changes_bitrate: false,
        options: &[
            ("usage", "ultralowlatency"),
            ("quality", "speed"),
            ("profile", "constrained_baseline"),
            ("rc", "cbr"),
        ],
    },
    Settings {
        name: "h264_v4l2m2m",
        libav: "h264_v4l2m2m",
        door: picture::Kind::Copied,
        changes_bitrate: false,
        options: &[],
    },
];

/// A software encoder that goes the way of the graphics cards', for tests on machines that have none.
#[cfg(test)]
static SOFTWARE: Settings = Settings {
    name: "libx264",
    libav: "libx264",
    door: picture::Kind::Copied,
    changes_bitrate: true,
    options: &[
        ("preset", "ultrafast"),
        ("tune", "zerolatency"),
        ("profile", "baseline"),
        ("forced-idr", "1"),
        ("x264-params", "keyint=infinite:scenecut=0:force-cfr=1"),
    ],
};

/// The settings of the encoder of that name.
pub(super) fn of(name: &str) -> Option<&'static Settings> {
    #[cfg(test)]
    if name == SOFTWARE.name {
        return Some(&SOFTWARE);
    }
    ALL.iter().find(|settings| settings.name == name)
}

/// How long the stream takes to send the largest picture: what a keyframe may burst to. A longer one delays the
/// pictures after it, a shorter one starves it (50 ms costs 0.4 dB over all, 100 ms less than 0.1).
const BUFFER_MILLIS: u64 = 100;

/// What all encoders share. The pixel format is the door's.
pub(super) fn apply(video: &mut encoder::video::Video, config: &Config) {
    let Size { width, height } = config.size;
    video.set_width(width);
    video.set_height(height);
    video.set_time_base((1, 1_000_000));
    video.set_frame_rate(Some((i32::try_from(config.rate).unwrap_or(60), 1)));
    video.set_max_b_frames(0);
    // Keyframes come on demand; the caller counts the time between them.
    video.set_gop(i32::MAX.cast_unsigned());
    video.set_colorspace(ffmpeg::color::Space::BT709);
    video.set_color_range(ffmpeg::color::Range::MPEG);
    video.set_threading(ffmpeg::threading::Config {
        kind: ffmpeg::threading::Type::Slice,
        count: config.threads.clamp(1, MOST_THREADS) as usize,
        ..Default::default()
    });
    video.set_flags(ffmpeg::codec::Flags::LOW_DELAY);
    rate(video, config.bitrate, config.bitrate);
    colours(video);
}

/// Sets the bitrate, also while the encoder runs.
///
/// `counted` is the bitrate as an encoder counts it that believes in a constant rate of pictures; the buffer holds
/// what the line really carries.
#[expect(unsafe_code, reason = "the binding has no setter for the buffer's size")]
pub(super) fn rate(video: &mut encoder::video::Video, bitrate: u32, counted: u32) {
    video.set_bit_rate(counted as usize);
    video.set_max_bit_rate(counted as usize);
    let buffer = u64::from(bitrate) * BUFFER_MILLIS / 1000;
    // SAFETY: the context is alive as long as `video`, and libav reads this field on this thread only, when
    // it is opened and at each picture.
    unsafe { (*video.as_mut_ptr()).rc_buffer_size = i32::try_from(buffer).unwrap_or(i32::MAX) };
}

/// Says in the stream what the conversion made: BT.709.
#[expect(unsafe_code, reason = "the binding has no setters for these")]
fn colours(video: &mut encoder::video::Video) {
    // SAFETY: the context is alive as long as `video` and not yet opened.
    unsafe {
        let context = video.as_mut_ptr();
        (*context).color_primaries = ffi::AVColorPrimaries::AVCOL_PRI_BT709;
        (*context).color_trc = ffi::AVColorTransferCharacteristic::AVCOL_TRC_BT709;
    }
}

/// The private options of this encoder.
pub(super) fn options(settings: &Settings) -> Dictionary<'static> {
    let mut dictionary = Dictionary::new();
    for (key, value) in settings.options {
        dictionary.set(key, value);
    }
    dictionary
}

/// More slices than this cost more bits than the time is worth.
const MOST_THREADS: u32 = 8;
