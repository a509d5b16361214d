//! The end of the stage: turns frames into NV12 and leaves them for the encoders, on the stage's thread.

use std::sync::Arc;

use playhouse_codec::convert;
use playhouse_media::frame::{Damage, Nv12, Timeline};
use playhouse_play::qualities::{PLAYERS, SPECTATORS};
use playhouse_stage::compositor::{Frame, FrameSink};

use super::super::meter::Meter;
use super::camera::Camera;
use super::mailbox::Picture;
use crate::clock;

/// Takes the stage's frames.
pub(crate) struct Sink {
    camera: Arc<Camera>,
    meter: Arc<Meter>,
    /// The picture before, which damage is painted into.
    canvas: Option<Nv12>,
}

impl Sink {
    pub(crate) fn new(camera: Arc<Camera>, meter: Arc<Meter>) -> Self {
        Self { camera, meter, canvas: None }
    }

    /// Leaves a picture for each encoder whose quality is watched.
    fn leave(&self, picture: &Picture) {
        for quality in [PLAYERS, SPECTATORS] {
            let lens = self.camera.lens(quality);
            if !lens.is_watched() {
                continue;
            }
            if let Some(old) = lens.mailbox.put(picture.clone()) {
                self.camera.pool.give_back(old.nv12);
                // That spectators are sent fewer frames is meant.
                if quality == PLAYERS {
                    self.meter.skipped();
                }
            }
        }
    }
}

impl FrameSink for Sink {
    fn frame(&mut self, frame: &Frame<'_>) {
        if ![PLAYERS, SPECTATORS].iter().any(|quality| self.camera.lens(*quality).is_watched()) {
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
        let converted = convert::damaged_rows(damage, size).into_iter().try_for_each(|rows| {
            let from = frame.data.get(rows.start as usize * frame.stride..).unwrap_or_default();
            convert::rows_to_nv12(from, frame.stride, rows, canvas)
        });
        if let Err(error) = converted {
            tracing::warn!(%error, "a frame was left out");
            return;
        }
        let mut nv12 = self.camera.pool.take().unwrap_or_else(|| Nv12::new(size));
        nv12.clone_from(canvas);
        let timeline = Timeline {
            input_seq: frame.input_seq,
            input: frame.input,
            commit: frame.commit,
            converted: clock::now(),
            ..Timeline::default()
        };
        let picture = Picture { nv12: Arc::new(nv12), pts: frame.commit, timeline };
        self.leave(&picture);
        // An encoder may have been quicker than this thread, which then is the last to hold it.
        self.camera.pool.give_back(picture.nv12);
    }
}
