//! A viewer without a browser: joins a session by WHEP, receives, counts frames, decodes nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

/// Longest nap: how soon a viewer notices that it is over.
const NAP: Duration = Duration::from_millis(50);
/// Shortest nap that a socket can be told.
const BLINK: Duration = Duration::from_micros(100);
/// Largest datagram of WebRTC.
const MAX_DATAGRAM: usize = 2000;
/// Kernel buffer: a keyframe comes in one burst.
const BUFFER: usize = 1 << 20;

/// Why there is no viewer.
#[derive(Debug, thiserror::Error)]
pub enum ViewerError {
    /// No socket or thread.
    #[error("a viewer has no socket: {0}")]
    Socket(#[from] io::Error),
    /// The protocol refused something.
    #[error("a viewer's connection failed: {0}")]
    Protocol(#[from] RtcError),
    /// The session's answer makes no sense.
    #[error("the session's answer cannot be read: {0}")]
    Answer(String),
}

/// What a viewer received so far.
#[derive(Debug, Default)]
struct Count {
    frames: AtomicU64,
    bytes: AtomicU64,
    sounds: AtomicU64,
    over: AtomicBool,
}

/// A viewer that has made its offer and waits for an answer.
pub struct Offered {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    video: Mid,
    pending: SdpPendingOffer,
}

/// A viewer that watches; leaves when dropped.
#[derive(Debug)]
pub struct Viewer {
    count: Arc<Count>,
    thread: Option<JoinHandle<()>>,
}

impl Offered {
    /// Makes an offer (SDP) to receive picture and sound.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn new() -> Result<(Self, String), ViewerError> {
        let (mut rtc, socket, local) = open(Ipv4Addr::LOCALHOST.into())?;
        let mut changes = rtc.sdp_api();
        let video = changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        // A session has channels for every peer, those that only watch included.
        changes.add_channel("control".to_owned());
        let (offer, pending) =
            changes.apply().ok_or_else(|| ViewerError::Answer("nothing was offered".to_owned()))?;
        Ok((Self { rtc, socket, local, video, pending }, offer.to_sdp_string()))
    }

    /// Takes the session's answer (SDP) and begins to watch.
    ///
    /// # Errors
    /// When the answer makes no sense or no thread can be started.
    pub fn answered(mut self, answer: &str) -> Result<Viewer, ViewerError> {
        let answer = SdpAnswer::from_sdp_string(answer).map_err(|e| ViewerError::Answer(e.to_string()))?;
        self.rtc.sdp_api().accept_answer(self.pending, answer)?;
        Viewer::watch(self.rtc, self.socket, self.local, Some(self.video))
    }
}

/// A connection and its socket at an address of this machine.
fn open(address: IpAddr) -> Result<(Rtc, UdpSocket, SocketAddr), ViewerError> {
    static CRYPTO: Once = Once::new();
    CRYPTO.call_once(|| str0m::crypto::from_feature_flags().install_process_default());
    let socket = UdpSocket::bind((address, 0))?;
    // The kernel gives what it may; a smaller buffer is still a buffer.
    rustix::net::sockopt::set_socket_recv_buffer_size(&socket, BUFFER).unwrap_or(());
    let local = socket.local_addr()?;
    let mut rtc = RtcConfig::new().build(Instant::now());
    rtc.add_local_candidate(Candidate::host(local, "udp").map_err(RtcError::from)?);
    Ok((rtc, socket, local))
}

impl Viewer {
    /// Answers a server's offer (SDP), as those have it that do not speak WHEP, from an address of this machine; gives
    /// the viewer and its answer.
    ///
    /// # Errors
    /// When the offer makes no sense or no thread can be started.
    pub fn invited(offer: &str, address: IpAddr) -> Result<(Self, String), ViewerError> {
        let (mut rtc, socket, local) = open(address)?;
        let offer = SdpOffer::from_sdp_string(offer).map_err(|e| ViewerError::Answer(e.to_string()))?;
        let answer = rtc.sdp_api().accept_offer(offer)?.to_sdp_string();
        Ok((Self::watch(rtc, socket, local, None)?, answer))
    }

    /// Watches the picture `video`, or whatever comes.
    fn watch(
        rtc: Rtc,
        socket: UdpSocket,
        local: SocketAddr,
        video: Option<Mid>,
    ) -> Result<Self, ViewerError> {
        let count = Arc::new(Count::default());
        let mut eyes = Watching { rtc, socket, local, video };
        let counted = Arc::clone(&count);
        let thread = std::thread::Builder::new().name("viewer".into()).spawn(move || {
            // A connection that fails shows as frames that do not come.
            eyes.watch(&counted).unwrap_or(());
        })?;
        Ok(Self { count, thread: Some(thread) })
    }
}

impl Viewer {
    /// Whole frames received so far.
    pub fn frames(&self) -> u64 {
        self.count.frames.load(Ordering::Relaxed)
    }

    /// Bytes of these frames.
    pub fn bytes(&self) -> u64 {
        self.count.bytes.load(Ordering::Relaxed)
    }

    /// Packets of sound received so far.
    pub fn sounds(&self) -> u64 {
        self.count.sounds.load(Ordering::Relaxed)
    }

    /// Waits until so many frames were received; gives whether they were in time.
    pub fn wait(&self, frames: u64, within: Duration) -> bool {
        let end = Instant::now() + within;
        while self.frames() < frames {
            if Instant::now() > end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.count.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A viewer that panicked has said so on standard error.
            drop(thread.join());
        }
    }
}

struct Watching {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    /// The picture; nothing where everything counts as picture.
    video: Option<Mid>,
}

impl Watching {
    fn watch(&mut self, count: &Count) -> Result<(), ViewerError> {
        let mut buffer = [0; MAX_DATAGRAM];
        while !count.over.load(Ordering::Relaxed) && self.rtc.is_alive() {
            let due = self.output(count)?;
            let nap = due.saturating_duration_since(Instant::now()).clamp(BLINK, NAP);
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
        self.rtc.disconnect();
        self.output(count).map(drop)
    }

    /// Sends and counts what there is; gives when there is more to do.
    fn output(&mut self, count: &Count) -> Result<Instant, ViewerError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Transmit(packet) => {
                    // Errors are the other side's going away.
                    self.socket.send_to(&packet.contents, packet.destination).unwrap_or(0);
                }
                Output::Timeout(due) => return Ok(due),
                Output::Event(Event::MediaData(data)) if self.video.is_none_or(|mid| mid == data.mid) => {
                    count.frames.fetch_add(1, Ordering::Relaxed);
                    count.bytes.fetch_add(data.data.len() as u64, Ordering::Relaxed);
                }
                Output::Event(Event::MediaData(_)) => {
                    count.sounds.fetch_add(1, Ordering::Relaxed);
                }
                Output::Event(_) => {}
            }
        }
    }
}
