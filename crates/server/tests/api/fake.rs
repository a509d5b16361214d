//! A node without processes: it says yes, remembers what it was asked, and lets a test decide what happens.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use playhouse_live::{Admission, Publisher};
use playhouse_play::control::{EndReason, Ended, Role, SessionSpec, Stats};
use playhouse_play::input::PadState;
use playhouse_server::node::{Answer, Capacity, EncoderInfo, Event, Happening, Node, NodeError};
use playhouse_server::webrtc::{Owner, Webrtc, WebrtcError};
use tokio::sync::broadcast;

pub(crate) struct Fake {
    state: Mutex<State>,
    events: broadcast::Sender<Event>,
}

#[derive(Default)]
struct State {
    limit: u32,
    sessions: BTreeMap<String, SessionSpec>,
    calls: Vec<String>,
    refusal: Option<NodeError>,
    on_air: BTreeMap<String, Publisher>,
    encoders: Vec<EncoderInfo>,
}

impl Fake {
    pub(crate) fn new(limit: u32) -> Self {
        let encoders = vec![
            EncoderInfo {
                name: "h264_nvenc".to_owned(),
                unavailable: Some("there is no such card".to_owned()),
            },
            EncoderInfo { name: "x264".to_owned(), unavailable: None },
        ];
        let state = State { limit, encoders, ..State::default() };
        Self { state: Mutex::new(state), events: broadcast::channel(64).0 }
    }

    pub(crate) fn spec(&self, session: &str) -> SessionSpec {
        self.state.lock().unwrap().sessions[session].clone()
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    /// The next call fails like that.
    pub(crate) fn refuse(&self, error: NodeError) {
        self.state.lock().unwrap().refusal = Some(error);
    }

    fn happen(&self, session: &str, what: Happening) {
        self.events.send(Event { session: session.to_owned(), what }).unwrap();
    }

    pub(crate) fn ready(&self, session: &str) {
        self.happen(session, Happening::Ready);
    }

    pub(crate) fn peer(&self, session: &str, peer: &str, connected: bool) {
        self.happen(session, Happening::Peer { peer: peer.to_owned(), connected });
    }

    pub(crate) fn crash(&self, session: &str, message: &str, last_words: &str) {
        self.state.lock().unwrap().sessions.remove(session);
        let ended = Ended {
            reason: EndReason::Crashed,
            message: message.to_owned(),
            last_words: last_words.to_owned(),
        };
        self.happen(session, Happening::Ended(ended));
    }

    /// Notes a call; fails where the test asked for it, or where the session is not there.
    fn asked(&self, call: String, session: Option<&str>) -> Result<(), NodeError> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(call);
        if let Some(error) = state.refusal.take() {
            return Err(error);
        }
        match session {
            Some(session) if !state.sessions.contains_key(session) => {
                Err(NodeError::NoSession(session.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

fn word(role: Role) -> String {
    match role {
        Role::Player { seat } => format!("seat {seat}"),
        Role::Spectator => "spectator".to_owned(),
    }
}

impl Node for Fake {
    fn capacity(&self) -> Capacity {
        let state = self.state.lock().unwrap();
        Capacity { running: u32::try_from(state.sessions.len()).unwrap(), limit: state.limit }
    }

    fn encoders(&self) -> Vec<EncoderInfo> {
        self.state.lock().unwrap().encoders.clone()
    }

    fn start(&self, spec: SessionSpec) -> Answer<'_, ()> {
        Box::pin(async move {
            self.asked(format!("start {}", spec.game.title), None)?;
            let mut state = self.state.lock().unwrap();
            if state.sessions.len() >= state.limit as usize {
                return Err(NodeError::Full { limit: state.limit });
            }
            state.sessions.insert(spec.id.clone(), spec);
            Ok(())
        })
    }

    fn offer<'a>(&'a self, session: &'a str, peer: &'a str, role: Role, sdp: String) -> Answer<'a, String> {
        Box::pin(async move {
            self.asked(format!("offer {peer} {}", word(role)), Some(session))?;
            Ok(format!("v=0\r\ns=answer to {} bytes\r\n", sdp.len()))
        })
    }

    fn candidate<'a>(&'a self, session: &'a str, peer: &'a str, candidate: String) -> Answer<'a, ()> {
        Box::pin(async move { self.asked(format!("candidate {peer} {candidate}"), Some(session)) })
    }

    fn set_role<'a>(&'a self, session: &'a str, peer: &'a str, role: Role) -> Answer<'a, ()> {
        Box::pin(async move { self.asked(format!("role {peer} {}", word(role)), Some(session)) })
    }

    fn steer<'a>(
        &'a self,
        session: &'a str,
        hand: &'a str,
        seat: u8,
        pad: Option<PadState>,
    ) -> Answer<'a, ()> {
        let pad = pad.map_or_else(|| "gone".to_owned(), |pad| format!("{:?} {}", pad.axes, pad.buttons));
        Box::pin(async move { self.asked(format!("steer {hand} {seat} {pad}"), Some(session)) })
    }

    fn close_peer<'a>(&'a self, session: &'a str, peer: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.asked(format!("close {peer}"), Some(session)) })
    }

    fn clip<'a>(&'a self, session: &'a str, path: PathBuf, seconds: u32) -> Answer<'a, u64> {
        Box::pin(async move {
            self.asked(format!("clip {seconds}"), Some(session))?;
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(10_000).collect();
            std::fs::write(&path, bytes).map_err(|error| NodeError::Process(error.to_string()))?;
            Ok(u64::from(seconds) * 1000)
        })
    }

    fn on_air<'a>(&'a self, session: &'a str, publisher: Publisher) -> Answer<'a, ()> {
        Box::pin(async move {
            self.asked("on air".to_owned(), Some(session))?;
            self.state.lock().unwrap().on_air.insert(session.to_owned(), publisher);
            Ok(())
        })
    }

    fn off_air<'a>(&'a self, session: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.asked("off air".to_owned(), Some(session))?;
            self.state.lock().unwrap().on_air.remove(session);
            Ok(())
        })
    }

    fn stats<'a>(&'a self, session: &'a str) -> Answer<'a, Stats> {
        Box::pin(async move {
            self.asked("stats".to_owned(), Some(session))?;
            Ok(Stats { frames_per_second: 59.5, encoder: "x264".to_owned(), ..Stats::default() })
        })
    }

    fn stop<'a>(&'a self, session: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.asked("stop".to_owned(), Some(session))?;
            self.state.lock().unwrap().sessions.remove(session);
            Ok(())
        })
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}

/// Carries no streams: remembers who came, and says what the test told it to.
#[derive(Default)]
pub(crate) struct Air {
    peers: Mutex<BTreeMap<String, Owner>>,
    calls: Mutex<Vec<String>>,
    refusal: Mutex<Option<WebrtcError>>,
}

impl Air {
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// The next offer is refused like that.
    pub(crate) fn refuse(&self, error: WebrtcError) {
        *self.refusal.lock().unwrap() = Some(error);
    }

    fn take_in(&self, call: String, peer: &str, owner: Owner) -> Result<String, WebrtcError> {
        self.calls.lock().unwrap().push(call);
        if let Some(error) = self.refusal.lock().unwrap().take() {
            return Err(error);
        }
        self.peers.lock().unwrap().insert(peer.to_owned(), owner);
        Ok("v=0\r\n".to_owned())
    }
}

impl Webrtc for Air {
    fn watch(&self, channel: &str, peer: &str, owner: &str, _offer: &str) -> Result<String, WebrtcError> {
        self.take_in(format!("watch {channel}"), peer, Owner::Account(owner.to_owned()))
    }

    fn publish(
        &self,
        admission: &Admission,
        key: &str,
        peer: &str,
        _offer: &str,
    ) -> Result<String, WebrtcError> {
        self.take_in(format!("publish {}", admission.channel), peer, Owner::Key(key.to_owned()))
    }

    fn owner(&self, peer: &str) -> Option<Owner> {
        self.peers.lock().unwrap().get(peer).cloned()
    }

    fn candidate(&self, _peer: &str, candidate: &str) -> Result<(), WebrtcError> {
        self.calls.lock().unwrap().push(candidate.to_owned());
        Ok(())
    }

    fn close(&self, peer: &str) -> Result<(), WebrtcError> {
        self.peers.lock().unwrap().remove(peer);
        Ok(())
    }
}
