//! From the hub to those who watch a channel by WHEP.

use std::sync::{Arc, Weak};
use std::time::Duration;

use playhouse_live::{Gone, Hub, Item};
use playhouse_media::decoder::{self, avc};
use playhouse_media::live::{AudioCodec, Format, Sample, VideoCodec};
use playhouse_net::live::Stream;
use tokio::sync::broadcast::error::RecvError;

use super::Rtc;
use super::sound::Sound;

/// How long viewers wait for a publisher that is gone: an encoder that is started again, or a line that was cut.
const PATIENCE: Duration = Duration::from_secs(15);

/// Feeds viewers with whatever is published on a channel, until nobody publishes any more; then they are sent away.
/// Aborted when nobody watches.
pub(super) async fn run(rtc: Weak<Rtc>, hub: Arc<Hub>, stream: Arc<Stream>) {
    while let Ok(Some(live)) = tokio::time::timeout(PATIENCE, published(&hub, stream.name())).await {
        stream.restart();
        let mut feed = Feed::new(Arc::clone(&stream));
        let mut subscription = live.subscribe();
        loop {
            match subscription.next().await {
                Ok(Item::Formats(formats)) => {
                    if !feed.formats(&formats) {
                        return end(&rtc, &stream);
                    }
                }
                Ok(Item::Sample(sample)) => {
                    if live.reorders() {
                        return end(&rtc, &stream);
                    }
                    feed.sample(&sample);
                }
                Err(Gone::Behind(lost)) => {
                    tracing::warn!(channel = %stream.name(), lost, "viewers by WebRTC missed samples");
                    feed.lost();
                }
                Err(Gone::Ended) => break,
            }
            let Some(rtc) = rtc.upgrade() else { return };
            rtc.advance(&stream);
        }
    }
    end(&rtc, &stream);
}

fn end(rtc: &Weak<Rtc>, stream: &Arc<Stream>) {
    if let Some(rtc) = rtc.upgrade() {
        rtc.end(stream);
    }
}

/// Waits until a channel is published; none where the hub is gone.
async fn published(hub: &Hub, channel: &str) -> Option<Arc<playhouse_live::Stream>> {
    let mut events = hub.events();
    loop {
        if let Some(stream) = hub.stream(channel).filter(|stream| !stream.has_ended()) {
            return Some(stream);
        }
        match events.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

/// Makes packets' contents of samples.
struct Feed {
    stream: Arc<Stream>,
    video: Option<usize>,
    audio: Option<(usize, Sound)>,
    /// Parameter sets, sent in front of each keyframe.
    sets: Vec<Arc<[u8]>>,
    /// Nothing can be decoded before the next keyframe.
    waiting: bool,
}

impl Feed {
    fn new(stream: Arc<Stream>) -> Self {
        Self { stream, video: None, audio: None, sets: Vec::new(), waiting: true }
    }

    /// Takes the tracks; whether there is a picture that can be sent.
    fn formats(&mut self, formats: &[Format]) -> bool {
        (self.video, self.audio, self.waiting) = (None, None, true);
        for (track, format) in formats.iter().enumerate() {
            match format {
                Format::Video { codec: VideoCodec::H264, config, .. } if self.video.is_none() => {
                    self.video = Some(track);
                    let sets = avc::read(config).map(|record| record.sps.into_iter().chain(record.pps));
                    self.sets = sets.into_iter().flatten().map(Arc::from).collect();
                }
                Format::Audio { codec, channels, config, .. } if self.audio.is_none() => {
                    let sound = match codec {
                        AudioCodec::Opus if *channels <= 2 => Some(Sound::AsItIs),
                        AudioCodec::Aac => Sound::transcoded(config),
                        AudioCodec::Opus => None,
                    };
                    self.audio = sound.map(|sound| (track, sound));
                }
                _ => {}
            }
        }
        self.video.is_some()
    }

    fn sample(&mut self, sample: &Sample) {
        if self.video == Some(sample.track) {
            self.waiting &= !sample.keyframe;
            if !self.waiting {
                let sets = self.sets.iter().filter(|_| sample.keyframe).map(|set| &**set);
                self.stream.picture(sets.chain(decoder::units(&sample.data, 4)), sample.pts, sample.keyframe);
            }
        } else if let Some((track, sound)) = &mut self.audio
            && *track == sample.track
        {
            sound.packets(sample, |packet, pts| self.stream.sound(packet, pts));
        }
    }

    /// Samples are missing.
    fn lost(&mut self) {
        self.waiting = true;
    }
}
