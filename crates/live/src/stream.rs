//! One live stream: what its publisher gives, and what subscribers take.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use playhouse_media::live::{Format, Sample};
use playhouse_media::time::Timestamp;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::door::Protocol;
use crate::hub::Hub;

/// Samples that a subscriber may be behind: some ten seconds of picture and sound.
const BEHIND: usize = 1024;

/// What is kept so that a subscriber can begin at a keyframe: a stream whose keyframes are further apart than this
/// many bytes begins late for newcomers.
const MAX_BYTES: usize = 32 << 20;
const MAX_SAMPLES: usize = 16 * 1024;

/// What a subscriber receives.
#[derive(Clone, Debug)]
pub enum Item {
    /// The tracks; again whenever the publisher changes them. Samples that follow belong to these.
    Formats(Arc<[Format]>),
    /// A sample.
    Sample(Arc<Sample>),
}

/// Why nothing comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gone {
    /// The publisher is gone.
    #[error("the stream has ended")]
    Ended,
    /// The subscriber was so far behind that samples were lost; what follows begins at any sample.
    #[error("{0} samples were lost, since they were not taken in time")]
    Behind(u64),
}

/// What arrives from a publisher, for whoever publishes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Bytes so far.
    pub bytes: u64,
    /// Samples so far.
    pub samples: u64,
    /// Bits per second over the last seconds.
    pub bitrate: f64,
    /// Pictures per second over the last seconds.
    pub rate: f64,
    /// Seconds between the last two keyframes.
    pub keyframe_interval: Option<f64>,
    /// How long nothing has come.
    pub silent: Duration,
}

/// One live stream.
#[derive(Debug)]
pub struct Stream {
    channel: String,
    protocol: Protocol,
    begun: SystemTime,
    ended: AtomicBool,
    /// Whether somebody makes a broadcast of it.
    pub(crate) is_recorded: AtomicBool,
    inner: Mutex<Inner>,
    sender: Mutex<Option<broadcast::Sender<Item>>>,
}

#[derive(Debug)]
struct Inner {
    formats: Arc<[Format]>,
    /// From the newest keyframe on.
    gop: VecDeque<Arc<Sample>>,
    gop_bytes: usize,
    /// When the newest picture is shown, and whether one was ever shown before the one that came before it.
    shown: Timestamp,
    reorders: bool,
    meter: Meter,
}

impl Stream {
    pub(crate) fn new(channel: String, protocol: Protocol) -> Self {
        Self {
            channel,
            protocol,
            begun: SystemTime::now(),
            ended: AtomicBool::new(false),
            is_recorded: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                formats: Arc::from([]),
                gop: VecDeque::new(),
                gop_bytes: 0,
                shown: Timestamp::ZERO,
                reorders: false,
                meter: Meter::new(),
            }),
            sender: Mutex::new(Some(broadcast::channel(BEHIND).0)),
        }
    }

    /// The channel's id.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// How it comes in.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// When it began.
    pub fn begun(&self) -> SystemTime {
        self.begun
    }

    /// Whether the publisher is gone.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// The tracks; none before the publisher has said them.
    pub fn formats(&self) -> Arc<[Format]> {
        Arc::clone(&self.lock().formats)
    }

    /// What arrives.
    pub fn health(&self) -> Health {
        self.lock().meter.health()
    }

    /// Whether pictures are shown in another order than they come in (B-frames).
    pub fn reorders(&self) -> bool {
        self.lock().reorders
    }

    /// From the newest keyframe on: formats first, if they are known.
    pub fn subscribe(&self) -> Subscription {
        // Under the lock, so that nothing is missed and nothing comes twice.
        let inner = self.lock();
        let receiver = self.sender().as_ref().map(broadcast::Sender::subscribe);
        let mut first = VecDeque::with_capacity(inner.gop.len() + 1);
        if !inner.formats.is_empty() {
            first.push_back(Item::Formats(Arc::clone(&inner.formats)));
        }
        first.extend(inner.gop.iter().cloned().map(Item::Sample));
        Subscription { first, receiver }
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        *self.sender() = None;
    }

    fn formats_are(&self, formats: Vec<Format>) {
        let mut inner = self.lock();
        if *inner.formats == *formats {
            return;
        }
        inner.formats = formats.into();
        (inner.shown, inner.reorders) = (Timestamp::ZERO, false);
        inner.gop.clear();
        inner.gop_bytes = 0;
        self.send(Item::Formats(Arc::clone(&inner.formats)));
    }

    fn take(&self, sample: Sample) {
        let sample = Arc::new(sample);
        let mut inner = self.lock();
        let video = inner.formats.get(sample.track).is_some_and(Format::is_video);
        let pictures = inner.formats.iter().any(Format::is_video);
        inner.meter.add(&sample, video);
        if video {
            inner.reorders |= sample.pts < inner.shown;
            inner.shown = sample.pts;
        }
        if sample.keyframe && video == pictures {
            inner.gop.clear();
            inner.gop_bytes = 0;
        }
        // A cache that would grow too large is given up until the next keyframe.
        let begun = !inner.gop.is_empty() || (sample.keyframe && video == pictures);
        if begun {
            inner.gop_bytes += sample.data.len();
            inner.gop.push_back(Arc::clone(&sample));
            if inner.gop_bytes > MAX_BYTES || inner.gop.len() > MAX_SAMPLES {
                inner.gop.clear();
                inner.gop_bytes = 0;
            }
        }
        self.send(Item::Sample(sample));
    }

    /// Called under the lock of `inner`.
    fn send(&self, item: Item) {
        if let Some(sender) = &*self.sender() {
            // Without a subscriber there is nobody to send to.
            drop(sender.send(item));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sender(&self) -> MutexGuard<'_, Option<broadcast::Sender<Item>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one who publishes a stream, which ends when this is dropped.
#[derive(Debug)]
pub struct Publisher {
    stream: Arc<Stream>,
    hub: Arc<Hub>,
}

impl Publisher {
    pub(crate) fn new(stream: Arc<Stream>, hub: Arc<Hub>) -> Self {
        Self { stream, hub }
    }

    /// The stream that is published.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Says what the tracks are, before the first sample and whenever that changes.
    ///
    /// # Errors
    /// [`Gone::Ended`] where another publisher has taken the channel over.
    pub fn formats(&self, formats: Vec<Format>) -> Result<(), Gone> {
        self.alive()?;
        self.stream.formats_are(formats);
        Ok(())
    }

    /// Gives one sample to all subscribers. Never waits.
    ///
    /// # Errors
    /// [`Gone::Ended`] where another publisher has taken the channel over.
    pub fn sample(&self, sample: Sample) -> Result<(), Gone> {
        self.alive()?;
        self.stream.take(sample);
        Ok(())
    }

    fn alive(&self) -> Result<(), Gone> {
        if self.stream.has_ended() { Err(Gone::Ended) } else { Ok(()) }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.hub.remove(&self.stream);
    }
}

/// One who receives a stream.
#[derive(Debug)]
pub struct Subscription {
    first: VecDeque<Item>,
    receiver: Option<broadcast::Receiver<Item>>,
}

impl Subscription {
    /// The next item; waits for it.
    ///
    /// # Errors
    /// See [`Gone`]; after [`Gone::Behind`] it goes on.
    pub async fn next(&mut self) -> Result<Item, Gone> {
        if let Some(item) = self.first.pop_front() {
            return Ok(item);
        }
        let receiver = self.receiver.as_mut().ok_or(Gone::Ended)?;
        receiver.recv().await.map_err(|error| match error {
            RecvError::Closed => Gone::Ended,
            RecvError::Lagged(lost) => Gone::Behind(lost),
        })
    }
}

/// Counts what arrives.
#[derive(Debug)]
struct Meter {
    bytes: u64,
    samples: u64,
    last: Instant,
    keyframe: Option<Instant>,
    keyframe_interval: Option<f64>,
    /// Seconds' worth of bytes and pictures, oldest first: of each some time since the beginning.
    window: VecDeque<(Instant, usize, bool)>,
}

/// Over how long the rates are taken, and of how many samples at most.
const WINDOW: Duration = Duration::from_secs(3);
const WINDOW_SAMPLES: usize = 2048;

impl Meter {
    fn new() -> Self {
        Self {
            bytes: 0,
            samples: 0,
            last: Instant::now(),
            keyframe: None,
            keyframe_interval: None,
            window: VecDeque::new(),
        }
    }

    fn add(&mut self, sample: &Sample, video: bool) {
        let now = Instant::now();
        self.last = now;
        self.samples += 1;
        self.bytes += sample.data.len() as u64;
        if video && sample.keyframe {
            let before = self.keyframe.replace(now);
            self.keyframe_interval = before.map(|before| now.duration_since(before).as_secs_f64());
        }
        self.window.push_back((now, sample.data.len(), video));
        while self.window.len() > WINDOW_SAMPLES
            || self.window.front().is_some_and(|(at, ..)| now.duration_since(*at) > WINDOW)
        {
            self.window.pop_front();
        }
    }

    fn health(&self) -> Health {
        let span = self.window.front().map_or(0.0, |(at, ..)| at.elapsed().as_secs_f64()).max(0.1);
        let bytes: usize = self.window.iter().map(|(_, bytes, _)| bytes).sum();
        let pictures = self.window.iter().filter(|(.., video)| *video).count();
        Health {
            bytes: self.bytes,
            samples: self.samples,
            bitrate: bytes as f64 * 8.0 / span,
            rate: pictures as f64 / span,
            keyframe_interval: self.keyframe_interval,
            silent: self.last.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use playhouse_media::frame::Size;
    use playhouse_media::live::VideoCodec;

    use super::*;
    use crate::door::Admission;

    fn admission(replace: bool) -> Admission {
        Admission { channel: "c".to_owned(), replace }
    }

    fn picture() -> Format {
        Format::Video { codec: VideoCodec::H264, size: Size::new(64, 64), config: Arc::from([1]) }
    }

    fn sample(number: u64, keyframe: bool) -> Sample {
        let at = Timestamp::from_micros(number * 40_000);
        Sample { track: 0, data: Arc::from([0; 10]), dts: at, pts: at, keyframe }
    }

    #[tokio::test]
    async fn a_newcomer_begins_at_the_newest_keyframe_and_misses_nothing_after_it() {
        let hub = Arc::new(Hub::default());
        let publisher = hub.publish(&admission(false), Protocol::Rtmp).unwrap();
        publisher.formats(vec![picture()]).unwrap();
        for number in 0..5 {
            publisher.sample(sample(number, number % 3 == 0)).unwrap();
        }
        let mut subscription = hub.stream("c").unwrap().subscribe();
        publisher.sample(sample(5, false)).unwrap();
        drop(publisher);
        assert!(matches!(subscription.next().await, Ok(Item::Formats(formats)) if formats.len() == 1));
        for number in 3..6 {
            let Ok(Item::Sample(received)) = subscription.next().await else { panic!("no sample {number}") };
            assert_eq!(*received, sample(number, number == 3));
        }
        assert_eq!(subscription.next().await.unwrap_err(), Gone::Ended);
        assert!(hub.stream("c").is_none());
    }

    #[tokio::test]
    async fn one_that_does_not_keep_up_is_told_and_goes_on() {
        let hub = Arc::new(Hub::default());
        let publisher = hub.publish(&admission(false), Protocol::Rtmp).unwrap();
        publisher.formats(vec![picture()]).unwrap();
        let mut subscription = publisher.stream().subscribe();
        for number in 0..2 * BEHIND as u64 {
            publisher.sample(sample(number, number == 0)).unwrap();
        }
        assert!(matches!(subscription.next().await, Ok(Item::Formats(_))));
        assert!(matches!(subscription.next().await, Err(Gone::Behind(lost)) if lost >= BEHIND as u64));
        assert!(matches!(subscription.next().await, Ok(Item::Sample(_))));
    }

    #[tokio::test]
    async fn a_second_publisher_is_refused_or_takes_over() {
        let hub = Arc::new(Hub::default());
        let first = hub.publish(&admission(false), Protocol::Rtmp).unwrap();
        let refusal = hub.publish(&admission(false), Protocol::Srt).unwrap_err();
        assert!(refusal.0.contains("RTMP"), "{refusal}");
        let second = hub.publish(&admission(true), Protocol::Srt).unwrap();
        assert_eq!(first.sample(sample(0, true)).unwrap_err(), Gone::Ended);
        drop(first);
        assert!(hub.stream("c").is_some(), "the one that was replaced takes nothing with it");
        drop(second);
        assert!(hub.stream("c").is_none());
    }
}
