//! What a publisher by WHIP sends, as samples of a live stream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse_live::{Gone, Publisher};
use playhouse_media::annexb;
use playhouse_media::decoder::{Pictures, opus};
use playhouse_media::live::{Sample, VideoCodec};
use playhouse_media::time::Timestamp;
use playhouse_net::live::{Kind, Received};

/// Where a stream begins: sound may lie a little before the picture that came first.
const START: Duration = Duration::from_secs(1);

/// How far sound may lie from where the publisher's reports say before it is moved.
const SLACK: i64 = 20_000;

/// A publisher's stream.
pub(super) struct Intake {
    publisher: Publisher,
    sound: bool,
    pictures: Pictures,
    /// Whether the tracks have been said.
    described: bool,
    clock: Clock,
}

impl Intake {
    /// A publisher whose offer has been answered, with sound or without.
    pub(super) fn new(publisher: Publisher, sound: bool) -> Option<Self> {
        let pictures = Pictures::new(VideoCodec::H264)?;
        Some(Self { publisher, sound, pictures, described: false, clock: Clock::default() })
    }

    /// Takes a picture or a packet of sound.
    ///
    /// # Errors
    /// [`Gone::Ended`] where another publisher has taken the channel over.
    pub(super) fn take(&mut self, media: &Received) -> Result<(), Gone> {
        let (track, data, keyframe) = match media.kind {
            Kind::Picture => {
                let picture = self.pictures.add(annexb::nals(&media.data));
                self.describe()?;
                (0, picture.data.into(), picture.keyframe)
            }
            Kind::Sound if self.sound => (1, Arc::clone(&media.data), true),
            Kind::Sound => return Ok(()),
        };
        if !self.described {
            return Ok(());
        }
        let Some(at) = self.clock.place(media, Instant::now()) else { return Ok(()) };
        if data.is_empty() {
            return Ok(());
        }
        self.publisher.sample(Sample { track, data, dts: at, pts: at, keyframe })
    }

    /// Says the tracks, where they have changed.
    fn describe(&mut self) -> Result<(), Gone> {
        let Some(format) = self.pictures.format() else { return Ok(()) };
        self.described = true;
        let sound = self.sound.then(|| opus::plain(2)).flatten();
        self.publisher.formats(std::iter::once(format).chain(sound).collect())
    }
}

/// Puts pictures and sound on one clock. Each counts from anywhere; until the publisher's reports say how they belong
/// together they are taken to be captured when they come.
#[derive(Default)]
struct Clock {
    begun: Option<Instant>,
    tracks: [Option<Track>; 2],
    /// What lies between the publisher's own clock and the stream's, in microseconds.
    own: Option<i64>,
}

/// One of the two.
#[derive(Clone, Copy)]
struct Track {
    first: u64,
    /// Where the first sample lies on the stream's clock, in microseconds.
    at: i64,
    /// The last time given out.
    last: i64,
}

impl Clock {
    /// Where a sample lies on the stream's clock; none where it would lie before the one before it.
    fn place(&mut self, media: &Received, now: Instant) -> Option<Timestamp> {
        let begun = *self.begun.get_or_insert(now);
        let arrived = micros(now.duration_since(begun) + START);
        let track = self.tracks[media.kind as usize].get_or_insert(Track {
            first: media.ticks,
            at: arrived,
            last: -1,
        });
        if let Some((report, ticks)) = media.report {
            let since = span(media.kind, media.ticks, ticks);
            let captured = i64::try_from(report).unwrap_or(0).saturating_add(since);
            let now = track.at + span(media.kind, media.ticks, track.first);
            match (media.kind, self.own) {
                // Pictures stay where they are, and the publisher's clock is told from them.
                (Kind::Picture, _) => self.own = Some(now.saturating_sub(captured)),
                (Kind::Sound, Some(own)) => {
                    let off = captured.saturating_add(own).saturating_sub(now);
                    if off.abs() > SLACK && off.abs() < micros(START) {
                        track.at += off;
                    }
                }
                (Kind::Sound, None) => {}
            }
        }
        let at = track.at + span(media.kind, media.ticks, track.first);
        if at <= track.last {
            return None;
        }
        track.last = at;
        Some(Timestamp::from_micros(u64::try_from(at).unwrap_or(0)))
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds from `earlier` to `later`, which are ticks of a track's clock in 32 bits or more: reports have the
/// part that travels.
fn span(kind: Kind, later: u64, earlier: u64) -> i64 {
    let whole = |ticks| u32::try_from(ticks).is_err();
    let ticks = if whole(earlier) || !whole(later) {
        later.wrapping_sub(earlier).cast_signed()
    } else {
        // Only one of them is whole.
        let low = (later & u64::from(u32::MAX)).wrapping_sub(earlier) & u64::from(u32::MAX);
        let low = low.cast_signed();
        if low > i64::from(i32::MAX) { low - (1 << 32) } else { low }
    };
    ticks.saturating_mul(1_000_000) / i64::from(kind.clock())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(kind: Kind, ticks: u64, report: Option<(u64, u64)>) -> Received {
        Received { kind, data: Arc::from([0]), ticks, report }
    }

    #[test]
    fn sound_moves_to_where_the_publishers_reports_say() {
        let mut clock = Clock::default();
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let place = |clock: &mut Clock, media: Received, millis| {
            clock.place(&media, at(millis)).map(|at| at.as_micros() / 1000)
        };
        // Sound comes 100 ms later than the picture that it belongs to.
        assert_eq!(place(&mut clock, media(Kind::Picture, 90_000, None), 0), Some(1000));
        assert_eq!(place(&mut clock, media(Kind::Sound, 48_000, None), 100), Some(1100));
        // Both were captured at 7 s of the publisher's clock.
        let picture = media(Kind::Picture, 180_000, Some((7_000_000, 90_000)));
        assert_eq!(place(&mut clock, picture, 1000), Some(2000));
        let sound = media(Kind::Sound, 96_000, Some((7_000_000, 48_000)));
        assert_eq!(place(&mut clock, sound, 1100), Some(2000));
        assert_eq!(place(&mut clock, media(Kind::Sound, 96_480, None), 1110), Some(2010));
    }

    #[test]
    fn time_does_not_go_back() {
        let mut clock = Clock::default();
        let now = Instant::now();
        assert!(clock.place(&media(Kind::Picture, 90_000, None), now).is_some());
        assert!(clock.place(&media(Kind::Picture, 90_000, None), now).is_none());
        assert!(clock.place(&media(Kind::Picture, 0, None), now).is_none());
        assert!(clock.place(&media(Kind::Picture, 93_000, None), now).is_some());
    }

    #[test]
    fn reports_are_read_across_the_wrap_of_32_bits() {
        let later = (1 << 32) + 4_500;
        assert_eq!(span(Kind::Picture, later, u64::from(u32::MAX) - 4_499), 100_000);
        assert_eq!(span(Kind::Picture, 4_500, 9_000), -50_000);
    }
}
