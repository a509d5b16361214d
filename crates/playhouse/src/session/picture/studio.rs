//! An encoder with what it needs beside it: opened and scaled for as the aim changes.

use std::time::Duration;

use playhouse_codec::scale::Scaler;
use playhouse_codec::video::{self, Encoder};
use playhouse_media::frame::{Nv12, Timeline};
use playhouse_media::sample::AccessUnit;

use super::camera::Wish;
use super::mailbox::Picture;
use crate::clock;

/// What a clip may begin too early. A keyframe has the bytes of three or four other pictures.
const KEYFRAME_EVERY: Duration = Duration::from_secs(5);

/// Encodes the pictures of one quality.
pub(super) struct Studio<'a> {
    name: &'a str,
    encoder: Option<(Box<dyn Encoder>, Wish)>,
    scaler: Scaler,
    scaled: Option<Nv12>,
}

impl<'a> Studio<'a> {
    /// A studio whose encoder, by that name, is opened for the first picture.
    pub(super) fn new(name: &'a str) -> Self {
        Self { name, encoder: None, scaler: Scaler::new(), scaled: None }
    }

    /// Opens the encoder, in place of one that is open.
    pub(super) fn open(&mut self, wish: Wish) -> Result<(), video::Error> {
        let Wish { size, rate, bitrate } = wish;
        let config = video::Config {
            keyframe_every: KEYFRAME_EVERY,
            ..video::Config::new(size.even(), rate, bitrate)
        };
        self.encoder = Some((video::open(self.name, &config)?, wish));
        Ok(())
    }

    /// Gives the memory back until the next picture.
    pub(super) fn close(&mut self) {
        *self = Self::new(self.name);
    }

    /// Encodes a picture; gives nothing where that failed, and the next picture has another chance.
    ///
    /// # Errors
    /// When the encoder cannot be opened.
    pub(super) fn encode(
        &mut self,
        picture: &Picture,
        wish: Wish,
        keyframe: bool,
    ) -> Result<Option<AccessUnit>, video::Error> {
        match &mut self.encoder {
            // The rate alone needs no other encoder: rate control follows the pictures that come.
            Some((encoder, open)) if open.size == wish.size => {
                if open.bitrate != wish.bitrate {
                    encoder.set_bitrate(wish.bitrate)?;
                    open.bitrate = wish.bitrate;
                }
            }
            _ => self.open(wish)?,
        }
        let size = wish.size.even();
        let nv12 = if picture.nv12.size() == size {
            &*picture.nv12
        } else {
            let scaled = match &mut self.scaled {
                Some(scaled) if scaled.size() == size => scaled,
                other => other.insert(Nv12::new(size)),
            };
            if let Err(error) = self.scaler.scale(&picture.nv12, scaled) {
                tracing::warn!(%error, "a picture was left out");
                return Ok(None);
            }
            scaled
        };
        let Some((encoder, _)) = &mut self.encoder else { return Ok(None) };
        let encoded = match encoder.encode(nv12, picture.pts, keyframe) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::warn!(%error, "the encoder failed and is opened anew");
                self.encoder = None;
                return Ok(None);
            }
        };
        Ok(encoded.map(|encoded| AccessUnit {
            data: encoded.data,
            keyframe: encoded.keyframe,
            pts: encoded.pts,
            size,
            timeline: Timeline { encoded: clock::now(), ..picture.timeline },
        }))
    }
}
