//! Who is sent which quality: the players' own, or the one that spectators on narrow paths share.
//!
//! Invariants, which the tests hold against random operations:
//! - a player is always sent the players' quality, from the moment that it has its seat;
//! - a spectator leaves it only after its path has been too narrow for a while, and comes back only after the path
//!   has been wide enough for longer; each time that this fails it is longer still, so that nobody swings;
//! - where nobody has played for a while, all share one quality, and there is one encode.

use std::collections::BTreeMap;
use std::time::Duration;

use playhouse_media::time::Timestamp;

use crate::rate::{Report, budget};

/// The players' quality, which everybody begins with.
pub const PLAYERS: u8 = 0;

/// The quality of spectators whose paths do not carry the players'.
pub const SPECTATORS: u8 = 1;

/// How many there are: each costs an encode while it is used.
pub const COUNT: usize = 2;

/// How long a path has to be too narrow before its spectator leaves the players' quality: a dip is not worth a
/// keyframe and a change of size.
const NARROW_FOR: Duration = Duration::from_secs(1);

/// How long a path has to be wide enough before its spectator comes back: at first, and at most after failures.
const WIDE_FOR: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(64));

/// A spectator who came back and stays for so long has succeeded.
const SUCCESS: Duration = Duration::from_secs(20);

/// Share of the players' bitrate, in hundredths, that a path has to have room for before its spectator comes back.
/// Estimates of two equal paths differ by some hundredths, and an equal path has to be wide enough.
const WIDE: u64 = 95;

/// How long after the last player two qualities are kept: a page that is loaded again, or a seat that is passed on,
/// must not cost the next player the bitrate.
const EMPTY_SEATS: Duration = Duration::from_secs(10);

/// All peers of a session and the quality of each.
#[derive(Debug, Default)]
pub struct Qualities {
    peers: BTreeMap<String, Peer>,
    /// When somebody was last seen to play.
    played: Option<Timestamp>,
    /// The spectators' quality cannot be had.
    single: bool,
}

#[derive(Debug)]
struct Peer {
    plays: bool,
    quality: u8,
    /// Wants less than the players' quality, however wide its path is.
    modest: bool,
    narrow_since: Option<Timestamp>,
    wide_since: Option<Timestamp>,
    wide_for: Duration,
    /// When it last came back, until that has succeeded or failed.
    returned: Option<Timestamp>,
}

impl Peer {
    fn new(plays: bool) -> Self {
        Self {
            plays,
            quality: PLAYERS,
            modest: false,
            narrow_since: None,
            wide_since: None,
            wide_for: WIDE_FOR.0,
            returned: None,
        }
    }

    /// Both waits begin anew with each quality.
    fn change(&mut self, quality: u8) {
        self.quality = quality;
        self.narrow_since = None;
        self.wide_since = None;
    }

    /// Compares the path with what the players' quality takes.
    fn weigh(&mut self, report: Report, bitrate: u32, now: Timestamp) {
        if self.returned.is_some_and(|at| now.since(at) >= SUCCESS) {
            self.returned = None;
            self.wide_for = WIDE_FOR.0;
        }
        let (narrow, wide) = (is_narrow(report, bitrate), is_wide(report, bitrate));
        self.narrow_since = narrow.then(|| self.narrow_since.unwrap_or(now));
        self.wide_since = wide.then(|| self.wide_since.unwrap_or(now));
        let over = |since: Option<Timestamp>, span| since.is_some_and(|since| now.since(since) >= span);
        if self.quality == PLAYERS && over(self.narrow_since, NARROW_FOR) {
            if self.returned.take().is_some() {
                self.wide_for = (self.wide_for * 2).min(WIDE_FOR.1);
            }
            self.change(SPECTATORS);
        } else if self.quality == SPECTATORS && over(self.wide_since, self.wide_for) {
            self.returned = Some(now);
            self.change(PLAYERS);
        }
    }
}

impl Qualities {
    /// Nobody is there yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A peer is there, or plays from now on, or only watches.
    pub fn join(&mut self, peer: &str, plays: bool, now: Timestamp) {
        self.look_for_players(now);
        let known = self.peers.entry(peer.to_owned()).or_insert_with(|| Peer::new(plays));
        known.plays = plays;
        if plays {
            known.change(PLAYERS);
        }
        self.look_for_players(now);
        self.part(now);
    }

    /// A peer is gone.
    pub fn leave(&mut self, peer: &str, now: Timestamp) {
        self.look_for_players(now);
        self.peers.remove(peer);
    }

    /// A spectator wants less than the players' quality, or takes what its path carries.
    pub fn wish(&mut self, peer: &str, modest: bool, now: Timestamp) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.modest = modest;
        }
        self.part(now);
    }

    /// Takes what is known of a peer's path, and the bits per second that the players' quality takes now.
    pub fn report(&mut self, peer: &str, report: Report, bitrate: u32, now: Timestamp) {
        self.look_for_players(now);
        if self.part(now)
            && let Some(peer) = self.peers.get_mut(peer).filter(|peer| !peer.plays && !peer.modest)
        {
            peer.weigh(report, bitrate, now);
        }
    }

    /// The spectators' quality cannot be had any more: everybody is sent the players'.
    pub fn close_second(&mut self) {
        self.single = true;
        self.unite();
    }

    /// The quality that a peer is to be sent.
    pub fn of(&self, peer: &str) -> u8 {
        self.peers.get(peer).map_or(PLAYERS, |peer| peer.quality)
    }

    /// Peers of a quality.
    pub fn members(&self, quality: u8) -> impl Iterator<Item = &str> {
        self.peers.iter().filter(move |(_, peer)| peer.quality == quality).map(|(id, _)| id.as_str())
    }

    fn look_for_players(&mut self, now: Timestamp) {
        if self.peers.values().any(|peer| peer.plays) {
            self.played = Some(now);
        }
    }

    /// Gives whether there are two qualities now; where there are not, nobody is left on the second.
    fn part(&mut self, now: Timestamp) -> bool {
        let parted = !self.single && self.played.is_some_and(|at| now.since(at) < EMPTY_SEATS);
        if parted {
            for peer in self.peers.values_mut().filter(|peer| peer.modest && !peer.plays) {
                peer.change(SPECTATORS);
            }
        } else {
            self.unite();
        }
        parted
    }

    fn unite(&mut self) {
        for peer in self.peers.values_mut() {
            peer.change(PLAYERS);
        }
    }
}

/// Whether a path does not even carry the pictures themselves.
fn is_narrow(report: Report, bitrate: u32) -> bool {
    let loss = if report.loss.is_finite() { report.loss.clamp(0.0, 1.0) } else { 0.0 };
    f64::from(report.estimate) * f64::from(1.0 - loss) < f64::from(bitrate)
}

/// Whether a path has the room that a player's would need.
fn is_wide(report: Report, bitrate: u32) -> bool {
    u64::from(budget(report)) * 100 >= u64::from(bitrate) * WIDE
}

#[cfg(test)]
mod tests;
