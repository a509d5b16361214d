//! Encoders of graphics cards, through libav.

mod log;
mod picture;
mod settings;

use std::sync::Arc;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::{self, encoder};
use ffmpeg_next::util::error::EAGAIN;
use playhouse_media::frame::Nv12;
use playhouse_media::time::Timestamp;

use self::picture::Door;
use self::settings::Settings;
use super::pace::Pace;
use super::{Config, Encoded, Encoder, Error};

/// Opens `name`, which is one of the names of the libav encoders.
pub(super) fn open(name: &'static str, config: &Config) -> Result<Box<dyn Encoder>, Error> {
    log::install();
    let settings = settings::of(name).ok_or_else(|| Error::Unknown { name: name.to_owned() })?;
    let (encoder, door) = start(settings, config)?;
    Ok(Box::new(Libav {
        settings,
        config: config.clone(),
        open: Some((encoder, door)),
        packet: ffmpeg::Packet::empty(),
        pace: Pace::new(config.rate),
        origin: None,
        last: -1,
        keyframe: None,
    }))
}

type Opened = (encoder::video::Encoder, Door);

struct Libav {
    settings: &'static Settings,
    config: Config,
    /// None after a failure that the encoder has to be opened anew for.
    open: Option<Opened>,
    packet: ffmpeg::Packet,
    pace: Pace,
    /// The timestamp that the encoder's clock begins at.
    origin: Option<Timestamp>,
    /// The encoder's newest timestamp: it has to grow even where the caller's does not.
    last: i64,
    /// When the newest keyframe was.
    keyframe: Option<Timestamp>,
}

impl Encoder for Libav {
    fn encode(
        &mut self,
        picture: &Nv12,
        pts: Timestamp,
        force_keyframe: bool,
    ) -> Result<Option<Encoded>, Error> {
        if picture.size() != self.config.size {
            return Err(Error::Size { given: picture.size(), configured: self.config.size });
        }
        let origin = *self.origin.get_or_insert(pts);
        let ticks = i64::try_from(pts.since(origin).as_micros()).unwrap_or(i64::MAX).max(self.last + 1);
        self.last = ticks;
        if self.pace.picture(pts) {
            self.apply_rate();
        }
        let due = self.keyframe.is_none_or(|last| pts.since(last) >= self.config.keyframe_every);
        let result = log::during(|| self.submit(picture, ticks, force_keyframe || due));
        let keyframe = result.map_err(|reason| {
            self.open = None;
            Error::Failed { name: self.settings.name, reason }
        })?;
        let Some(keyframe) = keyframe else { return Ok(None) };
        if keyframe {
            self.keyframe = Some(pts);
        }
        let micros = self.packet.pts().and_then(|ticks| u64::try_from(ticks).ok());
        Ok(Some(Encoded {
            data: Arc::from(self.packet.data().unwrap_or_default()),
            keyframe,
            pts: micros.map_or(pts, |m| origin + std::time::Duration::from_micros(m)),
        }))
    }

    fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), Error> {
        let mut config = self.config.clone();
        config.bitrate = bits_per_second;
        super::check(&config)?;
        self.config = config;
        if self.settings.changes_bitrate {
            self.apply_rate();
        } else {
            // The next picture opens it anew, with a keyframe.
            self.open = None;
        }
        Ok(())
    }

    fn name(&self) -> &str {
        self.settings.name
    }
}

impl Libav {
    /// Tells the running encoder the bitrate, in the measure of the pictures that really come.
    fn apply_rate(&mut self) {
        if let Some((encoder, _)) = &mut self.open
            && self.settings.changes_bitrate
        {
            let bitrate = self.config.bitrate;
            settings::rate(encoder, bitrate, self.pace.counted(bitrate));
        }
    }

    /// Passes a picture through and leaves the access unit in `packet`: whether it is a keyframe, or none yet.
    fn submit(&mut self, picture: &Nv12, ticks: i64, keyframe: bool) -> Result<Option<bool>, String> {
        let (mut encoder, mut door) = if let Some(open) = self.open.take() {
            open
        } else {
            self.pace = Pace::new(self.config.rate);
            start(self.settings, &self.config).map_err(|error| error.to_string())?
        };
        let packet = &mut self.packet;
        let mut got = false;
        // On every way out but the last the encoder is closed: one that failed is opened anew.
        door.pass(picture, ticks, keyframe, |frame| match encoder.send_frame(frame) {
            // Full: what is done has to come out first.
            Err(ffmpeg::Error::Other { errno: EAGAIN }) => {
                encoder.receive_packet(packet)?;
                got = true;
                encoder.send_frame(frame)
            }
            sent => sent,
        })?;
        if !got {
            match encoder.receive_packet(packet) {
                Ok(()) => got = true,
                Err(ffmpeg::Error::Other { errno: EAGAIN }) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        self.open = Some((encoder, door));
        Ok(got.then(|| packet.is_key()))
    }
}

/// Opens the codec with its settings.
fn start(settings: &'static Settings, config: &Config) -> Result<Opened, Error> {
    let unavailable = |reason: String| Error::Unavailable { name: settings.name, reason };
    let codec = encoder::find_by_name(settings.libav)
        .ok_or_else(|| unavailable(format!("this system's libavcodec has no `{}`", settings.libav)))?;
    let mut video = codec::Context::new_with_codec(codec)
        .encoder()
        .video()
        .map_err(|error| unavailable(error.to_string()))?;
    log::during(|| {
        let door = Door::new(settings.door, &mut video, config)?;
        settings::apply(&mut video, config);
        let encoder = video.open_with(settings::options(settings)).map_err(|error| error.to_string())?;
        Ok((encoder, door))
    })
    .map_err(unavailable)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use playhouse_media::frame::Size;

    use super::*;

    const SIZE: Size = Size::new(320, 180);

    /// Noise that nothing predicts.
    fn noise(seed: u32) -> Nv12 {
        let mut picture = Nv12::new(SIZE);
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        for pixel in picture.planes_mut().0 {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            *pixel = (state >> 24) as u8;
        }
        picture
    }

    /// Walks the way of the hardware encoders with a software one.
    #[test]
    fn pictures_go_through_with_keyframes_on_demand_and_a_bitrate_that_changes() {
        let mut encoder = open("libx264", &Config::new(SIZE, 60, 4_000_000)).expect("libavcodec has libx264");
        let mut run = |range: std::ops::Range<u32>| -> Vec<Encoded> {
            let at =
                |i: u32| Timestamp::from_micros(7_000_000) + Duration::from_micros(u64::from(i) * 16_667);
            let one = |i: u32| {
                let unit = encoder.encode(&noise(i), at(i), i == 9).expect("it encodes");
                let unit = unit.expect("the access unit of this very picture");
                assert_eq!(unit.pts, at(i));
                unit
            };
            range.map(one).collect()
        };
        let fast = run(0..60);
        let keyframes: Vec<usize> = (0..fast.len()).filter(|&i| fast[i].keyframe).collect();
        assert_eq!(keyframes, [0, 9]);
        assert!(fast[9].data.starts_with(&[0, 0, 0, 1, 0x67]), "a keyframe begins with its SPS");
        encoder.set_bitrate(1_000_000).expect("it changes");
        let mut run = |range: std::ops::Range<u32>| -> usize {
            let at =
                |i: u32| Timestamp::from_micros(7_000_000) + Duration::from_micros(u64::from(i) * 16_667);
            let one = |i: u32| encoder.encode(&noise(i), at(i), false).expect("it encodes");
            range.filter_map(one).map(|unit| unit.data.len()).sum()
        };
        run(60..90);
        let slow = run(90..120);
        let before: usize = fast[30..].iter().map(|unit| unit.data.len()).sum();
        assert!(slow * 2 < before, "{slow} bytes in half a second after {before}");
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let mut encoder = open("libx264", &Config::new(SIZE, 60, 4_000_000)).expect("libavcodec has libx264");
        let small = Nv12::new(Size::new(64, 64));
        assert!(matches!(encoder.encode(&small, Timestamp::ZERO, false), Err(Error::Size { .. })));
    }
}
