//! RTSP cameras and servers, from which a channel is pulled.

mod pulse;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use playhouse_live::{Hub, Protocol, Refusal};
use playhouse_media::decoder::{Pictures, aac, units};
use playhouse_media::intake::{Kind, Unit};
use playhouse_media::live::VideoCodec;
use retina::client::{
    Credentials, Demuxed, InitialTimestampPolicy, PlayOptions, Session, SessionOptions, SetupOptions,
};
use retina::codec::{AudioFrame, CodecItem, FrameFormat, ParametersRef, VideoFrame};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use url::Url;

use crate::SILENCE;
use crate::feed::{End, Feed};
use pulse::Pulse;

/// How long a server may take until it plays: cameras wake up slowly.
const BEGIN: Duration = Duration::from_secs(15);

/// Why nothing is pulled, for now or at all.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("its address is none that begins with rtsp://")]
    Address,
    #[error("it did not play within {} seconds", BEGIN.as_secs())]
    Slow,
    #[error("it sent nothing for {} seconds", SILENCE.as_secs())]
    Silent,
    #[error("it has neither H.264, H.265 nor AAC")]
    NoTrack,
    #[error("it ended the stream")]
    Ended,
    #[error("{0}")]
    Rtsp(#[from] retina::Error),
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}")]
    End(#[from] End),
}

/// Pulls a channel from `source`, for as long as it is polled; where that fails it tries again, less and less often.
///
/// User name and password may stand in the address (`rtsp://USER:PASSWORD@HOST/`); they are never logged.
pub async fn pull(hub: Arc<Hub>, channel: String, source: String) {
    let mut pulse = Pulse::default();
    loop {
        let begun = Instant::now();
        let reason = match once(&hub, &channel, &source).await {
            Ok(()) => Reason::Ended,
            Err(reason) => reason,
        };
        let pause = pulse.after(begun.elapsed());
        let host =
            Url::parse(&source).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        tracing::warn!(channel, host, %reason, again_in = ?pause, "a channel could not be pulled");
        sleep(pause).await;
    }
}

async fn once(hub: &Arc<Hub>, channel: &str, source: &str) -> Result<(), Reason> {
    let (url, credentials) = address(source).ok_or(Reason::Address)?;
    let mut playing = timeout(BEGIN, play(url, credentials)).await.map_err(|_elapsed| Reason::Slow)??;
    let mut feed = Feed::pulled(hub, channel, Protocol::Rtsp).map_err(Reason::Refused)?;
    tracing::info!(channel, "a channel is pulled");
    let mut tracks = Tracks::default();
    tracks.describe(&playing, &mut feed);
    let mut patient_until = Instant::now() + SILENCE;
    loop {
        // Reports go on where pictures have stopped, and are no sign of life.
        let item = tokio::select! {
            end = feed.ended() => return Err(end.into()),
            item = timeout_at(patient_until, playing.next()) => item.map_err(|_elapsed| Reason::Silent)?,
        };
        match item.ok_or(Reason::Ended)?? {
            CodecItem::VideoFrame(frame) => tracks.video(&frame, &playing, &mut feed),
            CodecItem::AudioFrame(frame) => take_sound(&frame, &mut feed),
            _ => continue,
        }
        patient_until = Instant::now() + SILENCE;
        feed.flush()?;
    }
}

/// An address without user name and password, and these.
fn address(source: &str) -> Option<(Url, Option<Credentials>)> {
    let mut url = Url::parse(source).ok().filter(|url| url.scheme() == "rtsp")?;
    let decoded = |text: &str| {
        let pairs = url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
            .next()
            .map(|(name, _)| name.into_owned());
        pairs.unwrap_or_default()
    };
    let credentials = (!url.username().is_empty()).then(|| Credentials {
        username: decoded(url.username()),
        password: decoded(url.password().unwrap_or_default()),
    });
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some((url, credentials))
}

async fn play(url: Url, credentials: Option<Credentials>) -> Result<Demuxed, Reason> {
    let options = SessionOptions::default().creds(credentials).user_agent("Playhouse".to_owned());
    let mut session = Session::describe(url, options).await?;
    let taken = |media: &str, codecs: &[&str]| {
        session
            .streams()
            .iter()
            .position(|stream| stream.media() == media && codecs.contains(&stream.encoding_name()))
    };
    let tracks = [taken("video", &["h264", "h265"]), taken("audio", &["mpeg4-generic"])];
    if tracks == [None, None] {
        return Err(Reason::NoTrack);
    }
    for track in tracks.into_iter().flatten() {
        session.setup(track, SetupOptions::default().frame_format(FrameFormat::MP4)).await?;
    }
    // Cameras that leave the times out are common.
    let options = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Permissive);
    Ok(session.play(options).await?.demuxed()?)
}

/// The tracks of a source.
#[derive(Default)]
struct Tracks {
    pictures: Option<Pictures>,
}

impl Tracks {
    /// Says which tracks there are, and what is known of them before they begin.
    fn describe(&mut self, playing: &Demuxed, feed: &mut Feed) {
        let (mut video, mut audio) = (false, false);
        for (number, stream) in playing.streams().iter().enumerate() {
            let chosen = stream.ctx().is_some();
            video |= chosen && stream.media() == "video";
            audio |= chosen && stream.media() == "audio";
            if chosen {
                self.parameters(number, playing, feed);
            }
        }
        feed.intake.expect(video, audio);
    }

    fn parameters(&mut self, number: usize, playing: &Demuxed, feed: &mut Feed) {
        let Some(stream) = playing.streams().get(number) else { return };
        match stream.parameters() {
            Some(ParametersRef::Video(parameters)) => {
                let codec =
                    if stream.encoding_name() == "h264" { VideoCodec::H264 } else { VideoCodec::Hevc };
                let Some((mut pictures, _)) = Pictures::from_record(codec, parameters.extra_data()) else {
                    return;
                };
                if let Some(format) = pictures.format() {
                    feed.intake.format(Kind::Video, format);
                }
                self.pictures = Some(pictures);
            }
            Some(ParametersRef::Audio(parameters)) => {
                if let Some(format) = aac::format(parameters.extra_data()) {
                    feed.intake.format(Kind::Audio, format);
                }
            }
            _ => {}
        }
    }

    fn video(&mut self, frame: &VideoFrame, playing: &Demuxed, feed: &mut Feed) {
        if frame.has_new_parameters() || self.pictures.is_none() {
            self.parameters(frame.stream_id(), playing, feed);
        }
        let Some(pictures) = &mut self.pictures else { return };
        // Lengths of four bytes, as was asked for.
        let picture = pictures.add(units(frame.data(), 4));
        let keyframe = picture.keyframe || frame.is_random_access_point();
        let unit = Unit { dts: micros(frame.timestamp()), delay: 0, data: picture.data, keyframe };
        feed.intake.sample(Kind::Video, unit);
    }
}

fn take_sound(frame: &AudioFrame, feed: &mut Feed) {
    let unit = Unit { dts: micros(frame.timestamp()), delay: 0, data: frame.data().to_vec(), keyframe: true };
    feed.intake.sample(Kind::Audio, unit);
}

/// A time since the stream's beginning in microseconds.
fn micros(time: retina::Timestamp) -> i64 {
    let micros = i128::from(time.elapsed()) * 1_000_000 / i128::from(time.clock_rate().get());
    i64::try_from(micros).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_stay_in_the_address() {
        let (url, credentials) = address("rtsp://admin:a%40b+c@camera.example:8554/main?x=1").unwrap();
        assert_eq!(url.as_str(), "rtsp://camera.example:8554/main?x=1");
        let expected = Credentials { username: "admin".to_owned(), password: "a@b+c".to_owned() };
        assert_eq!(credentials, Some(expected));
        assert!(address("http://camera.example/").is_none());
    }
}
