//! The devices of a session: opened together, closed in the order in which nothing is lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use playhouse_codec::audio::{Opus, PACKET};
use playhouse_media::ring::Ring;
use playhouse_media::sample::AudioPacket;
use playhouse_media::time::Timestamp;
use playhouse_net::{Net, PeerEvent};
use playhouse_play::air::SILENCE;
use playhouse_play::control::{Host, SessionSpec};
use playhouse_play::qualities::{PLAYERS, SPECTATORS};
use playhouse_stage::compositor::{self, Compositor};
use playhouse_stage::pads::Pads;
use playhouse_stage::sandbox::{self, GameProcess, Grant};
use playhouse_stage::sound::Sound;

use super::air::Air;
use super::hands::Hands;
use super::meter::Meter;
use super::picture::{self, Camera, Kept, Outlet, Sink, Wish};
use super::signal::{Signal, Signals};

/// Everything that acts.
pub(super) struct Theatre {
    pub(super) game: GameProcess,
    pub(super) hands: Arc<Hands>,
    pub(super) camera: Arc<Camera>,
    pub(super) air: Arc<Air>,
    pub(super) meter: Arc<Meter>,
    pub(super) ring: Arc<Mutex<Ring>>,
    pub(super) net: Net,
    pub(super) stage: Compositor,
    encoders: Vec<JoinHandle<()>>,
    sound: Option<Sound>,
}

impl Theatre {
    /// Opens the stage, then sound, network and encoders, and starts the game on it.
    pub(super) fn open(spec: &SessionSpec, signals: &Signals) -> anyhow::Result<Self> {
        let runtime = &spec.runtime;
        std::fs::create_dir_all(runtime)
            .with_context(|| format!("the session's folder `{}` could not be made", runtime.display()))?;
        let meter = Arc::<Meter>::default();
        let ring = Arc::<Mutex<Ring>>::default();
        let camera = Camera::new(Wish { size: spec.size, rate: spec.rate, bitrate: spec.bitrate });

        let air = Air::open(&camera)?;

        let stage = {
            let config = compositor::Config {
                size: spec.size,
                rate: spec.rate,
                runtime: runtime.clone(),
                xwayland: spec.game.host == Host::X11,
            };
            let signals = signals.clone();
            let notify = Box::new(move |event| signals.send(Signal::Stage(event)));
            let sink = Box::new(Sink::new(Arc::clone(&camera), Arc::clone(&meter)));
            compositor::start(config, sink, notify).context("the stage could not be opened")?
        };
        let hands = open_hands(spec, &stage);
        let net = open_net(spec, &hands, &meter, &camera, signals)?;
        hands.connect(net.handle());
        let sound = open_sound(spec, &net, &ring, &air);
        let kept = Some(Kept { ring: Arc::clone(&ring), meter: Arc::clone(&meter), air: Arc::clone(&air) });
        let encoders = [
            ("encode", Outlet { quality: PLAYERS, net: net.handle(), kept }),
            ("encode-1", Outlet { quality: SPECTATORS, net: net.handle(), kept: None }),
        ];
        let encoders = encoders
            .into_iter()
            .map(|(thread, outlet)| start_encoder(thread, outlet, &camera, &spec.encoder, signals))
            .collect::<anyhow::Result<_>>()?;
        let game = start_game(spec, &stage, sound.as_ref(), &hands)?;
        Ok(Self { game, hands, camera, air, meter, ring, net, stage, encoders, sound })
    }

    /// Ends the game, then everything under it. Gives the game's last words.
    pub(super) fn close(mut self) -> String {
        self.game.stop();
        let last_words = self.game.last_words();
        self.camera.close();
        for encoder in self.encoders.drain(..) {
            if encoder.join().is_err() {
                tracing::error!("an encoder's thread panicked");
            }
        }
        drop(self.sound.take());
        drop(self.stage);
        drop(self.net);
        last_words
    }
}

fn open_hands(spec: &SessionSpec, stage: &Compositor) -> Arc<Hands> {
    Arc::new_cyclic(|hands: &std::sync::Weak<Hands>| {
        let shaken = hands.clone();
        let rumble = Box::new(move |slot, strong, weak, milliseconds| {
            if let Some(hands) = shaken.upgrade() {
                hands.rumble(slot, strong, weak, milliseconds);
            }
        });
        let pads = Pads::start(&spec.runtime, spec.game.seats, rumble)
            .inspect_err(|error| tracing::warn!(%error, "this session has no gamepads"))
            .ok();
        Hands::new(stage.handle(), pads, spec.size, spec.game.seats)
    })
}

fn open_net(
    spec: &SessionSpec,
    hands: &Arc<Hands>,
    meter: &Arc<Meter>,
    camera: &Arc<Camera>,
    signals: &Signals,
) -> anyhow::Result<Net> {
    let config = playhouse_net::Config {
        addresses: spec.net.addresses.clone(),
        ports: spec.net.ports.0..=spec.net.ports.1,
        start_bitrate: spec.bitrate,
        wanted_bitrate: playhouse_play::rate::estimate_for(spec.bitrate),
        ..playhouse_net::Config::default()
    };
    let (hands, meter, camera, signals) =
        (Arc::clone(hands), Arc::clone(meter), Arc::clone(camera), signals.clone());
    let events = move |event: PeerEvent| match event {
        PeerEvent::Data { peer, bytes, .. } => {
            if let Some(wish) = hands.data(&peer, &bytes) {
                signals.send(Signal::Wish(peer, wish));
            }
        }
        PeerEvent::Sent { peer, rtp, timeline, bytes, .. } => {
            meter.sent(timeline.encoded, timeline.sent);
            hands.sent(&peer, rtp, &timeline, bytes);
        }
        PeerEvent::KeyframeWanted { quality, .. } => camera.lens(quality).want_keyframe(),
        other => signals.send(Signal::Peer(other)),
    };
    playhouse_net::start(config, Box::new(events)).context("the session's network could not be opened")
}

/// A game without sound is better than none: a failure is logged, and the session is silent.
fn open_sound(spec: &SessionSpec, net: &Net, ring: &Arc<Mutex<Ring>>, air: &Arc<Air>) -> Option<Sound> {
    let mut opus = Opus::new().inspect_err(|error| tracing::warn!(%error, "this session is silent")).ok()?;
    let (net, ring, air) = (net.handle(), Arc::clone(ring), Arc::clone(air));
    let silence: Arc<[u8]> = Arc::from(SILENCE);
    let sink = move |samples: &[i16], pts: Timestamp| {
        let encoded = match opus.encode(samples) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::warn!(%error, "ten milliseconds of sound were left out");
                return;
            }
        };
        // Browsers in the session need nothing where there is silence; what is recorded has no holes.
        let heard = encoded.is_some();
        let data = encoded.unwrap_or_else(|| Arc::clone(&silence));
        let packet = Arc::new(AudioPacket { data, pts, duration: PACKET });
        air.sound(&packet);
        if heard {
            net.audio(Arc::clone(&packet));
        }
        ring.lock().unwrap_or_else(PoisonError::into_inner).audio(packet);
    };
    Sound::start(&spec.runtime, Box::new(sink))
        .inspect_err(|error| tracing::warn!(%error, "this session is silent"))
        .ok()
}

fn start_encoder(
    thread: &str,
    outlet: Outlet,
    camera: &Arc<Camera>,
    name: &str,
    signals: &Signals,
) -> anyhow::Result<JoinHandle<()>> {
    let (camera, name, signals) = (Arc::clone(camera), name.to_owned(), signals.clone());
    let work = move || {
        if let Err(error) = picture::encode(&camera, &name, &outlet) {
            signals.send(Signal::EncoderFailed(outlet.quality, error.to_string()));
        }
    };
    std::thread::Builder::new().name(thread.to_owned()).spawn(work).context("no thread to encode on")
}

fn start_game(
    spec: &SessionSpec,
    stage: &Compositor,
    sound: Option<&Sound>,
    hands: &Hands,
) -> anyhow::Result<GameProcess> {
    let display = match stage.x_display() {
        Some(display) => Grant::x11(display),
        None => Grant::wayland(stage.wayland_display()),
    };
    let mut grants = vec![display];
    grants.extend(sound.map(Sound::grant));
    grants.extend(hands.pads().map(Pads::grant));
    let time = Some(Duration::from_secs(u64::from(spec.game.seconds)));
    Ok(sandbox::start(sandbox::Config { game: &spec.game, grants, time, groups: true })?)
}
