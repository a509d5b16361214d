//! H.264 by OpenH264: the encoder of the permissive build.

use std::sync::Arc;

use openh264::encoder::{
    self, BitRate, Complexity, EncoderConfig, FrameRate, FrameType, Profile, RateControlMode, UsageType,
    VuiConfig,
};
use openh264::formats::YUVSource;
use openh264::{OpenH264API, Timestamp as Millis};
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_TRACE_LEVEL,
    SBitrateInfo, SPATIAL_LAYER_0, WELS_LOG_QUIET,
};
use playhouse_media::frame::{Nv12, Size};
use playhouse_media::time::Timestamp;

use super::pace::Pace;
use super::{Config, Encoded, Encoder, Error};

/// The name here.
const NAME: &str = "openh264";
/// What the library refuses to encode beyond, either way round.
const LARGEST: (u32, u32) = (3840, 2160);

/// Opens it.
pub(super) fn open(config: &Config) -> Result<Box<dyn Encoder>, Error> {
    let Size { width, height } = config.size;
    if width.max(height) > LARGEST.0 || width.min(height) > LARGEST.1 {
        let what = format!("{width}x{height} by OpenH264, which ends at {}x{}", LARGEST.0, LARGEST.1);
        return Err(Error::Config { what });
    }
    let planes = Planes::new(config.size);
    let encoder = start(config)?;
    Ok(Box::new(OpenH264 {
        config: config.clone(),
        encoder,
        planes,
        pace: Pace::new(config.rate),
        counted: config.bitrate,
        started: false,
        clock: None,
        keyframe: None,
    }))
}

struct OpenH264 {
    config: Config,
    encoder: encoder::Encoder,
    planes: Planes,
    pace: Pace,
    /// The bitrate that it was told last.
    counted: u32,
    /// Whether a picture has been encoded: the library takes its configuration with the first.
    started: bool,
    /// First and newest timestamp.
    clock: Option<(Timestamp, Timestamp)>,
    /// When the newest keyframe was.
    keyframe: Option<Timestamp>,
}

impl Encoder for OpenH264 {
    fn encode(
        &mut self,
        picture: &Nv12,
        pts: Timestamp,
        force_keyframe: bool,
    ) -> Result<Option<Encoded>, Error> {
        if picture.size() != self.config.size {
            return Err(Error::Size { given: picture.size(), configured: self.config.size });
        }
        let due = self.keyframe.is_none_or(|last| pts.since(last) >= self.config.keyframe_every);
        if self.started && (force_keyframe || due) {
            self.encoder.force_intra_frame();
        }
        if self.pace.picture(pts) {
            self.apply_rate()?;
        }
        let (origin, newest) = self.clock.unwrap_or((pts, pts));
        let newest = newest.max(pts);
        self.clock = Some((origin, newest));
        let millis = u64::try_from(newest.since(origin).as_millis()).unwrap_or(0);

        self.planes.fill(picture);
        let stream = self
            .encoder
            .encode_at(&self.planes, Millis::from_millis(millis))
            .map_err(|error| Error::Failed { name: NAME, reason: error.to_string() })?;
        self.started = true;
        let keyframe = match stream.frame_type() {
            FrameType::Invalid | FrameType::Skip => return Ok(None),
            kind => kind == FrameType::IDR,
        };
        if keyframe {
            self.keyframe = Some(pts);
        }
        Ok(Some(Encoded { data: Arc::from(stream.to_vec()), keyframe, pts }))
    }

    fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), Error> {
        let config = Config { bitrate: bits_per_second, ..self.config.clone() };
        super::check(&config)?;
        self.config = config;
        if self.started {
            return self.apply_rate();
        }
        self.encoder = start(&self.config)?;
        self.counted = bits_per_second;
        Ok(())
    }

    fn name(&self) -> &str {
        NAME
    }
}

impl OpenH264 {
    /// Tells the running encoder the bitrate, in the measure of the pictures that really come.
    fn apply_rate(&mut self) -> Result<(), Error> {
        let counted = self.pace.counted(self.config.bitrate);
        change_bitrate(&mut self.encoder, self.counted, counted)?;
        self.counted = counted;
        Ok(())
    }
}

/// Changes the bitrate of a running encoder, which is refused above its limit, which is refused below its bitrate.
fn change_bitrate(encoder: &mut encoder::Encoder, from: u32, to: u32) -> Result<(), Error> {
    let order = if to > from {
        [ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_BITRATE]
    } else {
        [ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE]
    };
    order.into_iter().try_for_each(|option| set_rate(encoder, option, to))
}

#[expect(unsafe_code, reason = "the binding has no setter for the bitrate of a running encoder")]
fn set_rate(encoder: &mut encoder::Encoder, option: ENCODER_OPTION, rate: u32) -> Result<(), Error> {
    let bits = i32::try_from(rate).unwrap_or(i32::MAX);
    let mut info = SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bits };
    // SAFETY: the encoder is initialised, and both options read one such structure during the call.
    let code = unsafe { encoder.raw_api().set_option(option, (&raw mut info).cast()) };
    if code == 0 {
        return Ok(());
    }
    let reason = format!("it refused {rate} bits per second (code {code})");
    Err(Error::Failed { name: NAME, reason })
}

fn start(config: &Config) -> Result<encoder::Encoder, Error> {
    let rate = config.rate as f32;
    let settings = EncoderConfig::new()
        .bitrate(BitRate::from_bps(config.bitrate))
        .max_frame_rate(FrameRate::from_hz(rate))
        .rate_control_mode(RateControlMode::Bitrate)
        // It would leave out the picture after every keyframe. What is too hard for the bitrate even at the
        // coarsest quantiser has to get smaller pictures, which is the caller's choice.
        .skip_frames(false)
        .usage_type(UsageType::CameraVideoRealTime)
        .complexity(Complexity::Low)
        .profile(Profile::Baseline)
        .scene_change_detect(false)
        .adaptive_quantization(false)
        .background_detection(false)
        .num_threads(u16::try_from(config.threads.clamp(1, 4)).unwrap_or(1))
        .vui(VuiConfig::bt709());
    let mut encoder = encoder::Encoder::with_api_config(OpenH264API::from_source(), settings)
        .map_err(|error| Error::Unavailable { name: NAME, reason: error.to_string() })?;
    silence(&mut encoder);
    Ok(encoder)
}

/// Keeps the library from writing to standard error, which the binding does only after the first picture.
#[expect(unsafe_code, reason = "the binding has no setter for it")]
fn silence(encoder: &mut encoder::Encoder) {
    let mut level = WELS_LOG_QUIET;
    // SAFETY: this option may be set before the encoder is initialised, and reads one integer during the call.
    unsafe { encoder.raw_api().set_option(ENCODER_OPTION_TRACE_LEVEL, (&raw mut level).cast()) };
}

/// A picture as OpenH264 takes it: Cb and Cr in planes of their own.
struct Planes {
    size: Size,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
}

impl Planes {
    fn new(size: Size) -> Self {
        let pixels = size.width as usize * size.height as usize;
        Self { size, luma: vec![0; pixels], blue: vec![0; pixels / 4], red: vec![0; pixels / 4] }
    }

    fn fill(&mut self, picture: &Nv12) {
        self.luma.copy_from_slice(picture.luma());
        let pairs = picture.chroma().chunks_exact(2);
        for ((pair, blue), red) in pairs.zip(&mut self.blue).zip(&mut self.red) {
            (*blue, *red) = (pair[0], pair[1]);
        }
    }
}

impl YUVSource for Planes {
    fn dimensions(&self) -> (usize, usize) {
        (self.size.width as usize, self.size.height as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let width = self.size.width as usize;
        (width, width / 2, width / 2)
    }

    fn y(&self) -> &[u8] {
        &self.luma
    }

    fn u(&self) -> &[u8] {
        &self.blue
    }

    fn v(&self) -> &[u8] {
        &self.red
    }
}
