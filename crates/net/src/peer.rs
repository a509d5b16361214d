//! One peer: its connection, what it waits for, and what it still has to be sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse_media::frame::Timeline;
use playhouse_media::sample::{AccessUnit, AudioPacket};
use playhouse_media::time::Timestamp;
use playhouse_play::queue::Load;
use str0m::bwe::Bitrate;
use str0m::channel::ChannelId;
use str0m::media::MediaTime;
use str0m::net::Receive;
use str0m::stats::PeerStats;
use str0m::{Event, IceConnectionState, Input, Output};

use crate::clock;
use crate::config::{
    Config, KEYFRAME_RETRY, MAX_EARLY_MESSAGES, MAX_MOTION_BACKLOG, MAX_PACER_DELAY, MAX_UNSENT_FRAMES,
};
use crate::connection::Connection;
use crate::event::{Channel, CloseReason, Payload, PeerEvent, PeerId};
use crate::offer::{self, Agreed, Line};
use crate::path::{Path, Turn};
use crate::room::{Driven, Surroundings};

/// The clock of H.264 in RTP (RFC 6184).
const VIDEO_CLOCK: u32 = 90_000;

/// The clock of Opus in RTP (RFC 7587).
const AUDIO_CLOCK: u32 = 48_000;

/// Rounds of output after which a peer lets the others run. A keyframe is some hundred packets.
const MAX_ROUNDS: usize = 4096;

/// What may be sent at once: as much as the path carries in this time, which is what queues on the way are made
/// for, and what the pacer itself allows.
const BURST: Duration = Duration::from_millis(40);

/// A connection of the session.
pub(crate) struct Peer {
    connection: Connection,
    video: Line,
    audio: Option<Line>,
    control: Option<ChannelId>,
    motion: Option<ChannelId>,
    early: VecDeque<Payload>,
    connected: bool,
    /// Quality that is being sent, and the one that it is to become at its next keyframe.
    quality: u8,
    wanted_quality: u8,
    /// Nothing can be decoded before the next keyframe.
    waiting: bool,
    asked: Option<Instant>,
    unsent: VecDeque<Unsent>,
    path: Path,
    /// A packet of the peer is being answered, which may have asked for others again.
    answering: bool,
    /// Where the sound sent so far ends.
    sound_until: Option<Timestamp>,
}

/// A frame whose last packet has not left yet.
struct Unsent {
    rtp: u32,
    written: Instant,
    timeline: Timeline,
    bytes: usize,
    keyframe: bool,
}

impl Driven for Peer {
    type Event = PeerEvent;

    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn receive(&mut self, now: Instant, packet: Receive<'_>, around: &mut Surroundings<'_, PeerEvent>) {
        self.connection.receive(now, packet);
        self.answering = true;
        self.drive(around);
        self.answering = false;
    }

    fn drive(&mut self, around: &mut Surroundings<'_, PeerEvent>) {
        let mut gone = Vec::new();
        self.connection.due = Instant::now() + Duration::from_millis(1);
        for _ in 0..MAX_ROUNDS {
            match self.connection.rtc.poll_output() {
                Ok(Output::Transmit(packet)) => {
                    let bytes: Vec<u8> = packet.contents.into();
                    gone.extend(self.last_of_frame(&bytes));
                    if self.worth_doubling(&bytes) {
                        around.outbox.push(packet.source, packet.destination, bytes.clone());
                    }
                    around.outbox.push(packet.source, packet.destination, bytes);
                }
                Ok(Output::Event(event)) => self.event(event, around),
                Ok(Output::Timeout(at)) => {
                    let now = Instant::now();
                    if let Some(demand) = self.path.search.demand() {
                        self.connection.rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::bps(demand.into()));
                    } else if at > now {
                        self.connection.due = at;
                        break;
                    }
                    let result = self.connection.rtc.handle_input(Input::Timeout(now));
                    self.connection.check(result);
                }
                Err(error) => self.connection.fail(&error),
            }
            if !self.connection.rtc.is_alive() {
                break;
            }
        }
        // On a loopback device the kernel runs the receiver within the call, which is not sending any more.
        let sent = clock::now();
        around.outbox.flush();
        if !gone.is_empty() {
            self.report_sent(sent, &gone, around);
        }
    }
}

impl Peer {
    /// A peer whose offer has been answered.
    pub(crate) fn new(id: PeerId, agreed: Agreed, config: &Config) -> Self {
        Self {
            connection: Connection::new(id, agreed.rtc),
            video: agreed.video,
            audio: agreed.audio,
            control: None,
            motion: None,
            early: VecDeque::new(),
            connected: false,
            quality: 0,
            wanted_quality: 0,
            waiting: true,
            asked: None,
            unsent: VecDeque::new(),
            path: Path::new(config),
            answering: false,
            sound_until: None,
        }
    }

    /// Changes over to another quality at its next keyframe.
    pub(crate) fn set_quality(&mut self, quality: u8, around: &mut Surroundings<'_, PeerEvent>) {
        self.wanted_quality = quality;
        if quality != self.quality {
            self.want_keyframe(around);
        }
    }

    /// Tells the estimator how much is wanted.
    pub(crate) fn set_wanted_bitrate(&mut self, bitrate: u32, around: &mut Surroundings<'_, PeerEvent>) {
        self.path.search.want(bitrate);
        self.drive(around);
    }

    /// Frames were lost on the way to this peer: it needs a keyframe.
    pub(crate) fn lost_frames(&mut self, around: &mut Surroundings<'_, PeerEvent>) {
        self.waiting = true;
        self.want_keyframe(around);
    }

    /// Sends a frame, if it is of this peer's quality and can be decoded.
    pub(crate) fn video(
        &mut self,
        quality: u8,
        unit: &Arc<AccessUnit>,
        around: &mut Surroundings<'_, PeerEvent>,
    ) {
        if !self.connected || self.connection.is_ending() {
            return;
        }
        if quality == self.wanted_quality && unit.keyframe && !self.path.drains() {
            self.quality = quality;
            self.waiting = false;
        }
        if quality != self.quality {
            return;
        }
        let now = Instant::now();
        if self.unsent.front().is_some_and(|frame| now - frame.written > MAX_PACER_DELAY) {
            self.waiting = true;
        }
        if self.waiting {
            self.retry_keyframe(now, around);
            return;
        }
        self.choose_pace(unit.data.len());
        let rtp = unit.pts.in_ticks(VIDEO_CLOCK);
        let Some(writer) = self.connection.rtc.writer(self.video.mid) else { return };
        let result = writer.playout_delay(MediaTime::ZERO, MediaTime::ZERO).write(
            self.video.pt,
            around.anchor.instant(unit.pts),
            MediaTime::from_90khz(rtp),
            Arc::clone(&unit.data),
        );
        if self.connection.check(result) {
            if self.unsent.len() == MAX_UNSENT_FRAMES {
                self.unsent.pop_front();
            }
            self.unsent.push_back(Unsent {
                rtp: low_half(rtp),
                written: now,
                timeline: unit.timeline,
                bytes: unit.data.len(),
                keyframe: unit.keyframe,
            });
        }
        self.drive(around);
    }

    /// Lets a frame that the path carries in [`BURST`] leave at once. The pacer would let it do so as well, but not
    /// while it probes, which is every few seconds and whenever a viewer joins: it would spread the frame over
    /// the probe. Larger frames are paced, and nothing overtakes them.
    fn choose_pace(&mut self, bytes: usize) {
        if !self.unsent.is_empty() {
            return;
        }
        let burst = u128::from(self.path.estimate) * BURST.as_micros() / 8_000_000;
        let mut api = self.connection.rtc.direct_api();
        if let Some(stream) = api.stream_tx_by_mid(self.video.mid, None) {
            stream.set_unpaced(bytes as u128 <= burst);
        }
    }

    /// Sends sound.
    pub(crate) fn audio(&mut self, packet: &Arc<AudioPacket>, around: &mut Surroundings<'_, PeerEvent>) {
        let Some(line) = self.audio.filter(|_| self.connected && !self.connection.is_ending()) else {
            return;
        };
        let after_silence = self.sound_until.is_none_or(|end| packet.pts.since(end) > packet.duration / 2);
        self.sound_until = Some(packet.pts + packet.duration);
        let Some(writer) = self.connection.rtc.writer(line.mid) else { return };
        let result = writer.start_of_talkspurt(after_silence).write(
            line.pt,
            around.anchor.instant(packet.pts),
            MediaTime::new(packet.pts.in_ticks(AUDIO_CLOCK), str0m::media::Frequency::FORTY_EIGHT_KHZ),
            Arc::clone(&packet.data),
        );
        self.connection.check(result);
        self.drive(around);
    }

    /// Sends a message. `control` keeps what it is given until the browser has opened it.
    pub(crate) fn send(
        &mut self,
        channel: Channel,
        payload: Payload,
        around: &mut Surroundings<'_, PeerEvent>,
    ) {
        if self.connection.is_ending() {
            return;
        }
        match (channel, self.control, self.motion) {
            (Channel::Control, Some(id), _) => self.send_control(id, &payload),
            (Channel::Control, None, _) if self.early.len() < MAX_EARLY_MESSAGES => {
                self.early.push_back(payload);
            }
            (Channel::Control, None, _) => self.connection.end(CloseReason::Backlog),
            (Channel::Motion, _, Some(id)) => self.send_motion(id, &payload),
            (Channel::Motion, _, None) => {}
        }
        self.drive(around);
    }

    fn send_control(&mut self, id: ChannelId, payload: &Payload) {
        let Some(mut channel) = self.connection.rtc.channel(id) else { return };
        match channel.write(payload.is_binary(), payload.bytes()) {
            Ok(true) => {}
            Ok(false) => self.connection.end(CloseReason::Backlog),
            Err(error) => self.connection.fail(&error),
        }
    }

    fn send_motion(&mut self, id: ChannelId, payload: &Payload) {
        let Some(mut channel) = self.connection.rtc.channel(id) else { return };
        if channel.buffered_amount() > MAX_MOTION_BACKLOG {
            return;
        }
        // A state that finds no room is out of date anyway.
        if let Err(error) = channel.write(payload.is_binary(), payload.bytes()) {
            self.connection.fail(&error);
        }
    }

    /// The RTP timestamp of a packet that ends a frame: header fields are not encrypted.
    fn last_of_frame(&self, packet: &[u8]) -> Option<u32> {
        let (head, _) = packet.split_first_chunk::<8>()?;
        let marker_and_type = 0x80 | *self.video.pt;
        let ends = head[0] >> 6 == 2 && head[1] == marker_and_type;
        ends.then(|| u32::from_be_bytes([head[4], head[5], head[6], head[7]]))
    }

    /// Whether a packet goes out twice: one that is sent again on a path that loses many, though not out of a full
    /// queue. Were it lost as well, a further round trip or two would be seen as a freeze; the copy costs as many
    /// hundredths as the path loses, and the receiver drops it as a replay (RFC 3711, 3.3.2).
    fn worth_doubling(&self, packet: &[u8]) -> bool {
        let Some(resend) = self.video.resend else { return false };
        let is_resend = packet.len() > 12 && packet[0] >> 6 == 2 && packet[1] & 0x7f == *resend;
        self.answering && self.path.load == Load::Clear && self.path.loses_many() && is_resend
    }

    fn report_sent(&mut self, sent: Timestamp, gone: &[u32], around: &mut Surroundings<'_, PeerEvent>) {
        for rtp in gone {
            while let Some(frame) = self.unsent.pop_front() {
                if frame.rtp != *rtp {
                    continue;
                }
                (around.events)(PeerEvent::Sent {
                    peer: Arc::clone(&self.connection.id),
                    rtp: *rtp,
                    timeline: Timeline { sent, ..frame.timeline },
                    bytes: frame.bytes,
                    keyframe: frame.keyframe,
                });
                break;
            }
        }
    }

    fn event(&mut self, event: Event, around: &mut Surroundings<'_, PeerEvent>) {
        match event {
            Event::Connected => {
                self.connected = true;
                (around.events)(PeerEvent::Connected { peer: Arc::clone(&self.connection.id) });
                self.want_keyframe(around);
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) if self.connected => {
                tracing::debug!(peer = %self.connection.id, "connectivity checks have stopped");
            }
            Event::ChannelOpen(id, label) => match Channel::from_label(&label) {
                Some(Channel::Control) => {
                    self.control = Some(id);
                    while let Some(payload) = self.early.pop_front() {
                        self.send_control(id, &payload);
                    }
                }
                Some(Channel::Motion) => self.motion = Some(id),
                None => tracing::debug!(peer = %self.connection.id, "an unknown data channel was opened"),
            },
            Event::ChannelClose(id) => {
                self.control.take_if(|open| *open == id);
                self.motion.take_if(|open| *open == id);
            }
            Event::ChannelData(message) => {
                let channel = if Some(message.id) == self.control {
                    Channel::Control
                } else if Some(message.id) == self.motion {
                    Channel::Motion
                } else {
                    return;
                };
                let peer = Arc::clone(&self.connection.id);
                (around.events)(PeerEvent::Data { peer, channel, bytes: message.data });
            }
            Event::KeyframeRequest(_) if !self.path.drains() => {
                self.asked = None;
                self.want_keyframe(around);
            }
            Event::PeerStats(stats) if self.connected => self.measured(&stats, around),
            Event::Closed => self.connection.end(CloseReason::Left),
            _ => {}
        }
    }

    /// Takes what the protocol has measured of the path. Where a queue on it has overflowed, what was lost is not sent
    /// again into it, nor anything that can only be decoded with what was lost; once it has drained the picture
    /// goes on with a keyframe, which is smaller than all of that.
    fn measured(&mut self, stats: &PeerStats, around: &mut Surroundings<'_, PeerEvent>) {
        // The estimate as it stands: the library's own event averages over three seconds, which is how long a path
        // that became narrow would go on being flooded.
        let estimate = stats.bwe_tx.map(|estimate| u32::try_from(estimate.as_u64()).unwrap_or(u32::MAX));
        let loss = stats.egress_loss_fraction.unwrap_or(0.0);
        let now = (Instant::now(), clock::now());
        match self.path.measured(estimate, loss, stats.rtt.unwrap_or_default(), now) {
            Turn::None => {}
            Turn::Flooded => {
                tracing::debug!(peer = %self.connection.id, loss, "the path is flooded; the picture waits");
                self.waiting = true;
                offer::remember_sent(&mut self.connection.rtc, self.video.mid);
            }
            Turn::Drained => self.want_keyframe(around),
        }
        let &Path { estimate: bitrate, loss, rtt, load, .. } = &self.path;
        let peer = Arc::clone(&self.connection.id);
        (around.events)(PeerEvent::Estimate { peer, bitrate, loss, rtt, load });
    }

    fn want_keyframe(&mut self, around: &mut Surroundings<'_, PeerEvent>) {
        self.asked = Some(Instant::now());
        (around.events)(PeerEvent::KeyframeWanted {
            peer: Arc::clone(&self.connection.id),
            quality: self.wanted_quality,
        });
    }

    /// Asks again for a keyframe that has not come, once the pacer is empty.
    fn retry_keyframe(&mut self, now: Instant, around: &mut Surroundings<'_, PeerEvent>) {
        let due = self.asked.is_none_or(|asked| now - asked >= KEYFRAME_RETRY);
        if due && self.unsent.is_empty() && !self.path.drains() {
            self.want_keyframe(around);
        }
    }
}

/// The part of an RTP timestamp that travels.
#[expect(clippy::cast_possible_truncation, reason = "RTP timestamps wrap at 32 bits (RFC 3550, 5.1)")]
fn low_half(ticks: u64) -> u32 {
    ticks as u32
}
