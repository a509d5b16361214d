//! H.264 by libx264, with a rate control of our own.

mod activity;
mod handle;
mod macroblocks;
mod rate;
mod settings;

use std::sync::Arc;

use playhouse_media::frame::Nv12;
use playhouse_media::time::Timestamp;

use self::activity::Sampler;
use self::handle::Handle;
use self::macroblocks::Macroblocks;
use self::rate::{COARSEST, Change, RateControl};
use super::{Config, Encoded, Encoder, Error};

/// The name here.
const NAME: &str = "x264";

/// A picture that holds the line up is encoded so many times at most.
const TRIES: usize = 3;

/// Opens it.
pub(super) fn open(config: &Config) -> Result<Box<dyn Encoder>, Error> {
    let handle = Handle::open(config).map_err(|reason| Error::Unavailable { name: NAME, reason })?;
    Ok(Box::new(X264 {
        handle,
        rate: RateControl::new(config.bitrate, config.rate, config.size),
        sampler: Sampler::default(),
        macroblocks: Macroblocks::new(config.size),
        config: config.clone(),
        keyframe: None,
    }))
}

struct X264 {
    config: Config,
    handle: Handle,
    rate: RateControl,
    sampler: Sampler,
    macroblocks: Macroblocks,
    /// When the newest keyframe was.
    keyframe: Option<Timestamp>,
}

impl Encoder for X264 {
    fn encode(
        &mut self,
        picture: &Nv12,
        pts: Timestamp,
        force_keyframe: bool,
    ) -> Result<Option<Encoded>, Error> {
        if picture.size() != self.config.size {
            return Err(Error::Size { given: picture.size(), configured: self.config.size });
        }
        let changed = self.macroblocks.compare(picture);
        let change = Change {
            share: changed as f64 / self.macroblocks.count() as f64,
            activity: self.sampler.look(picture),
        };
        self.rate.arrive(pts);
        let due = self.keyframe.is_none_or(|last| pts.since(last) >= self.config.keyframe_every);
        let (keyframe, data) = self
            .fit(picture, change, force_keyframe || due)
            .map_err(|reason| Error::Failed { name: NAME, reason })?;
        if keyframe {
            self.keyframe = Some(pts);
        }
        self.rate.send(bits(&data));
        Ok(Some(Encoded { data, keyframe, pts }))
    }

    fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), Error> {
        let config = Config { bitrate: bits_per_second, ..self.config.clone() };
        super::check(&config)?;
        self.config = config;
        self.rate.set_bitrate(bits_per_second);
        Ok(())
    }

    fn name(&self) -> &str {
        NAME
    }
}

impl X264 {
    /// Encodes a picture so that the line can take it: whether as a keyframe, and its access unit.
    ///
    /// What became too large is thrown away. The decoder never sees it, so that nothing may refer to it: a keyframe
    /// takes its place. After a cut that is no loss, since both have the whole picture to tell.
    fn fit(&mut self, picture: &Nv12, change: Change, keyframe: bool) -> Result<(bool, Arc<[u8]>), String> {
        let mut keyframe = keyframe;
        for _ in 1..TRIES {
            let (quantiser, data) = self.try_one(picture, change, keyframe)?;
            if !self.rate.too_large(bits(&data)) || quantiser == COARSEST {
                return Ok((keyframe, data));
            }
            keyframe = true;
        }
        let (_, data) = self.try_one(picture, change, true)?;
        Ok((true, data))
    }

    fn try_one(&mut self, picture: &Nv12, change: Change, keyframe: bool) -> Result<(u8, Arc<[u8]>), String> {
        let Self { handle, rate, macroblocks, .. } = self;
        let decoded = handle.decoded().filter(|_| !keyframe);
        let Some(decoded) = decoded else {
            let quantiser = rate.of_keyframe(change);
            let data = handle.keyframe(macroblocks.show_all(picture, quantiser), quantiser)?;
            rate.keyframe_took(change, quantiser, bits(&data));
            return Ok((quantiser, data));
        };
        let quantiser = rate.of_picture(change, macroblocks.coarsest());
        let refined = macroblocks.refinable(quantiser).min(rate.refinable(change, quantiser));
        let (shown, constant) = macroblocks.show(picture, &decoded, quantiser, refined);
        let data = handle.picture(shown, quantiser, constant)?;
        rate.picture_took(change, refined, quantiser, bits(&data));
        Ok((quantiser, data))
    }
}

fn bits(data: &[u8]) -> f64 {
    data.len() as f64 * 8.0
}
