//! A publisher without an encoder: sends ready access units and packets of sound by WHIP.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Once};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::{Codec, PayloadParams};
use str0m::media::{Direction, Frequency, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

use crate::viewer::ViewerError;

/// Longest nap: how soon something to send is noticed.
const NAP: Duration = Duration::from_millis(1);
/// Largest datagram of WebRTC.
const MAX_DATAGRAM: usize = 2000;
/// Units that may wait to be sent.
const WAITING: usize = 256;

/// A publisher that has made its offer and waits for an answer.
pub struct Offered {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    video: Mid,
    audio: Mid,
    pending: SdpPendingOffer,
}

/// A publisher; leaves when dropped.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    units: SyncSender<Unit>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    connected: AtomicBool,
    keyframes_wanted: AtomicU64,
    vanished: AtomicBool,
    over: AtomicBool,
}

#[derive(Debug)]
struct Unit {
    kind: Codec,
    data: Vec<u8>,
    ticks: u64,
}

impl Offered {
    /// Makes an offer (SDP) to send H.264 and Opus.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn new() -> Result<(Self, String), ViewerError> {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| str0m::crypto::from_feature_flags().install_process_default());
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let local = socket.local_addr()?;
        let mut rtc = RtcConfig::new().build(Instant::now());
        rtc.add_local_candidate(Candidate::host(local, "udp").map_err(RtcError::from)?);
        let mut changes = rtc.sdp_api();
        let video = changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let audio = changes.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let (offer, pending) =
            changes.apply().ok_or_else(|| ViewerError::Answer("nothing was offered".to_owned()))?;
        Ok((Self { rtc, socket, local, video, audio, pending }, offer.to_sdp_string()))
    }

    /// Takes the answer (SDP) and connects.
    ///
    /// # Errors
    /// When the answer makes no sense or no thread can be started.
    pub fn answered(mut self, answer: &str) -> Result<Publisher, ViewerError> {
        let answer = SdpAnswer::from_sdp_string(answer).map_err(|e| ViewerError::Answer(e.to_string()))?;
        self.rtc.sdp_api().accept_answer(self.pending, answer)?;
        let shared = Arc::<Shared>::default();
        let (units, waiting) = sync_channel(WAITING);
        let mut sending = Sending {
            rtc: self.rtc,
            socket: self.socket,
            local: self.local,
            video: self.video,
            audio: self.audio,
            shared: Arc::clone(&shared),
        };
        let thread = std::thread::Builder::new().name("publisher".into()).spawn(move || {
            // A connection that fails shows as pictures that do not come.
            sending.run(&waiting).unwrap_or(());
        })?;
        Ok(Publisher { shared, units, thread: Some(thread) })
    }
}

impl Publisher {
    /// Whether the connection stands.
    pub fn connected(&self) -> bool {
        self.shared.connected.load(Ordering::Relaxed)
    }

    /// How often a keyframe was asked for.
    pub fn keyframes_wanted(&self) -> u64 {
        self.shared.keyframes_wanted.load(Ordering::Relaxed)
    }

    /// Sends an access unit with start codes (Annex B), at 90,000 ticks a second. One that finds no room is lost.
    pub fn picture(&self, unit: &[u8], ticks: u64) {
        self.send(Codec::H264, unit, ticks);
    }

    /// Sends an Opus packet, at 48,000 ticks a second. One that finds no room is lost.
    pub fn sound(&self, packet: &[u8], ticks: u64) {
        self.send(Codec::Opus, packet, ticks);
    }

    /// Is gone without a good-bye, as when a line is cut.
    pub fn vanish(self) {
        self.shared.vanished.store(true, Ordering::Relaxed);
    }

    fn send(&self, kind: Codec, data: &[u8], ticks: u64) {
        drop(self.units.try_send(Unit { kind, data: data.to_vec(), ticks }));
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A publisher that panicked has said so on standard error.
            drop(thread.join());
        }
    }
}

struct Sending {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    video: Mid,
    audio: Mid,
    shared: Arc<Shared>,
}

impl Sending {
    fn run(&mut self, units: &Receiver<Unit>) -> Result<(), ViewerError> {
        let mut buffer = [0; MAX_DATAGRAM];
        while !self.shared.over.load(Ordering::Relaxed) && self.rtc.is_alive() {
            for unit in units.try_iter() {
                self.write(unit)?;
                self.output()?;
            }
            let due = self.output()?;
            let nap = due.saturating_duration_since(Instant::now()).clamp(NAP / 10, NAP);
            self.socket.set_read_timeout(Some(nap))?;
            let received = self.socket.recv_from(&mut buffer);
            let now = Instant::now();
            if let Ok((len, source)) = received
                && let Ok(packet) = Receive::new(Protocol::Udp, source, self.local, &buffer[..len])
            {
                self.rtc.handle_input(Input::Receive(now, packet))?;
            } else {
                self.rtc.handle_input(Input::Timeout(now))?;
            }
        }
        if !self.shared.vanished.load(Ordering::Relaxed) {
            self.rtc.close()?;
            self.output()?;
        }
        Ok(())
    }

    fn write(&mut self, unit: Unit) -> Result<(), ViewerError> {
        let (mid, rate) = match unit.kind {
            Codec::H264 => (self.video, Frequency::NINETY_KHZ),
            _ => (self.audio, Frequency::FORTY_EIGHT_KHZ),
        };
        let Some(writer) = self.rtc.writer(mid) else { return Ok(()) };
        let pt =
            writer.payload_params().find(|params| params.spec().codec == unit.kind).map(PayloadParams::pt);
        let Some(pt) = pt else { return Ok(()) };
        writer.write(pt, Instant::now(), MediaTime::new(unit.ticks, rate), unit.data)?;
        Ok(())
    }

    /// Sends what there is; gives when there is more to do.
    fn output(&mut self) -> Result<Instant, ViewerError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Transmit(packet) => {
                    // Errors are the other side's going away.
                    self.socket.send_to(&packet.contents, packet.destination).unwrap_or(0);
                }
                Output::Timeout(due) => return Ok(due),
                Output::Event(Event::Connected) => self.shared.connected.store(true, Ordering::Relaxed),
                Output::Event(Event::KeyframeRequest(_)) => {
                    self.shared.keyframes_wanted.fetch_add(1, Ordering::Relaxed);
                }
                Output::Event(_) => {}
            }
        }
    }
}
