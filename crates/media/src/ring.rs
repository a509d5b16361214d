//! The last minute of a stream: what a clip is cut from, and where a late viewer can begin.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::annexb::ParameterSets;
use crate::frame::Size;
use crate::sample::{AccessUnit, AudioPacket};
use crate::time::Timestamp;

/// How much is kept unless something else is said.
pub const SPAN: Duration = Duration::from_mins(1);
/// Most bytes that are kept: a minute at 8 Mbit/s.
pub const BYTES: usize = 64 << 20;
/// How much more than was asked for a clip has at most: somewhat more than from one keyframe to the next. Where the
/// keyframe before it is older still, the picture stood.
const SLACK: Duration = Duration::from_secs(12);
/// Most audio packets that are kept: a minute, with as much again for what lies before the first picture.
const MOST_PACKETS: usize = 12_000;

/// The newest part of a stream, in groups of pictures that each begin with a keyframe.
#[derive(Debug)]
pub struct Ring {
    span: Duration,
    limit: usize,
    groups: VecDeque<Group>,
    audio: VecDeque<Arc<AudioPacket>>,
    /// Bytes of pictures and sound.
    bytes: usize,
}

/// A keyframe and the pictures that follow from it; never empty.
#[derive(Debug, Default)]
struct Group {
    units: Vec<Arc<AccessUnit>>,
    bytes: usize,
}

/// A piece of a stream that can be played by itself.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Pictures of one size, beginning with a keyframe; never empty.
    pub video: Vec<Arc<AccessUnit>>,
    /// Sound from the first picture on; packets are missing where there was silence.
    pub audio: Vec<Arc<AudioPacket>>,
    /// When the clip begins. Pictures from before that were standing still by then, and are there since others
    /// cannot be decoded without them.
    pub begin: Timestamp,
    /// When the clip ends: the last picture stands until then.
    pub end: Timestamp,
}

impl Default for Ring {
    fn default() -> Self {
        Self::new(SPAN, BYTES)
    }
}

impl Ring {
    /// A ring that keeps at least `span` of the stream, as long as that takes at most `limit` bytes.
    pub fn new(span: Duration, limit: usize) -> Self {
        Self { span, limit, groups: VecDeque::new(), audio: VecDeque::new(), bytes: 0 }
    }

    /// Takes a picture. One that cannot be decoded, since nothing before it is a keyframe of its size, is left out.
    pub fn video(&mut self, unit: Arc<AccessUnit>) {
        if unit.keyframe {
            self.groups.push_back(Group::default());
        } else if self.newest_unit().is_none_or(|newest| newest.size != unit.size) {
            return;
        }
        if let Some(group) = self.groups.back_mut() {
            group.bytes += unit.data.len();
            self.bytes += unit.data.len();
            group.units.push(unit);
        }
        self.trim();
    }

    /// Takes a packet of sound.
    pub fn audio(&mut self, packet: Arc<AudioPacket>) {
        self.bytes += packet.data.len();
        self.audio.push_back(packet);
        self.trim();
    }

    /// The newest keyframe and what follows it: what a decoder needs to show the newest picture.
    pub fn newest_group(&self) -> &[Arc<AccessUnit>] {
        self.groups.back().map_or(&[], |group| &group.units)
    }

    /// Bytes of pictures and sound that are kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The last `length` up to `now`, from the keyframe at or before that point on; none before the first picture.
    ///
    /// Where pictures changed in size meanwhile, or began to need another decoder, it begins after that.
    pub fn clip(&self, length: Duration, now: Timestamp) -> Option<Clip> {
        let end = self.newest()?.max(now);
        let wish = end - length;
        let kind = self.groups.back()?.kind();
        let mut from = self.groups.len() - 1;
        while from > 0 && self.groups[from].begin() > wish && self.groups[from - 1].kind() == kind {
            from -= 1;
        }
        let video: Vec<_> = self.groups.range(from..).flat_map(|group| group.units.iter().cloned()).collect();
        let first = video.first()?.pts;
        let begin = if wish.since(first) > SLACK { wish } else { first };
        let heard = |packet: &&Arc<AudioPacket>| packet.pts + packet.duration > begin;
        Some(Clip { video, audio: self.audio.iter().filter(heard).cloned().collect(), begin, end })
    }

    fn newest_unit(&self) -> Option<&Arc<AccessUnit>> {
        self.groups.back().and_then(|group| group.units.last())
    }

    /// The end of what was seen and heard.
    fn newest(&self) -> Option<Timestamp> {
        let heard = self.audio.back().map(|packet| packet.pts + packet.duration);
        let seen = self.newest_unit().map(|unit| unit.pts);
        heard.max(seen)
    }

    /// Lets go of whole groups from the front, and of the sound before the first picture.
    fn trim(&mut self) {
        let Some(newest) = self.newest() else { return };
        let begin = newest - self.span;
        // The second group reaches far enough back, so that the first is not needed.
        while self.groups.get(1).is_some_and(|second| second.begin() <= begin) {
            self.forget_group();
        }
        while self.bytes > self.limit && !self.groups.is_empty() {
            self.forget_group();
        }
        let begin = self.groups.front().map_or(begin, Group::begin);
        while self.audio.front().is_some_and(|packet| {
            packet.pts + packet.duration <= begin
                || self.audio.len() > MOST_PACKETS
                || self.bytes > self.limit
        }) {
            self.bytes -= self.audio.pop_front().map_or(0, |packet| packet.data.len());
        }
    }

    fn forget_group(&mut self) {
        self.bytes -= self.groups.pop_front().map_or(0, |group| group.bytes);
    }
}

impl Group {
    fn begin(&self) -> Timestamp {
        self.units.first().map_or(Timestamp::ZERO, |unit| unit.pts)
    }

    /// What has to be the same throughout a clip.
    fn kind(&self) -> Option<(Size, Option<ParameterSets<'_>>)> {
        self.units.first().map(|unit| (unit.size, ParameterSets::find(&unit.data)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::Timeline;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_micros(100_000_000 + millis * 1000)
    }

    fn unit(millis: u64, keyframe: bool, width: u32, bytes: usize) -> Arc<AccessUnit> {
        let mut data = if keyframe {
            vec![0, 0, 1, 0x67, 66, 0, 30, 0, 0, 1, 0x68, 1, 0, 0, 1, 0x65]
        } else {
            vec![0, 0, 1, 0x41]
        };
        data.resize(data.len().max(bytes), 1);
        let (size, timeline) = (Size::new(width, 360), Timeline::default());
        Arc::new(AccessUnit { data: data.into(), keyframe, pts: at(millis), size, timeline })
    }

    fn packet(millis: u64) -> Arc<AudioPacket> {
        let duration = Duration::from_millis(10);
        Arc::new(AudioPacket { data: vec![0xF4; 100].into(), pts: at(millis), duration })
    }

    /// A stream of `seconds` at ten pictures per second with a keyframe every two seconds, and sound.
    fn stream(ring: &mut Ring, seconds: u64) {
        for millis in (0..seconds * 1000).step_by(10) {
            if millis % 100 == 0 {
                ring.video(unit(millis, millis % 2000 == 0, 640, 1000));
            }
            ring.audio(packet(millis));
        }
    }

    #[test]
    fn a_clip_begins_with_the_keyframe_at_or_before_the_wish() {
        let mut ring = Ring::default();
        assert!(ring.clip(SPAN, at(0)).is_none(), "nothing was seen yet");
        stream(&mut ring, 100);
        let clip = ring.clip(Duration::from_secs(15), at(99_990)).unwrap();
        assert_eq!(clip.video[0].pts, at(84_000));
        assert!(clip.video[0].keyframe);
        assert_eq!(clip.video.len(), 160);
        assert_eq!(clip.audio[0].pts, at(84_000));
        assert_eq!((clip.audio.len(), clip.end), (1600, at(100_000)));
        let all = ring.clip(Duration::from_hours(1), at(0)).unwrap();
        assert_eq!(all.video[0].pts, at(40_000), "a minute is there, and no more than its first group");
        assert_eq!(ring.newest_group().len(), 20);
    }

    #[test]
    fn a_still_picture_stays_for_as_long_as_it_stands() {
        let mut ring = Ring::default();
        ring.video(unit(0, true, 640, 1000));
        ring.video(unit(16, false, 640, 1000));
        for second in 1..600 {
            ring.audio(packet(second * 1000));
        }
        let clip = ring.clip(Duration::from_secs(30), at(600_000)).unwrap();
        assert_eq!(clip.video.len(), 2);
        assert_eq!((clip.begin, clip.end), (at(570_000), at(600_000)), "half a minute, not ten");
        assert_eq!(clip.audio[0].pts, at(570_000));
    }

    #[test]
    fn a_clip_has_one_size_and_one_decoder() {
        let mut ring = Ring::default();
        stream(&mut ring, 10);
        ring.video(unit(10_000, true, 320, 1000));
        ring.video(unit(10_100, false, 320, 1000));
        let clip = ring.clip(SPAN, at(0)).unwrap();
        assert_eq!(clip.video.len(), 2);
        assert!(clip.video.iter().all(|unit| unit.size.width == 320));
        ring.video(unit(10_200, false, 640, 1000));
        assert_eq!(ring.clip(SPAN, at(0)).unwrap().video.len(), 2, "no keyframe of that size was seen");
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut ring = Ring::new(SPAN, 1 << 20);
        for i in 0..100 {
            ring.video(unit(i * 16, i % 10 == 0, 640, 50_000));
        }
        assert!(ring.bytes() <= 1 << 20);
        assert!(ring.clip(SPAN, at(0)).unwrap().video.len() > 10);
        ring.video(unit(2000, false, 640, 2 << 20));
        assert!(ring.clip(SPAN, at(0)).is_none(), "a group beyond the limit cannot be kept");
        ring.video(unit(2016, false, 640, 1000));
        assert_eq!(ring.bytes(), 0, "nothing can be decoded before the next keyframe");
    }

    proptest! {
        #[test]
        fn a_clip_can_always_be_decoded(
            steps in prop::collection::vec((0_u64..400, 0_u8..4, any::<bool>(), 1_u32..3, 1_usize..3000), 0..300),
            wish in 0_u64..40_000,
        ) {
            let mut ring = Ring::new(Duration::from_secs(20), 60_000);
            let mut now = 0;
            for (gap, what, keyframe, width, bytes) in steps {
                now += gap;
                if what == 0 { ring.audio(packet(now)) } else { ring.video(unit(now, keyframe, width * 320, bytes)) }
                let units = ring.groups.iter().flat_map(|group| &group.units);
                let sum: usize = units.map(|unit| unit.data.len()).sum();
                prop_assert_eq!(ring.bytes(), sum + ring.audio.len() * 100);
                prop_assert!(ring.bytes() <= 60_000);
                prop_assert!(ring.groups.iter().all(|group| group.units[0].keyframe));
            }
            if let Some(clip) = ring.clip(Duration::from_millis(wish), at(now)) {
                prop_assert!(clip.video[0].keyframe);
                prop_assert!(clip.video.iter().all(|unit| unit.size == clip.video[0].size));
                prop_assert!(clip.video.is_sorted_by_key(|unit| unit.pts));
                prop_assert!(clip.audio.iter().all(|packet| packet.pts + packet.duration > clip.begin));
                prop_assert!(clip.begin >= clip.video[0].pts && clip.begin <= clip.end);
                prop_assert!(clip.end >= clip.video[clip.video.len() - 1].pts);
            }
        }
    }
}
