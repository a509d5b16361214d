//! One who watches a live stream: begins at a keyframe, and is sent what everybody is sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::Event as Protocol;
use str0m::media::MediaTime;
use str0m::rtp::{ExtensionValues, RtpWrite, SeqNo};

use super::stream::{Start, Unit};
use super::{Event, Kind, Stream};
use crate::connection::Connection;
use crate::event::{CloseReason, PeerId};
use crate::offer::{Agreed, Line};
use crate::room::{Driven, Surroundings};

/// Bytes sent to one viewer before the others have their turn: a keyframe of usual size.
const TURN: usize = 128 << 10;

/// Until a viewer that has more to be sent has its next turn: 128 KiB in this time are some 200 Mbit/s, which
/// neither a home's line nor a browser's socket buffer has to hold back for long.
const NEXT_TURN: Duration = Duration::from_millis(5);

/// A viewer.
pub(crate) struct Viewer {
    connection: Connection,
    stream: Arc<Stream>,
    video: Track,
    audio: Option<Track>,
    connected: bool,
    start: Option<Start>,
    /// The next unit to be sent.
    next: u64,
    /// The keyframe that was sent last.
    keyframe: u64,
    /// The browser could not decode: nothing is sent before a newer keyframe.
    broken: bool,
    /// Units on their way, kept for their room.
    batch: Vec<Arc<Unit>>,
}

/// A track on its way to a viewer.
struct Track {
    line: Line,
    next: u64,
}

impl Track {
    fn new(line: Line) -> Self {
        // The first number has no wraps behind it, which the other side could not know of (RFC 3711, 3.3.1).
        Self { line, next: 1 }
    }
}

impl Viewer {
    /// A viewer whose offer has been answered.
    pub(super) fn new(id: PeerId, agreed: Agreed, stream: Arc<Stream>) -> Self {
        Self {
            connection: Connection::new(id, agreed.rtc),
            stream,
            video: Track::new(agreed.video),
            audio: agreed.audio.map(Track::new),
            connected: false,
            start: None,
            next: 0,
            keyframe: 0,
            broken: false,
            batch: Vec::new(),
        }
    }

    /// Whether this is the stream that it watches.
    pub(super) fn watches(&self, stream: &Arc<Stream>) -> bool {
        Arc::ptr_eq(&self.stream, stream)
    }

    /// Sends what there is to be sent.
    pub(super) fn advance(&mut self, around: &mut Surroundings<'_, Event>) {
        if self.write(around) {
            self.drive(around);
        }
    }

    /// Writes what there is to be sent, at most one turn's worth; whether there was something.
    fn write(&mut self, around: &mut Surroundings<'_, Event>) -> bool {
        if !self.connected || self.connection.is_ending() || !self.begins(around) {
            return false;
        }
        let mut batch = std::mem::take(&mut self.batch);
        self.stream.units(self.next, TURN, &mut batch);
        let some = !batch.is_empty();
        for unit in batch.drain(..) {
            // After a gap decoding goes on at a keyframe.
            self.next = unit.number + 1;
            self.write_unit(&unit);
        }
        self.batch = batch;
        some
    }

    /// Whether it has begun or can begin now.
    fn begins(&mut self, around: &mut Surroundings<'_, Event>) -> bool {
        if self.start.is_some() && !(self.broken && self.stream.has_keyframe_after(self.keyframe)) {
            return !self.broken;
        }
        let Some(start) = self.stream.start() else {
            self.want_keyframe(around);
            return false;
        };
        // One that goes on does not catch up: its clock has gone on as well.
        self.start = Some(if self.broken { start.without_past() } else { start });
        self.next = start.first;
        self.broken = false;
        true
    }

    fn want_keyframe(&self, around: &mut Surroundings<'_, Event>) {
        if self.stream.ask(Instant::now()) {
            (around.events)(Event::KeyframeWanted { stream: Arc::clone(self.stream.name()) });
        }
    }

    fn write_unit(&mut self, unit: &Unit) {
        let Some(start) = self.start else { return };
        let track = match (unit.kind, &mut self.audio) {
            (Kind::Picture, _) => &mut self.video,
            // What was said before one came is not heard.
            (Kind::Sound, Some(audio)) if unit.number >= start.live => audio,
            (Kind::Sound, _) => return,
        };
        if unit.keyframe {
            self.keyframe = unit.number;
        }
        let video = unit.kind == Kind::Picture;
        let mut api = self.connection.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(track.line.mid, None) else { return };
        let mut extensions = ExtensionValues::default();
        if unit.keyframe {
            // Holds until it is said otherwise: frames are shown as they come.
            extensions.play_delay_min = Some(MediaTime::ZERO);
            extensions.play_delay_max = Some(MediaTime::ZERO);
        }
        let rtp = if video { start.rtp(unit) } else { unit.rtp };
        let last = unit.payloads.len().saturating_sub(1);
        for (index, payload) in unit.payloads.iter().enumerate() {
            let number = SeqNo::from(track.next);
            track.next += 1;
            let packet = RtpWrite::new(track.line.pt, number, rtp, unit.wall, Arc::clone(payload))
                .marker(video && index == last)
                .nackable(video)
                .ext_vals(extensions.clone());
            stream.write_rtp(packet);
        }
    }

    fn event(&mut self, event: &Protocol, around: &mut Surroundings<'_, Event>) {
        match event {
            Protocol::Connected => {
                self.connected = true;
                (around.events)(Event::Connected { peer: Arc::clone(&self.connection.id) });
                self.write(around);
            }
            Protocol::KeyframeRequest(_) if self.start.is_some() => {
                self.broken = true;
                self.want_keyframe(around);
            }
            Protocol::Closed => self.connection.end(CloseReason::Left),
            _ => {}
        }
    }
}

impl Driven for Viewer {
    type Event = Event;

    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn drive(&mut self, around: &mut Surroundings<'_, Event>) {
        while let Some(event) = self.connection.next_event(around.outbox) {
            self.event(&event, around);
        }
        around.outbox.flush();
        if self.stream.is_ahead_of(self.next) && self.connected && self.start.is_some() && !self.broken {
            self.connection.due = self.connection.due.min(Instant::now() + NEXT_TURN);
        }
    }

    fn tick(&mut self, now: Instant, silence: Duration, around: &mut Surroundings<'_, Event>) {
        self.write(around);
        self.connection.tick(now, silence);
        self.drive(around);
        self.connection.due = self.connection.due.min(self.connection.own_due(silence));
    }
}
