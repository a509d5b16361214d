//! From the stage's frame to access units: conversion on the stage's thread, encoding on its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playhouse_codec::convert;
use playhouse_codec::scale::Scaler;
use playhouse_codec::video::{self, Encoder};
use playhouse_media::frame::{Damage, Nv12, Size, Timeline};
use playhouse_media::ring::Ring;
use playhouse_media::sample::AccessUnit;
use playhouse_stage::compositor::{Frame, FrameSink};

use super::mailbox::{Mail, Mailbox, Picture};
use super::meter::Meter;
use crate::clock;

/// The quality that all viewers share.
pub(super) const QUALITY: u8 = 0;

/// When a picture that stopped moving is encoded again: it becomes sharp, and a viewer who lost its last packet
/// learns of it.
const SETTLE: [Duration; 3] =
    [Duration::from_millis(60), Duration::from_millis(150), Duration::from_millis(400)];

/// What a clip may begin too early. A keyframe has the bytes of three or four other pictures.
const KEYFRAME_EVERY: Duration = Duration::from_secs(5);

/// How long the encoder sleeps when the picture stands still; only a bound, since it is woken for everything.
const IDLE: Duration = Duration::from_secs(5);

/// Which way a picture goes and how it shall look.
pub(super) struct Camera {
    mailbox: Mailbox,
    wish: Mutex<Wish>,
    keyframe: AtomicBool,
    watched: AtomicBool,
}

/// What the encoder shall aim at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) size: Size,
    pub(super) rate: u32,
    pub(super) bitrate: u32,
}

impl Camera {
    pub(super) fn new(wish: Wish) -> Arc<Self> {
        Arc::new(Self {
            mailbox: Mailbox::default(),
            wish: Mutex::new(wish),
            keyframe: AtomicBool::new(false),
            watched: AtomicBool::new(false),
        })
    }

    /// Whether anybody looks; true where that is news, so that somebody now waits for a picture.
    pub(super) fn watch(&self, anyone: bool) -> bool {
        let before = self.watched.swap(anyone, Ordering::AcqRel);
        anyone && !before
    }

    /// Another aim from the next picture on.
    pub(super) fn aim(&self, wish: Wish) {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner) = wish;
    }

    /// What is aimed at.
    pub(super) fn wish(&self) -> Wish {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a keyframe, of the picture that stands if no new one comes.
    pub(super) fn want_keyframe(&self) {
        self.keyframe.store(true, Ordering::Release);
        self.mailbox.nudge();
    }

    /// Ends the encoder.
    pub(super) fn close(&self) {
        self.mailbox.close();
    }
}

/// The end of the stage: turns frames into NV12 and leaves them for the encoder.
pub(super) struct Sink {
    camera: Arc<Camera>,
    meter: Arc<Meter>,
    /// The picture before, which damage is painted into.
    canvas: Option<Nv12>,
}

impl Sink {
    pub(super) fn new(camera: Arc<Camera>, meter: Arc<Meter>) -> Self {
        Self { camera, meter, canvas: None }
    }
}

impl FrameSink for Sink {
    fn frame(&mut self, frame: &Frame<'_>) {
        if !self.camera.watched.load(Ordering::Acquire) {
            // The damage of this frame is missing from the canvas, so that the next one has to be whole.
            self.canvas = None;
            return;
        }
        let size = frame.size.even();
        let whole = [Damage { x: 0, y: 0, width: size.width, height: size.height }];
        let fits = self.canvas.as_ref().is_some_and(|canvas| canvas.size() == size);
        let damage = if fits { frame.damage } else { &whole };
        let canvas = match &mut self.canvas {
            Some(canvas) if fits => canvas,
            other => other.insert(Nv12::new(size)),
        };
        if let Err(error) = convert::to_nv12_damaged(frame.data, frame.stride, damage, canvas) {
            tracing::warn!(%error, "a frame was left out");
            return;
        }
        let mut nv12 = self.camera.mailbox.spare().unwrap_or_else(|| Nv12::new(size));
        nv12.clone_from(canvas);
        let timeline = Timeline {
            input_seq: frame.input_seq,
            input: frame.input,
            commit: frame.commit,
            converted: clock::now(),
            ..Timeline::default()
        };
        if self.camera.mailbox.put(Picture { nv12, timeline }) {
            self.meter.skipped();
        }
    }
}

/// Where access units go.
pub(super) struct Outlet {
    pub(super) net: playhouse_net::Handle,
    pub(super) ring: Arc<Mutex<Ring>>,
    pub(super) meter: Arc<Meter>,
}

impl Outlet {
    fn give(&self, unit: AccessUnit) {
        self.meter.encoded(unit.timeline, unit.data.len());
        let unit = Arc::new(unit);
        self.net.video(QUALITY, Arc::clone(&unit));
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).video(unit);
    }
}

/// Encodes until the camera is closed. Runs on the thread `encode`.
///
/// # Errors
/// When the encoder cannot be opened, or fails twice in a row.
pub(super) fn encode(camera: &Camera, name: &str, outlet: &Outlet) -> Result<(), video::Error> {
    let mut studio = Studio { name, encoder: None, wish: camera.wish(), scaler: Scaler::new(), scaled: None };
    studio.open()?;
    let mut last: Option<Picture> = None;
    let mut settled = SETTLE.len();
    loop {
        let wait = SETTLE.get(settled).copied().unwrap_or(IDLE);
        let picture = match camera.mailbox.take(wait) {
            Mail::Closed => return Ok(()),
            Mail::Picture(picture) => {
                settled = 0;
                if let Some(old) = last.take() {
                    camera.mailbox.give_back(old.nv12);
                }
                last.insert(picture)
            }
            Mail::Nothing => {
                let wanted = camera.keyframe.load(Ordering::Acquire);
                let Some(picture) = last.as_mut().filter(|_| wanted || settled < SETTLE.len()) else {
                    continue;
                };
                settled += 1;
                let now = clock::now();
                picture.timeline = Timeline { commit: now, converted: now, ..picture.timeline };
                picture
            }
        };
        studio.wish = camera.wish();
        let keyframe = camera.keyframe.swap(false, Ordering::AcqRel);
        if let Some(unit) = studio.encode(picture, keyframe)? {
            outlet.give(unit);
        }
    }
}

/// The encoder with what it needs beside it.
struct Studio<'a> {
    name: &'a str,
    encoder: Option<(Box<dyn Encoder>, Wish)>,
    wish: Wish,
    scaler: Scaler,
    scaled: Option<Nv12>,
}

impl Studio<'_> {
    fn open(&mut self) -> Result<(), video::Error> {
        let Wish { size, rate, bitrate } = self.wish;
        let config = video::Config {
            keyframe_every: KEYFRAME_EVERY,
            ..video::Config::new(size.even(), rate, bitrate)
        };
        self.encoder = Some((video::open(self.name, &config)?, self.wish));
        Ok(())
    }

    fn encode(&mut self, picture: &Picture, keyframe: bool) -> Result<Option<AccessUnit>, video::Error> {
        match &mut self.encoder {
            // The rate alone needs no other encoder: rate control follows the pictures that come.
            Some((encoder, open)) if open.size == self.wish.size => {
                if open.bitrate != self.wish.bitrate {
                    encoder.set_bitrate(self.wish.bitrate)?;
                    open.bitrate = self.wish.bitrate;
                }
            }
            _ => self.open()?,
        }
        let size = self.wish.size.even();
        let nv12 = if picture.nv12.size() == size {
            &picture.nv12
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
        let pts = picture.timeline.commit;
        let encoded = match encoder.encode(nv12, pts, keyframe) {
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
