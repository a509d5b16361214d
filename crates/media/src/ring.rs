//! The last minute of a session, ready to be cut out: bounded by time and by bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::sample::{AccessUnit, AudioPacket};
use crate::time::Timestamp;

/// How far back a clip can reach, and the time to the keyframe before it.
const SPAN: Duration = Duration::from_secs(60 + 12);

/// Bytes kept: a minute at 8 Mbit/s, which is the most that a session sends by default.
const MAX_BYTES: usize = 64 << 20;

/// The newest samples of a session; the oldest video sample is always a keyframe.
#[derive(Debug, Default)]
pub struct Ring {
    /// Groups of pictures (GOPs): each begins with a keyframe and is never empty.
    groups: VecDeque<Vec<Arc<AccessUnit>>>,
    audio: VecDeque<Arc<AudioPacket>>,
    bytes: usize,
}

/// A piece of a session: begins with a keyframe, has one picture size, and sound from there on.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Access units in order; never empty, the first is a keyframe.
    pub video: Vec<Arc<AccessUnit>>,
    /// Packets that begin within the piece, in order; gaps are silence.
    pub audio: Vec<Arc<AudioPacket>>,
    /// When the piece ends: the last picture stands until then.
    pub end: Timestamp,
}

impl Ring {
    /// Adds a picture. What comes before the first keyframe is of no use and is left out.
    pub fn video(&mut self, unit: Arc<AccessUnit>) {
        let (bytes, newest) = (unit.data.len(), unit.pts);
        match self.groups.back_mut() {
            Some(group) if !unit.keyframe => group.push(unit),
            _ if unit.keyframe => self.groups.push_back(vec![unit]),
            _ => return,
        }
        self.bytes += bytes;
        self.forget(newest);
    }

    /// Adds a packet of sound.
    pub fn audio(&mut self, packet: Arc<AudioPacket>) {
        self.bytes += packet.data.len();
        let newest = packet.pts;
        self.audio.push_back(packet);
        self.forget(newest);
    }

    /// The last `length` up to `now`, from the keyframe at or before its beginning. It begins later where that
    /// much is not there, or where the picture changed its size in between. Nothing before the first picture.
    pub fn clip(&self, length: Duration, now: Timestamp) -> Option<Clip> {
        let last = self.groups.back()?.last()?;
        let (end, size) = (now.max(last.pts), last.size);
        let begin = now - length;
        let mut from = self.groups.len();
        for (at, group) in self.groups.iter().enumerate().rev() {
            let first = group.first()?;
            if first.size != size {
                break;
            }
            from = at;
            if first.pts <= begin {
                break;
            }
        }
        let video: Vec<_> = self.groups.iter().skip(from).flatten().cloned().collect();
        let start = video.first()?.pts;
        let audio = self.audio.iter().filter(|packet| packet.pts >= start).cloned().collect();
        Some(Clip { video, audio, end })
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn forget(&mut self, newest: Timestamp) {
        let horizon = newest - SPAN;
        let reaches = |group: &Vec<Arc<AccessUnit>>| group.first().is_some_and(|unit| unit.pts <= horizon);
        while self.groups.len() > 1 && (self.bytes > MAX_BYTES || self.groups.get(1).is_some_and(reaches)) {
            for unit in self.groups.pop_front().into_iter().flatten() {
                self.bytes -= unit.data.len();
            }
        }
        let begin = self.groups.front().and_then(|group| group.first()).map_or(horizon, |unit| unit.pts);
        while self.audio.front().is_some_and(|packet| packet.pts < begin) {
            if let Some(packet) = self.audio.pop_front() {
                self.bytes -= packet.data.len();
            }
        }
        // A stream that never has a second keyframe would grow without limit.
        if self.bytes > 2 * MAX_BYTES {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Size, Timeline};

    fn unit(millis: u64, keyframe: bool, width: u32) -> Arc<AccessUnit> {
        Arc::new(AccessUnit {
            data: Arc::from(vec![0; 1000]),
            keyframe,
            pts: Timestamp::from_micros(millis * 1000),
            size: Size::new(width, 720),
            timeline: Timeline::default(),
        })
    }

    fn packet(millis: u64) -> Arc<AudioPacket> {
        let pts = Timestamp::from_micros(millis * 1000);
        Arc::new(AudioPacket { data: Arc::from(vec![0; 100]), pts, duration: Duration::from_millis(10) })
    }

    fn filled(millis: u64) -> Ring {
        let mut ring = Ring::default();
        for at in (0..millis).step_by(20) {
            ring.video(unit(at, at % 4000 == 0, 1280));
            ring.audio(packet(at));
        }
        ring
    }

    #[test]
    fn a_clip_begins_with_the_keyframe_before_the_wish() {
        let clip = filled(30_000).clip(Duration::from_secs(10), Timestamp::from_micros(30_000_000)).unwrap();
        assert!(clip.video[0].keyframe);
        assert_eq!(clip.video[0].pts.as_micros(), 20_000_000);
        assert_eq!(clip.audio[0].pts.as_micros(), 20_000_000);
    }

    #[test]
    fn an_hour_of_play_keeps_a_minute() {
        let ring = filled(3_600_000);
        let units: Vec<_> = ring.groups.iter().flatten().collect();
        assert!(units[0].keyframe);
        let kept = units[units.len() - 1].pts.since(units[0].pts);
        assert!(kept >= Duration::from_secs(60) && kept <= Duration::from_secs(80), "{kept:?}");
        assert_eq!(ring.bytes(), units.len() * 1000 + ring.audio.len() * 100);
    }

    #[test]
    fn a_clip_has_one_size() {
        let mut ring = filled(10_000);
        ring.video(unit(10_000, true, 960));
        ring.video(unit(10_020, false, 960));
        let clip = ring.clip(Duration::from_secs(60), Timestamp::from_micros(10_040_000)).unwrap();
        assert_eq!(clip.video.len(), 2);
    }

    #[test]
    fn nothing_is_kept_before_the_first_keyframe() {
        let mut ring = Ring::default();
        ring.video(unit(0, false, 1280));
        assert!(ring.clip(Duration::from_secs(1), Timestamp::from_micros(1)).is_none());
    }

    #[test]
    fn a_stream_without_keyframes_stays_bounded() {
        let mut ring = Ring::default();
        ring.video(unit(0, true, 1280));
        for at in 1..200_000 {
            ring.video(unit(at * 16, false, 1280));
            assert!(ring.bytes() <= 2 * MAX_BYTES);
        }
    }
}
