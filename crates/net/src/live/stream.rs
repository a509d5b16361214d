//! A live stream in packets, from its newest keyframe on, shared by everybody who watches it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use playhouse_media::time::Timestamp;

use super::Kind;
use super::packets;
use crate::config::KEYFRAME_RETRY;

/// Bytes from the newest keyframe on with which a newcomer begins; one that would be sent more waits for the next
/// keyframe, since catching up would take longer.
const MAX_CATCH_UP: usize = 8 << 20;

/// Units that are kept although a newer keyframe is there, for viewers that are about to be sent them.
const LATE: u64 = 32;

/// Units kept at most: half a minute of pictures and sound without a keyframe.
const MAX_UNITS: usize = 4096;

/// Ticks of the clock of pictures between two pictures that are sent to catch up: they are to be decoded at once.
const CATCH_UP_TICKS: u32 = 90;

/// A live stream on its way to viewers.
#[derive(Debug)]
pub struct Stream {
    name: Arc<str>,
    begun: Instant,
    ring: Mutex<Ring>,
}

/// A picture or a packet of sound.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) keyframe: bool,
    /// When it is shown, in RTP.
    pub(super) rtp: u32,
    /// When it is shown, on our clock.
    pub(super) wall: Instant,
    pub(super) payloads: Vec<Arc<[u8]>>,
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
struct Ring {
    units: VecDeque<Arc<Unit>>,
    /// The number of the next unit.
    next: u64,
    /// The newest keyframe, and the bytes from it on.
    keyframe: Option<u64>,
    bytes: usize,
    /// What is added to the publisher's time, in microseconds, so that the stream goes on where it is.
    offset: Option<i128>,
    asked: Option<Instant>,
}

/// Where a newcomer begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// The keyframe.
    pub(super) first: u64,
    /// The first unit that is not sent to catch up.
    pub(super) live: u64,
    /// The time of that one, in RTP.
    rtp: u32,
}

impl Start {
    /// Begins there too, with each unit at its own time.
    pub(super) fn without_past(self) -> Self {
        Self { live: self.first, ..self }
    }

    /// The time that a unit is sent with: those to catch up with follow upon each other at once.
    pub(super) fn rtp(&self, unit: &Unit) -> u32 {
        let before = self.live.saturating_sub(unit.number);
        if before <= 1 {
            return unit.rtp;
        }
        let before = u32::try_from(before - 1).unwrap_or(u32::MAX);
        self.rtp.wrapping_sub(before.wrapping_mul(CATCH_UP_TICKS))
    }
}

impl Stream {
    /// A stream to which nothing has been given.
    pub fn new(name: &str) -> Arc<Self> {
        Arc::new(Self { name: Arc::from(name), begun: Instant::now(), ring: Mutex::default() })
    }

    /// Its name, as in [`Event::KeyframeWanted`](super::Event::KeyframeWanted).
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Takes a picture: its NAL units without start codes, with parameter sets in front of a keyframe.
    /// [`Handle::advance`](super::Handle::advance) sends it.
    pub fn picture<'a>(&self, units: impl Iterator<Item = &'a [u8]>, pts: Timestamp, keyframe: bool) {
        self.push(Kind::Picture, packets::payloads(units), pts, keyframe);
    }

    /// Takes an Opus packet.
    pub fn sound(&self, packet: Arc<[u8]>, pts: Timestamp) {
        self.push(Kind::Sound, vec![packet], pts, false);
    }

    /// What follows is of another publisher, whose clock is another one.
    pub fn restart(&self) {
        let mut ring = self.lock();
        ring.offset = None;
        ring.forget();
    }

    fn push(&self, kind: Kind, payloads: Vec<Arc<[u8]>>, pts: Timestamp, keyframe: bool) {
        if payloads.is_empty() {
            return;
        }
        let mut ring = self.lock();
        let since = self.begun.elapsed();
        let pts = i128::from(pts.as_micros());
        let offset = *ring.offset.get_or_insert_with(|| i128::try_from(since.as_micros()).unwrap_or(0) - pts);
        let at = Timestamp::from_micros(u64::try_from(pts + offset).unwrap_or(0));
        let bytes = payloads.iter().map(|payload| payload.len()).sum();
        let unit = Unit {
            number: ring.next,
            kind,
            keyframe,
            rtp: low_half(at.in_ticks(kind.clock())),
            wall: self.begun + Duration::from_micros(at.as_micros()),
            payloads,
            bytes,
        };
        ring.push(unit);
    }

    /// Where a newcomer can begin now, if it can.
    pub(super) fn start(&self) -> Option<Start> {
        let ring = self.lock();
        let first = ring.keyframe?;
        let rtp = ring.units.iter().rev().find(|unit| unit.kind == Kind::Picture)?.rtp;
        Some(Start { first, live: ring.next, rtp })
    }

    /// Whether a keyframe newer than `number` is there.
    pub(super) fn has_keyframe_after(&self, number: u64) -> bool {
        self.lock().keyframe.is_some_and(|keyframe| keyframe > number)
    }

    /// Whether there is something from `next` on.
    pub(super) fn is_ahead_of(&self, next: u64) -> bool {
        self.lock().next > next
    }

    /// Units from `next` on, of about so many bytes; where `next` is gone, from the newest keyframe on.
    pub(super) fn units(&self, next: u64, bytes: usize, into: &mut Vec<Arc<Unit>>) {
        let ring = self.lock();
        let Some(front) = ring.units.front().map(|unit| unit.number) else { return };
        let from = if next >= front { next } else { ring.keyframe.unwrap_or(ring.next) };
        let skip = usize::try_from(from.saturating_sub(front)).unwrap_or(usize::MAX);
        let mut sum = 0;
        for unit in ring.units.iter().skip(skip) {
            into.push(Arc::clone(unit));
            sum += unit.bytes;
            if sum >= bytes {
                return;
            }
        }
    }

    /// Whether the publisher is to be asked for a keyframe: not more often than it can answer.
    pub(super) fn ask(&self, now: Instant) -> bool {
        let mut ring = self.lock();
        let due = ring.asked.is_none_or(|asked| now.duration_since(asked) >= KEYFRAME_RETRY);
        if due {
            ring.asked = Some(now);
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, unit: Unit) {
        if unit.keyframe {
            self.keyframe = Some(unit.number);
            self.bytes = 0;
        }
        self.bytes += unit.bytes;
        self.next += 1;
        self.units.push_back(Arc::new(unit));
        if self.bytes > MAX_CATCH_UP || self.units.len() > MAX_UNITS {
            self.keyframe = None;
        }
        let from = self.keyframe.unwrap_or(self.next).saturating_sub(LATE);
        while self.units.front().is_some_and(|unit| unit.number < from) {
            self.units.pop_front();
        }
    }

    fn forget(&mut self) {
        self.units.clear();
        self.keyframe = None;
        self.bytes = 0;
    }
}

/// The part of an RTP timestamp that travels.
#[expect(clippy::cast_possible_truncation, reason = "RTP timestamps wrap at 32 bits (RFC 3550, 5.1)")]
fn low_half(ticks: u64) -> u32 {
    ticks as u32
}
