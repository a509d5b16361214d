//! One WebRTC connection, whatever it carries: what it hears, and how it ends.

use std::time::{Duration, Instant};

use str0m::net::Receive;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcError};

use crate::batch::Outbox;
use crate::config::MAX_CANDIDATES;
use crate::event::{CloseReason, PeerId};

/// How long a peer has to say good-bye before it is forgotten.
const FAREWELL: Duration = Duration::from_millis(500);

/// When a connection that is over is looked at again.
const NOTHING_TO_DO: Duration = Duration::from_millis(1);

/// A connection, from its answered offer on.
pub(crate) struct Connection {
    pub(crate) id: PeerId,
    pub(crate) rtc: Rtc,
    /// When it has to be driven again at the latest.
    pub(crate) due: Instant,
    candidates: usize,
    heard: Instant,
    ending: Option<(CloseReason, Instant)>,
}

impl Connection {
    /// A connection whose offer has been answered.
    pub(crate) fn new(id: PeerId, rtc: Rtc) -> Self {
        let now = Instant::now();
        Self { id, rtc, due: now, candidates: 0, heard: now, ending: None }
    }

    /// Whether it says good-bye already.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether it is over, and why.
    pub(crate) fn ended(&self, now: Instant) -> Option<CloseReason> {
        let (reason, at) = self.ending.as_ref()?;
        (!self.rtc.is_alive() || now >= *at + FAREWELL).then(|| reason.clone())
    }

    /// Whether a packet belongs to it.
    pub(crate) fn accepts(&self, input: &Input<'_>) -> bool {
        self.ending.is_none() && self.rtc.accepts(input)
    }

    /// Takes a packet that belongs to it.
    pub(crate) fn receive(&mut self, now: Instant, packet: Receive<'_>) {
        self.heard = now;
        let result = self.rtc.handle_input(Input::Receive(now, packet));
        self.check(result);
    }

    /// Lets time pass; one that has been silent for too long ends.
    pub(crate) fn tick(&mut self, now: Instant, silence: Duration) {
        if now.duration_since(self.heard) >= silence {
            self.end(CloseReason::Silent(silence));
        }
        let result = self.rtc.handle_input(Input::Timeout(now));
        self.check(result);
    }

    /// The end of the silence or of the farewell: times of ours that the protocol does not know.
    pub(crate) fn own_due(&self, silence: Duration) -> Instant {
        match &self.ending {
            Some((_, at)) => *at + FAREWELL,
            None => self.heard + silence,
        }
    }

    /// Adds a candidate that the other side found after its offer; whether there is something to do for it. Names
    /// (mDNS) and rubbish are ignored: whoever knows the password is answered, wherever it comes from.
    pub(crate) fn candidate(&mut self, line: &str) -> bool {
        self.candidates += 1;
        if self.candidates > MAX_CANDIDATES {
            return false;
        }
        let line = line.trim();
        let candidate = Candidate::from_sdp_string(line.strip_prefix("a=").unwrap_or(line));
        candidate.map(|candidate| self.rtc.add_remote_candidate(candidate)).is_ok()
    }

    /// Puts what is to be sent into the outbox until something happens, which is given; then until there is nothing
    /// more to do for now, and notes when there is again.
    pub(crate) fn next_event(&mut self, outbox: &mut Outbox) -> Option<Event> {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(packet)) => {
                    outbox.push(packet.source, packet.destination, packet.contents.into());
                }
                Ok(Output::Event(event)) => return Some(event),
                Ok(Output::Timeout(at)) => {
                    let now = Instant::now();
                    if at > now {
                        self.due = at;
                        return None;
                    }
                    let result = self.rtc.handle_input(Input::Timeout(now));
                    self.check(result);
                }
                Err(error) => self.fail(&error),
            }
            if !self.rtc.is_alive() {
                self.due = Instant::now() + NOTHING_TO_DO;
                return None;
            }
        }
    }

    /// Begins the end: says good-bye.
    pub(crate) fn end(&mut self, reason: CloseReason) {
        if self.ending.is_some() {
            return;
        }
        if self.rtc.close().is_err() {
            self.rtc.disconnect();
        }
        self.due = Instant::now();
        self.ending = Some((reason, self.due));
    }

    /// Ends when the protocol reports an error; the others go on.
    pub(crate) fn check(&mut self, result: Result<(), RtcError>) -> bool {
        match result {
            Ok(()) => true,
            Err(error) => {
                self.fail(&error);
                false
            }
        }
    }

    pub(crate) fn fail(&mut self, error: &RtcError) {
        tracing::info!(peer = %self.id, %error, "a connection failed");
        self.give_up(CloseReason::Failed(error.to_string()));
    }

    /// The protocol has panicked: nothing of it is touched again, not even to say good-bye.
    pub(crate) fn abandon(&mut self) {
        tracing::error!(peer = %self.id, "the protocol of a connection panicked");
        self.give_up(CloseReason::Failed("the protocol met something it could not handle".to_owned()));
    }

    fn give_up(&mut self, reason: CloseReason) {
        self.rtc.disconnect();
        self.due = Instant::now();
        self.ending.get_or_insert((reason, self.due));
    }
}
