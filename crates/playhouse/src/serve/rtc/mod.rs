//! Live streams by WebRTC: the hub's streams and the network's loops put together.
//!
//! A channel that somebody watches by WHEP has one [`feed`], which takes the stream from the hub and gives it to the
//! loops. A publisher by WHIP is an [`intake`], called by its loop for each picture and packet of sound.

mod feed;
mod intake;
mod sound;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use playhouse_live::{Admission, Door, Hub, Protocol};
use playhouse_media::live::{Format, VideoCodec};
use playhouse_net::live::{Event, Handle, Net, Stream};
use playhouse_net::{Error, MAX_LIVE_PEERS};
use playhouse_server::webrtc::{Owner, Webrtc, WebrtcError};

use self::intake::Intake;

/// Threads that send to viewers at most: more than this fills the usual line many times.
const MAX_LOOPS: usize = 8;

/// How often it is asked whether a publisher's key still opens its channel.
const REVIEW: Duration = Duration::from_secs(3);

/// Why a browser is sent no stream with B-frames: it shows pictures in the order in which they come.
const REORDERED: &str = "The stream has B-frames, which browsers do not take by WebRTC. Watch it with a little more \
                         delay, or let its publisher turn B-frames off.";

/// Where the loops listen.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) ports: RangeInclusive<u16>,
}

/// Live streams by WebRTC.
pub(super) struct Rtc {
    hub: Arc<Hub>,
    door: Arc<dyn Door>,
    places: Places,
    state: Mutex<State>,
    runtime: tokio::runtime::Handle,
    this: Weak<Self>,
}

#[derive(Default)]
struct State {
    /// Made when the first peer comes.
    loops: Vec<Net>,
    peers: HashMap<String, Peer>,
    channels: HashMap<String, Channel>,
}

struct Peer {
    handle: Handle,
    owner: Owner,
    channel: String,
    /// For a publisher.
    intake: Option<Arc<Mutex<Intake>>>,
}

/// A channel that is watched.
struct Channel {
    stream: Arc<Stream>,
    viewers: usize,
    task: tokio::task::JoinHandle<()>,
}

impl Rtc {
    /// Nothing is listened at before somebody comes. To be called within the runtime that the work is done on.
    pub(super) fn new(hub: Arc<Hub>, door: Arc<dyn Door>, places: Places) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            hub,
            door,
            places,
            state: Mutex::default(),
            runtime: tokio::runtime::Handle::current(),
            this: this.clone(),
        })
    }

    /// Says good-bye to everybody.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        let loops = std::mem::take(&mut state.loops);
        for (_, channel) in state.channels.drain() {
            channel.task.abort();
        }
        drop(state);
        // Their last events take the lock.
        drop(loops);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loop with the fewest peers.
    fn handle(&self, state: &mut State) -> Result<Handle, WebrtcError> {
        if state.loops.is_empty() {
            let count = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, MAX_LOOPS);
            for number in 0..count {
                state.loops.push(self.start(number).map_err(|error| WebrtcError::Failed(error.to_string()))?);
            }
        }
        let handles = state.loops.iter().map(Net::handle);
        handles.min_by_key(Handle::peers).ok_or_else(|| WebrtcError::Failed("There is no loop.".to_owned()))
    }

    fn start(&self, number: usize) -> Result<Net, Error> {
        let config = playhouse_net::Config {
            addresses: self.places.addresses.clone(),
            ports: self.places.ports.clone(),
            peers: MAX_LIVE_PEERS,
            ..playhouse_net::Config::default()
        };
        let this = self.this.clone();
        let events = move |event| {
            if let Some(this) = this.upgrade() {
                this.event(event);
            }
        };
        playhouse_net::live::start(&format!("live-{number}"), config, Box::new(events))
    }

    /// Called by a loop.
    fn event(&self, event: Event) {
        match event {
            Event::Received { peer, media } => {
                let intake = self.lock().peers.get(&*peer).and_then(|peer| peer.intake.clone());
                let Some(intake) = intake else { return };
                let ended = intake.lock().unwrap_or_else(PoisonError::into_inner).take(&media).is_err();
                if ended {
                    tracing::info!(%peer, "a publisher was replaced");
                    self.close(&peer).unwrap_or_default();
                }
            }
            Event::KeyframeWanted { stream } => self.want_keyframe(&stream),
            Event::Closed { peer, reason } => {
                tracing::info!(%peer, %reason, "a connection to a live stream is over");
                self.forget(&peer);
            }
            Event::Connected { .. } => {}
        }
    }

    /// Asks whoever publishes a channel by WHIP; others send keyframes when they like.
    fn want_keyframe(&self, channel: &str) {
        let state = self.lock();
        let publisher = state.peers.iter().find(|(_, peer)| peer.intake.is_some() && peer.channel == channel);
        if let Some((id, peer)) = publisher
            && let Err(error) = peer.handle.want_keyframe(id)
        {
            tracing::debug!(%error, channel, "a publisher was not asked for a keyframe");
        }
    }

    fn forget(&self, id: &str) {
        let mut state = self.lock();
        let Some(peer) = state.peers.remove(id) else { return };
        if peer.intake.is_none()
            && let Some(channel) = state.channels.get_mut(&peer.channel)
        {
            channel.viewers -= 1;
            if channel.viewers == 0 {
                channel.task.abort();
                state.channels.remove(&peer.channel);
            }
        }
        drop(state);
        // The hub is told of the publisher's end without the lock.
        drop(peer);
    }

    /// Sends what a stream was given.
    fn advance(&self, stream: &Arc<Stream>) {
        for handle in self.lock().loops.iter().map(Net::handle) {
            handle.advance(stream);
        }
    }

    /// Ends everybody who watches a stream.
    fn end(&self, stream: &Arc<Stream>) {
        for handle in self.lock().loops.iter().map(Net::handle) {
            if let Err(error) = handle.close_stream(stream) {
                tracing::debug!(%error, "viewers of a stream that is over were not told");
            }
        }
    }

    /// Whether a channel's stream can be sent.
    fn suitable(&self, channel: &str) -> Result<(), WebrtcError> {
        let stream = self.hub.stream(channel).ok_or(WebrtcError::NotLive)?;
        let formats = stream.formats();
        let video = formats.iter().find_map(|format| match format {
            Format::Video { codec, .. } => Some(*codec),
            Format::Audio { .. } => None,
        });
        match video {
            Some(VideoCodec::H264) if stream.reorders() => Err(WebrtcError::Unsuitable(REORDERED.to_owned())),
            Some(VideoCodec::H264) => Ok(()),
            Some(codec) => Err(WebrtcError::Unsuitable(format!(
                "The stream's pictures are coded as {codec:?}, which is sent in segments only. Watch it with a \
                 little more delay."
            ))),
            None if formats.is_empty() => Err(WebrtcError::NotLive),
            None => Err(WebrtcError::Unsuitable("The stream has no picture.".to_owned())),
        }
    }

    /// Ends a publisher whose key is revoked or whose channel is gone.
    async fn review(self: Arc<Self>, id: String, key: String, channel: String) {
        let nowhere = IpAddr::from([0, 0, 0, 0]);
        loop {
            tokio::time::sleep(REVIEW).await;
            if !self.lock().peers.contains_key(&id) {
                return;
            }
            let admitted = self.door.admit(&key, Protocol::Whip, nowhere).await;
            if !admitted.is_ok_and(|admission| admission.channel == channel) {
                tracing::info!(channel, "a publisher's key opens its channel no longer");
                self.close(&id).unwrap_or_default();
                return;
            }
        }
    }
}

impl Webrtc for Rtc {
    fn watch(&self, channel: &str, peer: &str, owner: &str, offer: &str) -> Result<String, WebrtcError> {
        self.suitable(channel)?;
        let mut state = self.lock();
        let handle = self.handle(&mut state)?;
        let this = self.this.clone();
        let there = state.channels.entry(channel.to_owned()).or_insert_with(|| {
            let stream = Stream::new(channel);
            let task = self.runtime.spawn(feed::run(this, Arc::clone(&self.hub), Arc::clone(&stream)));
            Channel { stream, viewers: 0, task }
        });
        there.viewers += 1;
        let stream = Arc::clone(&there.stream);
        let record = Peer {
            handle: handle.clone(),
            owner: Owner::Account(owner.to_owned()),
            channel: channel.to_owned(),
            intake: None,
        };
        state.peers.insert(peer.to_owned(), record);
        drop(state);
        handle.watch(peer, offer, &stream).map_err(|error| {
            self.forget(peer);
            refused(&error)
        })
    }

    fn publish(
        &self,
        admission: &Admission,
        key: &str,
        peer: &str,
        offer: &str,
    ) -> Result<String, WebrtcError> {
        let handle = self.handle(&mut self.lock())?;
        let answer = {
            // The offer is looked at before anybody is replaced for it; nothing is received before the answer is out.
            let answer = handle.publish(peer, offer).map_err(|error| refused(&error))?;
            let publisher = self.hub.publish(admission, Protocol::Whip).map_err(|refusal| {
                handle.close(peer).unwrap_or_default();
                WebrtcError::Taken(refusal.0)
            })?;
            let sound = answer.contains("m=audio ") && !answer.contains("m=audio 0");
            let intake = Intake::new(publisher, sound).map(|intake| Arc::new(Mutex::new(intake)));
            let record = Peer {
                handle,
                owner: Owner::Key(key.to_owned()),
                channel: admission.channel.clone(),
                intake,
            };
            self.lock().peers.insert(peer.to_owned(), record);
            answer
        };
        if let Some(this) = self.this.upgrade() {
            self.runtime.spawn(this.review(peer.to_owned(), key.to_owned(), admission.channel.clone()));
        }
        Ok(answer)
    }

    fn owner(&self, peer: &str) -> Option<Owner> {
        self.lock().peers.get(peer).map(|peer| peer.owner.clone())
    }

    fn candidate(&self, peer: &str, candidate: &str) -> Result<(), WebrtcError> {
        let handle = self.lock().peers.get(peer).map(|peer| peer.handle.clone());
        handle.map_or(Ok(()), |handle| handle.candidate(peer, candidate)).map_err(|error| refused(&error))
    }

    fn close(&self, peer: &str) -> Result<(), WebrtcError> {
        let handle = self.lock().peers.get(peer).map(|peer| peer.handle.clone());
        let closed = handle.map_or(Ok(()), |handle| handle.close(peer)).map_err(|error| refused(&error));
        self.forget(peer);
        closed
    }
}

fn refused(error: &Error) -> WebrtcError {
    match error {
        Error::Offer(error) => WebrtcError::Refused(sentence(&error.to_string())),
        Error::Full(_) => WebrtcError::Busy("As many people watch as this machine can serve.".to_owned()),
        error => WebrtcError::Failed(sentence(&error.to_string())),
    }
}

/// A message as a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
