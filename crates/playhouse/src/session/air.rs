//! The session on the air: what players are sent, on its way to the node once more, without another encode.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use anyhow::Context;
use playhouse_media::sample::{AccessUnit, AudioPacket};
use playhouse_media::time::Timestamp;
use playhouse_play::air::{Header, Kind};
use playhouse_play::qualities::PLAYERS;

use super::picture::Camera;

/// Pictures and packets of sound that wait for the node: a second of both.
const WAITING: usize = 160;

/// A node that does not read for so long is gone.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// How far keyframes are apart at most: segments of live channels begin with one, and so does whoever tunes in.
const KEYFRAME_EVERY: Duration = Duration::from_secs(2);

/// The way to the node for pictures and sound.
pub(crate) struct Air {
    camera: Arc<Camera>,
    on: AtomicBool,
    /// Whether pictures were lost, so that the next one sent has to be a keyframe.
    broken: AtomicBool,
    /// When the last keyframe was shown, in microseconds.
    keyframe: AtomicU64,
    units: SyncSender<Unit>,
}

enum Unit {
    Picture(Arc<AccessUnit>),
    Sound(Arc<AudioPacket>),
}

impl Air {
    /// Opens the way, on which nothing goes yet. Without a socket as standard output nothing ever does: then the session
    /// was started by something else than a node.
    pub(super) fn open(camera: &Arc<Camera>) -> anyhow::Result<Arc<Self>> {
        let (units, waiting) = sync_channel(WAITING);
        let stdout = rustix::io::dup(std::io::stdout()).context("standard output could not be taken over")?;
        let socket = UnixStream::from(stdout);
        if socket.set_write_timeout(Some(WRITE_WITHIN)).is_ok() {
            let send = move || send(socket, &waiting);
            std::thread::Builder::new()
                .name("air".to_owned())
                .spawn(send)
                .context("no thread for the air")?;
        }
        Ok(Arc::new(Self {
            camera: Arc::clone(camera),
            on: AtomicBool::new(false),
            broken: AtomicBool::new(true),
            keyframe: AtomicU64::new(0),
            units,
        }))
    }

    /// Begins or ends to send.
    pub(super) fn set(&self, on: bool) {
        self.broken.store(true, Ordering::Release);
        self.on.store(on, Ordering::Release);
        let lens = self.camera.lens(PLAYERS);
        lens.steady(on);
        if on {
            lens.want_keyframe();
        }
    }

    /// Whether pictures and sound are sent.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    /// Takes a picture, and asks for a keyframe where one is due.
    pub(crate) fn picture(&self, unit: &Arc<AccessUnit>) {
        if !self.is_on() {
            return;
        }
        if unit.keyframe {
            self.broken.store(false, Ordering::Release);
            self.keyframe.store(unit.pts.as_micros(), Ordering::Release);
        } else if unit.pts.since(Timestamp::from_micros(self.keyframe.load(Ordering::Acquire)))
            >= KEYFRAME_EVERY
        {
            self.camera.lens(PLAYERS).want_keyframe();
        }
        if self.broken.load(Ordering::Acquire) {
            return;
        }
        match self.units.try_send(Unit::Picture(Arc::clone(unit))) {
            Ok(()) => {}
            // The node does not keep up: it gets whole groups of pictures or none.
            Err(TrySendError::Full(_)) => {
                self.broken.store(true, Ordering::Release);
                self.camera.lens(PLAYERS).want_keyframe();
            }
            Err(TrySendError::Disconnected(_)) => self.set(false),
        }
    }

    /// Takes a packet of sound. What finds no room is a click.
    pub(super) fn sound(&self, packet: &Arc<AudioPacket>) {
        if self.is_on() && self.units.try_send(Unit::Sound(Arc::clone(packet))).is_err() {
            tracing::debug!("ten milliseconds of sound did not go on the air");
        }
    }
}

/// Writes what waits until the node is gone.
fn send(mut socket: UnixStream, waiting: &Receiver<Unit>) {
    while let Ok(unit) = waiting.recv() {
        let (kind, keyframe, pts, data) = match &unit {
            Unit::Picture(unit) => (Kind::Picture, unit.keyframe, unit.pts, &unit.data),
            Unit::Sound(packet) => (Kind::Sound, true, packet.pts, &packet.data),
        };
        let Some(header) = (Header { kind, keyframe, length: data.len(), pts }).to_bytes() else { continue };
        if let Err(error) = socket.write_all(&header).and_then(|()| socket.write_all(data)) {
            tracing::warn!(%error, "the node does not take what goes on the air");
            return;
        }
    }
}
