//! The node: starts session processes on this machine and passes messages between them and the server.

mod air;
mod child;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playhouse_live::Publisher;
use playhouse_play::control::{Ask, Role, SessionSpec, Stats, Tell};
use playhouse_play::input::PadState;
use playhouse_server::node::{Answer, Capacity, EncoderInfo, Event, Node, NodeError};
use tokio::sync::broadcast;

use self::child::Child;

/// Events kept for a reader that is slow: some seconds of a busy machine.
const EVENTS: usize = 1024;

/// The answer to an offer takes milliseconds; a machine under full load may need seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// A game is given three seconds to save before it is killed; then its processes are reaped.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// This machine.
pub struct LocalNode {
    program: PathBuf,
    limit: u32,
    sessions: Arc<Mutex<Sessions>>,
    events: broadcast::Sender<Event>,
}

type Sessions = HashMap<String, Arc<Child>>;

impl LocalNode {
    /// A node that runs at most `limit` sessions, each a process of `program`.
    pub fn new(program: PathBuf, limit: u32) -> Self {
        let (events, _) = broadcast::channel(EVENTS);
        Self { program, limit, sessions: Arc::default(), events }
    }

    /// Ends all sessions; done when their processes are gone.
    pub async fn stop_all(&self) {
        let children: Vec<_> = self.lock().values().cloned().collect();
        for child in &children {
            child.ask(Ask::Stop).await.ok();
        }
        for child in children {
            child.gone(STOP_WITHIN).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn child(&self, session: &str) -> Result<Arc<Child>, NodeError> {
        self.lock().get(session).cloned().ok_or_else(|| NodeError::NoSession(session.to_owned()))
    }

    async fn request(&self, session: &str, ask: impl FnOnce(u64) -> Ask) -> Result<Tell, NodeError> {
        self.child(session)?.request(ask, ANSWER_WITHIN).await
    }
}

impl Node for LocalNode {
    fn capacity(&self) -> Capacity {
        Capacity { running: u32::try_from(self.lock().len()).unwrap_or(u32::MAX), limit: self.limit }
    }

    fn encoders(&self) -> Vec<EncoderInfo> {
        let info = |found: playhouse_codec::video::Info| EncoderInfo {
            name: found.name.to_string(),
            unavailable: found.unavailable,
        };
        playhouse_codec::video::available().into_iter().map(info).collect()
    }

    fn start(&self, spec: SessionSpec) -> Answer<'_, ()> {
        Box::pin(async move {
            let id = spec.id.clone();
            let child = {
                let mut sessions = self.lock();
                if sessions.len() >= self.limit as usize {
                    return Err(NodeError::Full { limit: self.limit });
                }
                let on_end = {
                    let (sessions, id, folder) =
                        (Arc::downgrade(&self.sessions), id.clone(), spec.runtime.clone());
                    move || {
                        // A session that failed before it made its folder leaves none.
                        std::fs::remove_dir_all(folder).ok();
                        if let Some(sessions) = sessions.upgrade() {
                            sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                        }
                    }
                };
                let child = Child::spawn(&self.program, &id, self.events.clone(), on_end)?;
                sessions.insert(id, Arc::clone(&child));
                child
            };
            child.ask(Ask::Start(Box::new(spec))).await
        })
    }

    fn offer<'a>(&'a self, session: &'a str, peer: &'a str, role: Role, sdp: String) -> Answer<'a, String> {
        Box::pin(async move {
            let peer = peer.to_owned();
            match self.request(session, |request| Ask::Offer { request, peer, role, sdp }).await? {
                Tell::Answer { result, .. } => result.map_err(NodeError::Refused),
                _ => Err(NodeError::Process("it answered an offer with something else".to_owned())),
            }
        })
    }

    fn candidate<'a>(&'a self, session: &'a str, peer: &'a str, candidate: String) -> Answer<'a, ()> {
        let peer = peer.to_owned();
        Box::pin(async move { self.child(session)?.ask(Ask::Candidate { peer, candidate }).await })
    }

    fn set_role<'a>(&'a self, session: &'a str, peer: &'a str, role: Role) -> Answer<'a, ()> {
        let peer = peer.to_owned();
        Box::pin(async move { self.child(session)?.ask(Ask::SetRole { peer, role }).await })
    }

    fn steer<'a>(
        &'a self,
        session: &'a str,
        hand: &'a str,
        seat: u8,
        pad: Option<PadState>,
    ) -> Answer<'a, ()> {
        let hand = hand.to_owned();
        Box::pin(async move { self.child(session)?.ask(Ask::Steer { hand, seat, pad }).await })
    }

    fn close_peer<'a>(&'a self, session: &'a str, peer: &'a str) -> Answer<'a, ()> {
        let peer = peer.to_owned();
        Box::pin(async move { self.child(session)?.ask(Ask::ClosePeer { peer }).await })
    }

    fn clip<'a>(&'a self, session: &'a str, path: PathBuf, seconds: u32) -> Answer<'a, u64> {
        Box::pin(async move {
            match self.request(session, |request| Ask::Clip { request, path, seconds }).await? {
                Tell::Clip { result, .. } => result.map_err(NodeError::Refused),
                _ => Err(NodeError::Process("it answered a clip with something else".to_owned())),
            }
        })
    }

    fn on_air<'a>(&'a self, session: &'a str, publisher: Publisher) -> Answer<'a, ()> {
        Box::pin(async move { self.child(session)?.on_air(publisher).await })
    }

    fn off_air<'a>(&'a self, session: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.child(session)?.off_air().await })
    }

    fn stats<'a>(&'a self, session: &'a str) -> Answer<'a, Stats> {
        Box::pin(async move {
            match self.request(session, |request| Ask::Stats { request }).await? {
                Tell::Stats { stats, .. } => Ok(*stats),
                _ => Err(NodeError::Process(
                    "it answered a question for numbers with something else".to_owned(),
                )),
            }
        })
    }

    fn stop<'a>(&'a self, session: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let child = self.child(session)?;
            child.ask(Ask::Stop).await?;
            child.gone(STOP_WITHIN).await;
            Ok(())
        })
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}
