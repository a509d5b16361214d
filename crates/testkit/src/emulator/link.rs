//! One direction of a network, as a pure machine: times are spans since it began.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Bytes that wait before a narrow pipe where nothing else is said: a home router's.
const QUEUE_BYTES: usize = 64 * 1024;
/// Packets under way at most; beyond it they are dropped, whatever the profile says.
const UNDER_WAY: usize = 65_536;

/// What a link does to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Time that every packet takes.
    pub delay: Duration,
    /// Up to so much more, evenly spread, packets staying in order.
    pub jitter: Duration,
    /// Share of packets that vanish, 0 to 1.
    pub loss: f64,
    /// Packets that others overtake.
    pub reordering: Option<Reordering>,
    /// Bits per second that fit through, or no limit.
    pub rate: Option<u64>,
    /// Bytes that may wait for the pipe; what does not fit is dropped.
    pub queue: usize,
}

impl Default for Profile {
    /// A perfect link.
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: 0.0,
            reordering: None,
            rate: None,
            queue: QUEUE_BYTES,
        }
    }
}

/// Some packets are held back while others pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reordering {
    /// Share of packets that are held, 0 to 1.
    pub share: f64,
    /// How long at most.
    pub hold: Duration,
    /// Packets that overtake a held one at most.
    pub limit: u32,
}

/// Profiles and when each begins, in order of time; the first holds from the beginning.
#[derive(Clone, Debug, Default)]
pub struct Schedule(Vec<(Duration, Profile)>);

impl Schedule {
    /// One profile for good.
    pub fn always(profile: Profile) -> Self {
        Self(vec![(Duration::ZERO, profile)])
    }

    /// Another profile from `at` on.
    #[must_use]
    pub fn then(mut self, at: Duration, profile: Profile) -> Self {
        self.0.push((at, profile));
        self.0.sort_by_key(|(from, _)| *from);
        self
    }

    fn at(&self, now: Duration) -> Profile {
        self.0
            .iter()
            .rev()
            .find(|(from, _)| *from <= now)
            .or(self.0.first())
            .map(|(_, p)| *p)
            .unwrap_or_default()
    }
}

/// What became of the packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Packets that came out.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Dropped because the queue was full.
    pub overflowed: u64,
}

/// One direction of a network. `T` is what a packet carries besides its size.
#[derive(Debug)]
pub struct Link<T> {
    schedule: Schedule,
    /// When the schedule began.
    since: Duration,
    random: StdRng,
    /// When the narrow pipe has sent what it was given.
    pipe_free: Duration,
    /// Sizes of packets before the pipe, with the time each is through.
    queue: VecDeque<(Duration, usize)>,
    queued: usize,
    /// Packets in order, by the time they are due, never falling.
    line: VecDeque<Packet<T>>,
    held: Vec<(Packet<T>, u32)>,
    passed: Passed,
}

/// Where a packet waits.
#[derive(Clone, Copy, Debug)]
enum Place {
    Line,
    Held(usize),
}

#[derive(Debug)]
struct Packet<T> {
    due: Duration,
    size: usize,
    load: T,
    /// Place in the order of sending.
    number: u64,
}

impl<T> Link<T> {
    /// A link that follows `schedule`; the same seed does the same to the same packets.
    pub fn new(seed: u64, schedule: Schedule) -> Self {
        Self {
            schedule,
            since: Duration::ZERO,
            random: StdRng::seed_from_u64(seed),
            pipe_free: Duration::ZERO,
            queue: VecDeque::new(),
            queued: 0,
            line: VecDeque::new(),
            held: Vec::new(),
            passed: Passed::default(),
        }
    }

    /// Follows another schedule, whose times count from `now`. What is under way stays so.
    pub fn follow(&mut self, now: Duration, schedule: Schedule) {
        self.schedule = schedule;
        self.since = now;
    }

    /// A packet of `size` bytes goes in at `now`.
    pub fn send(&mut self, now: Duration, size: usize, load: T) {
        let profile = self.schedule.at(now.saturating_sub(self.since));
        // Each packet draws the same numbers whatever the profile is, so that a change of one setting leaves the
        // luck of the others as it was.
        let [loss, jitter, hold, held_for]: [f64; 4] = self.random.random();
        if loss < profile.loss {
            self.passed.lost += 1;
            return;
        }
        let Some(through) = self.through_pipe(now, size, &profile) else {
            self.passed.overflowed += 1;
            return;
        };
        let number = self.passed.packets + self.under_way() as u64;
        let due = through + profile.delay + profile.jitter.mul_f64(jitter);
        let due = self.line.back().map_or(due, |before| due.max(before.due));
        if let Some(order) = profile.reordering
            && hold < order.share
            && order.limit > 0
        {
            let due = due + order.hold.mul_f64(held_for);
            self.held.push((Packet { due, size, load, number }, order.limit));
        } else {
            self.line.push_back(Packet { due, size, load, number });
        }
    }

    /// The next packet that is due at `now`, with the time it was.
    pub fn receive(&mut self, now: Duration) -> Option<(Duration, T)> {
        let (due, place) = self.first().filter(|(due, _)| *due <= now)?;
        let packet = match place {
            Place::Line => self.line.pop_front()?,
            Place::Held(at) => self.held.remove(at).0,
        };
        for (waiting, left) in &mut self.held {
            if waiting.number < packet.number {
                *left = left.saturating_sub(1);
            }
        }
        self.passed.packets += 1;
        self.passed.bytes += packet.size as u64;
        Some((due, packet.load))
    }

    /// When the next packet is due.
    pub fn next(&self) -> Option<Duration> {
        self.first().map(|(due, _)| due)
    }

    /// The packet that comes out next: the one that is due first, unless another was overtaken as often as allowed.
    fn first(&self) -> Option<(Duration, Place)> {
        let line = self.line.front().map(|p| ((p.due, p.number), Place::Line));
        let held = self.held.iter().enumerate().map(|(at, (p, _))| ((p.due, p.number), Place::Held(at)));
        let ((due, _), first) = line.into_iter().chain(held).min_by_key(|(order, _)| *order)?;
        let stuck = self.held.iter().enumerate().filter(|(_, (_, left))| *left == 0);
        let stuck = stuck.min_by_key(|(_, (p, _))| p.number).map(|(at, _)| Place::Held(at));
        Some((due, stuck.unwrap_or(first)))
    }

    /// What became of the packets so far.
    pub fn passed(&self) -> Passed {
        self.passed
    }

    fn under_way(&self) -> usize {
        self.line.len() + self.held.len()
    }

    /// When a packet is through the narrow pipe, or nothing where it does not fit into the queue.
    fn through_pipe(&mut self, now: Duration, size: usize, profile: &Profile) -> Option<Duration> {
        while let Some((through, size)) = self.queue.front().copied()
            && through <= now
        {
            self.queue.pop_front();
            self.queued -= size;
        }
        if self.under_way() >= UNDER_WAY {
            return None;
        }
        let Some(rate) = profile.rate else { return Some(now.max(self.pipe_free)) };
        if self.queued + size > profile.queue && !self.queue.is_empty() {
            return None;
        }
        let sending = Duration::from_secs_f64(size as f64 * 8.0 / rate.max(1) as f64);
        self.pipe_free = self.pipe_free.max(now) + sending;
        self.queue.push_back((self.pipe_free, size));
        self.queued += size;
        Some(self.pipe_free)
    }
}

#[cfg(test)]
mod tests;
