//! A session's numbers, over the last ten seconds.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use playhouse_media::frame::Timeline;
use playhouse_media::time::Timestamp;
use playhouse_play::control::{Spread, Stats};

/// How far back the numbers look.
const WINDOW: Duration = Duration::from_secs(10);

/// Frames remembered: ten seconds at 120 per second.
const FRAMES: usize = 1200;

/// Collects what each frame cost.
#[derive(Default)]
pub(super) struct Meter {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    frames: VecDeque<Frame>,
    sends: VecDeque<(Timestamp, u32)>,
    last_input: u32,
    skipped: u64,
}

struct Frame {
    timeline: Timeline,
    bytes: usize,
    answers_input: bool,
}

impl Meter {
    /// A frame left the encoder.
    pub(super) fn encoded(&self, timeline: Timeline, bytes: usize) {
        let mut inner = self.lock();
        let answers_input = timeline.input_seq != 0 && timeline.input_seq != inner.last_input;
        inner.last_input = timeline.input_seq;
        push(&mut inner.frames, Frame { timeline, bytes, answers_input });
    }

    /// A frame's last packet went to the kernel. One of another quality than the one that is measured is unknown
    /// here, and left out.
    pub(super) fn sent(&self, encoded: Timestamp, sent: Timestamp) {
        let mut inner = self.lock();
        let frames = inner.frames.iter().rev().map(|frame| frame.timeline.encoded);
        if frames.take_while(|at| *at >= encoded).any(|at| at == encoded) {
            push(&mut inner.sends, (sent, micros(sent.since(encoded))));
        }
    }

    /// A picture was replaced by a newer one before it was encoded.
    pub(super) fn skipped(&self) {
        self.lock().skipped += 1;
    }

    /// The numbers that come from frames; the rest is the caller's.
    pub(super) fn read(&self, now: Timestamp) -> Stats {
        let mut inner = self.lock();
        let since = now - WINDOW;
        while inner.frames.front().is_some_and(|frame| frame.timeline.encoded < since) {
            inner.frames.pop_front();
        }
        while inner.sends.front().is_some_and(|(at, _)| *at < since) {
            inner.sends.pop_front();
        }
        let span = inner.frames.front().map_or(0.0, |first| now.since(first.timeline.encoded).as_secs_f64());
        let per_second = |amount: f64| if span > 0.0 { amount / span } else { 0.0 };
        let bytes: usize = inner.frames.iter().map(|frame| frame.bytes).sum();
        let step = |from: fn(&Timeline) -> Timestamp, to: fn(&Timeline) -> Timestamp| {
            spread(inner.frames.iter().map(|f| micros(to(&f.timeline).since(from(&f.timeline)))).collect())
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate in bits per second"
        )]
        let bitrate = per_second(bytes as f64 * 8.0) as u64;
        Stats {
            frames_per_second: per_second(inner.frames.len() as f64),
            bitrate,
            convert: step(|t| t.commit, |t| t.converted),
            encode: step(|t| t.converted, |t| t.encoded),
            send: spread(inner.sends.iter().map(|(_, took)| *took).collect()),
            answer: spread(
                inner
                    .frames
                    .iter()
                    .filter(|frame| frame.answers_input)
                    .map(|frame| micros(frame.timeline.commit.since(frame.timeline.input)))
                    .collect(),
            ),
            skipped_frames: inner.skipped,
            ..Stats::default()
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() == FRAMES {
        queue.pop_front();
    }
    queue.push_back(item);
}

fn micros(span: Duration) -> u32 {
    u32::try_from(span.as_micros()).unwrap_or(u32::MAX)
}

fn spread(mut values: Vec<u32>) -> Spread {
    values.sort_unstable();
    let at =
        |percent: usize| values.get((values.len() * percent / 100).min(values.len().max(1) - 1)).copied();
    Spread { p50: at(50).unwrap_or(0), p95: at(95).unwrap_or(0), p99: at(99).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_measured_over_the_last_ten_seconds_only() {
        let meter = Meter::default();
        let at = Timestamp::from_micros;
        for (start, encode) in [(1_000_000, 90_000), (20_000_000, 4_000), (20_016_000, 4_000)] {
            let timeline = Timeline {
                commit: at(start),
                converted: at(start + 300),
                encoded: at(start + 300 + encode),
                ..Timeline::default()
            };
            meter.encoded(timeline, 1000);
        }
        let stats = meter.read(at(20_500_000));
        assert_eq!(stats.encode, Spread { p50: 4_000, p95: 4_000, p99: 4_000 });
        assert_eq!(stats.convert.p50, 300);
        assert!(stats.frames_per_second > 1.0 && stats.frames_per_second < 10.0);
    }

    #[test]
    fn a_slow_spectator_of_another_quality_does_not_show_in_the_numbers() {
        let meter = Meter::default();
        let at = Timestamp::from_micros;
        for encoded in [1_000_000, 1_016_000, 1_033_000] {
            meter.encoded(Timeline { encoded: at(encoded), ..Timeline::default() }, 1000);
        }
        meter.sent(at(1_016_000), at(1_016_400));
        meter.sent(at(1_020_000), at(1_300_000));
        assert_eq!(meter.read(at(1_400_000)).send, Spread { p50: 400, p95: 400, p99: 400 });
    }

    #[test]
    fn no_frames_give_zeros() {
        assert_eq!(Meter::default().read(Timestamp::from_micros(5)), Stats::default());
    }
}
