//! A browser for tests: the same protocol library at the other end of a real socket, driven by the test itself.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]
#![allow(dead_code, reason = "each test uses a part of it")]

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use playhouse_media::frame::{Size, Timeline};
use playhouse_media::sample::AccessUnit;
use playhouse_media::time::Timestamp;
use playhouse_net::{Config, Handle, Net, PeerEvent, start};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::format::{Codec, PayloadParams};
use str0m::media::{Direction, KeyframeRequestKind, MediaData, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// How long anything may take on a machine that does other things as well.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A session's network with its events in a queue.
pub(crate) struct Session {
    pub(crate) net: Net,
    pub(crate) handle: Handle,
    pub(crate) events: Receiver<PeerEvent>,
    pub(crate) seen: Vec<PeerEvent>,
}

impl Session {
    pub(crate) fn new(config: Config) -> Self {
        let (sender, events) = sync_channel(10_000);
        let net = start(config, Box::new(move |event| sender.send(event).unwrap_or(()))).unwrap();
        let handle = net.handle();
        Self { net, handle, events, seen: Vec::new() }
    }

    /// Takes in the events that have come so far.
    pub(crate) fn collect(&mut self) {
        self.seen.extend(self.events.try_iter());
    }

    /// Waits for an event, while the browsers work.
    pub(crate) fn wait(
        &mut self,
        browsers: &mut [&mut Browser],
        wanted: impl Fn(&PeerEvent) -> bool,
    ) -> PeerEvent {
        let mut checked = 0;
        until("an event of the session", || {
            for browser in &mut *browsers {
                browser.work();
            }
            self.collect();
            let found = self.seen[checked..].iter().find(|event| wanted(event)).cloned();
            checked = self.seen.len();
            found
        })
    }
}

/// Repeats `step` until it gives something; panics after [`DEADLINE`].
pub(crate) fn until<T>(what: &str, mut step: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = step() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
    }
}

/// One end of a connection that behaves as a browser does.
pub(crate) struct Browser {
    pub(crate) rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    pub(crate) video: Mid,
    pub(crate) control: ChannelId,
    pub(crate) motion: ChannelId,
    pending: Option<SdpPendingOffer>,
    pub(crate) frames: Vec<MediaData>,
    pub(crate) sound: Vec<MediaData>,
    pub(crate) messages: Vec<(ChannelId, bool, Vec<u8>)>,
    pub(crate) open: Vec<String>,
    /// Each so-manieth datagram is lost on the way here; 0 for none.
    pub(crate) lose_each: u32,
    received: u32,
    due: Instant,
    peer: Option<SocketAddr>,
}

impl Browser {
    /// A browser and its offer.
    pub(crate) fn new(config: RtcConfig) -> (Self, String) {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| str0m::crypto::from_feature_flags().install_process_default());
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        // A test lets one browser wait while it works with another.
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 4 << 20).unwrap();
        let local = socket.local_addr().unwrap();
        let mut rtc = config.build(Instant::now());
        rtc.add_local_candidate(Candidate::host(local, "udp").unwrap());
        let mut changes = rtc.sdp_api();
        let video = changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        let control = changes.add_channel("control".to_owned());
        let motion = changes.add_channel_with_config(ChannelConfig {
            label: "motion".to_owned(),
            ordered: false,
            reliability: Reliability::MaxRetransmits { retransmits: 0 },
            ..ChannelConfig::default()
        });
        let (offer, pending) = changes.apply().unwrap();
        let browser = Self {
            rtc,
            socket,
            local,
            video,
            control,
            motion,
            pending: Some(pending),
            frames: Vec::new(),
            sound: Vec::new(),
            messages: Vec::new(),
            open: Vec::new(),
            lose_each: 0,
            received: 0,
            due: Instant::now(),
            peer: None,
        };
        (browser, offer.to_sdp_string())
    }

    /// A browser that has joined the session and has both channels open.
    pub(crate) fn join(session: &mut Session, name: &str) -> Self {
        let (mut browser, offer) = Self::new(RtcConfig::new());
        let answer = session.handle.accept(name, &offer).unwrap();
        browser.answer(&answer);
        until("both data channels", || {
            browser.work();
            (browser.open.len() == 2).then_some(())
        });
        session.wait(
            &mut [&mut browser],
            |event| matches!(event, PeerEvent::KeyframeWanted { peer, .. } if &**peer == name),
        );
        browser
    }

    pub(crate) fn answer(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        self.rtc.sdp_api().accept_answer(self.pending.take().unwrap(), answer).unwrap();
    }

    /// Where the other end is.
    pub(crate) fn house(&self) -> SocketAddr {
        self.peer.unwrap()
    }

    pub(crate) fn ask_for_keyframe(&mut self) {
        let mut writer = self.rtc.writer(self.video).unwrap();
        writer.request_keyframe(None, KeyframeRequestKind::Pli).unwrap();
    }

    pub(crate) fn send(&mut self, channel: ChannelId, binary: bool, bytes: &[u8]) {
        assert!(self.rtc.channel(channel).unwrap().write(binary, bytes).unwrap());
        self.work();
    }

    /// Does what there is to do, and waits for a packet for a moment.
    pub(crate) fn work(&mut self) {
        self.output();
        let wait = self.due.saturating_duration_since(Instant::now());
        let wait = wait.clamp(Duration::from_micros(100), Duration::from_millis(5));
        self.socket.set_read_timeout(Some(wait)).unwrap();
        let mut buffer = [0; 2000];
        let datagram = self.socket.recv_from(&mut buffer);
        self.received += u32::from(datagram.is_ok());
        let lost = self.lose_each > 0 && self.received.is_multiple_of(self.lose_each);
        if let Ok((len, source)) = datagram
            && !lost
            && let Ok(packet) = Receive::new(Protocol::Udp, source, self.local, &buffer[..len])
        {
            self.rtc.handle_input(Input::Receive(Instant::now(), packet)).unwrap();
        } else {
            self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        }
        self.output();
    }

    fn output(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Transmit(packet) => {
                    // Errors are the other side's going away.
                    self.socket.send_to(&packet.contents, packet.destination).unwrap_or(0);
                    self.peer = Some(packet.destination);
                }
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
                Output::Event(Event::MediaData(data)) if data.mid == self.video => self.frames.push(data),
                Output::Event(Event::MediaData(data)) => self.sound.push(data),
                Output::Event(Event::ChannelOpen(_, label)) => self.open.push(label),
                Output::Event(Event::ChannelData(data)) => {
                    self.messages.push((data.id, data.binary, data.data));
                }
                Output::Event(_) => {}
            }
        }
    }
}

/// One that publishes a picture, as an encoder does.
pub(crate) struct Sender {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    video: Mid,
    pending: Option<SdpPendingOffer>,
    pub(crate) keyframes_wanted: usize,
    due: Instant,
}

impl Sender {
    /// A publisher and its offer.
    pub(crate) fn new() -> (Self, String) {
        str0m::crypto::from_feature_flags().install_process_default();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let local = socket.local_addr().unwrap();
        let mut rtc = RtcConfig::new().build(Instant::now());
        rtc.add_local_candidate(Candidate::host(local, "udp").unwrap());
        let mut changes = rtc.sdp_api();
        let video = changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let (offer, pending) = changes.apply().unwrap();
        let pending = Some(pending);
        let due = Instant::now();
        (Self { rtc, socket, local, video, pending, keyframes_wanted: 0, due }, offer.to_sdp_string())
    }

    pub(crate) fn answer(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        self.rtc.sdp_api().accept_answer(self.pending.take().unwrap(), answer).unwrap();
    }

    /// Sends a picture; nothing before the connection stands.
    pub(crate) fn send(&mut self, unit: &[u8], ticks: u64) {
        let Some(writer) = self.rtc.writer(self.video) else { return };
        let Some(pt) = writer.payload_params().find(|p| p.spec().codec == Codec::H264).map(PayloadParams::pt)
        else {
            return;
        };
        writer.write(pt, Instant::now(), MediaTime::from_90khz(ticks), unit.to_vec()).unwrap();
    }

    /// Does what there is to do, and waits for a packet for a moment.
    pub(crate) fn work(&mut self) {
        self.output();
        let wait = self.due.saturating_duration_since(Instant::now());
        let wait = wait.clamp(Duration::from_micros(100), Duration::from_millis(5));
        self.socket.set_read_timeout(Some(wait)).unwrap();
        let mut buffer = [0; 2000];
        if let Ok((len, source)) = self.socket.recv_from(&mut buffer)
            && let Ok(packet) = Receive::new(Protocol::Udp, source, self.local, &buffer[..len])
        {
            self.rtc.handle_input(Input::Receive(Instant::now(), packet)).unwrap();
        } else {
            self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        }
        self.output();
    }

    fn output(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Transmit(packet) => {
                    self.socket.send_to(&packet.contents, packet.destination).unwrap_or(0);
                }
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
                Output::Event(Event::KeyframeRequest(_)) => self.keyframes_wanted += 1,
                Output::Event(_) => {}
            }
        }
    }
}

/// A picture of about so many bytes: parameter sets and an IDR slice, or a plain slice. Nothing decodes it; the
/// content tells frames apart and has no start codes in it; `fill` is also its place in time.
pub(crate) fn picture(keyframe: bool, len: usize, fill: u8) -> Arc<AccessUnit> {
    let mut data = Vec::new();
    if keyframe {
        data.extend([0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 1, 2, 3]);
        data.extend([0, 0, 0, 1, 0x68, 0xce, 4, 5]);
    }
    data.extend([0, 0, 0, 1, if keyframe { 0x65 } else { 0x41 }]);
    data.extend((0..len).map(|at| 0x10 | u8::try_from(at % 251).unwrap() ^ fill.wrapping_mul(3)));
    let encoded = playhouse_net::now();
    Arc::new(AccessUnit {
        data: data.into(),
        keyframe,
        pts: encoded + Duration::from_millis(16) * u32::from(fill),
        size: Size::new(1280, 720),
        timeline: Timeline { commit: encoded, encoded, ..Timeline::default() },
    })
}

/// Low half of a point in time on the clock of video.
pub(crate) fn rtp(pts: Timestamp) -> u32 {
    u32::try_from(pts.in_ticks(90_000) & u64::from(u32::MAX)).unwrap()
}
