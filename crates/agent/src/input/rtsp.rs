//! A camera of the network, by RTSP: retina speaks with it, ffmpeg decodes what it sends.
//!
//! User name and password stay in this process: ffmpeg sees the pictures' bytes and nothing else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use retina::client::{
    Credentials, Demuxed, InitialTimestampPolicy, PlayOptions, Session, SessionOptions, SetupOptions,
};
use retina::codec::{CodecItem, FrameFormat};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use url::Url;

use super::ffmpeg::{Decoder, From};
use super::{Fault, Input, SILENCE, Shot, Stop, shot};

/// How long a camera may take until it plays: they wake up slowly.
const BEGIN: Duration = Duration::from_secs(8);

/// Access units between the network and the decoder: a second of them. A decoder that is further behind than that gets none
/// until the next keyframe, so that it is never late.
const WAITING: usize = 30;

/// What ends an access unit at once, where H.264's parser would wait for the next one: a delimiter (7.3.2.4).
const DELIMITER: [u8; 6] = [0, 0, 0, 1, 9, 0xf0];

/// The input `rtsp`.
#[derive(Debug)]
pub struct Rtsp {
    url: String,
    runtime: Handle,
    playing: Option<Playing>,
    frame: u64,
}

#[derive(Debug)]
struct Playing {
    decoder: Decoder,
    pump: JoinHandle<()>,
    /// Why the pump ended.
    reason: Arc<Mutex<Option<String>>>,
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

impl Rtsp {
    /// Takes pictures of an address like `rtsp://USER:PASSWORD@HOST/PATH`; the connection lives on `runtime`.
    pub fn new(url: &str, runtime: Handle) -> Self {
        Self { url: url.to_owned(), runtime, playing: None, frame: 0 }
    }

    /// The camera's name without its password.
    fn what(&self) -> String {
        let host = Url::parse(&self.url).ok().and_then(|url| url.host_str().map(str::to_owned));
        format!("the camera at {}", host.unwrap_or_else(|| "an address that is none".to_owned()))
    }

    fn open(&self) -> Result<Playing, Fault> {
        let what = self.what();
        let fault = |why: String| Fault::Unreadable { what: what.clone(), why };
        let (url, credentials) = address(&self.url)
            .ok_or_else(|| fault("its address is none that begins with rtsp://".to_owned()))?;
        // The decoder has to know the codec, so the camera is asked first.
        let (session, codec) = self
            .runtime
            .block_on(async { timeout(BEGIN, describe(url, credentials)).await })
            .map_err(|_elapsed| fault(format!("it did not play within {} seconds", BEGIN.as_secs())))?
            .map_err(fault)?;
        let input =
            ["-probesize", "32", "-analyzeduration", "0", "-fflags", "nobuffer", "-flags", "low_delay"];
        let pipe = ["-protocol_whitelist", "pipe", "-f", codec, "-i", "pipe:0"];
        let input: Vec<&str> = input.into_iter().chain(pipe).collect();
        let mut decoder = Decoder::start(&what, &input, From::Pipe)?;
        let stdin = decoder.stdin().ok_or_else(|| fault("ffmpeg has no input".to_owned()))?;
        let reason = Arc::new(Mutex::new(None));
        let (said, delimited) = (Arc::clone(&reason), codec == "h264");
        let pump = self.runtime.spawn(async move {
            let why = match pipe::Sender::from_owned_fd(stdin.into()) {
                Ok(sender) => pump(session, sender, delimited).await,
                Err(error) => error.to_string(),
            };
            *said.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        });
        Ok(Playing { decoder, pump, reason })
    }
}

impl Input for Rtsp {
    fn kind(&self) -> &'static str {
        "rtsp"
    }

    fn next(&mut self, stop: &Stop) -> Result<Shot, Fault> {
        let what = self.what();
        let playing = match &mut self.playing {
            Some(playing) => playing,
            None => self.playing.insert(self.open()?),
        };
        match playing.decoder.next(stop) {
            Ok(picture) => {
                self.frame += 1;
                Ok(shot(picture, self.frame - 1))
            }
            Err(fault) => {
                let reason = playing.reason.lock().unwrap_or_else(PoisonError::into_inner).take();
                self.playing = None;
                // What the camera said is nearer to the cause than what the decoder said of its end.
                Err(match (fault, reason) {
                    (Fault::Unreadable { .. }, Some(why)) => Fault::Unreadable { what, why },
                    (fault, _) => fault,
                })
            }
        }
    }
}

/// An address without user name and password, and these.
fn address(source: &str) -> Option<(Url, Option<Credentials>)> {
    let mut url = Url::parse(source).ok().filter(|url| url.scheme() == "rtsp")?;
    let decoded = |text: &str| {
        let mut pairs = url::form_urlencoded::parse(text.as_bytes());
        pairs.next().map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    let plus = |text: &str| decoded(&text.replace('+', "%2B"));
    let credentials = (!url.username().is_empty()).then(|| Credentials {
        username: plus(url.username()),
        password: plus(url.password().unwrap_or_default()),
    });
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some((url, credentials))
}

/// A camera that is about to play, and ffmpeg's name for what it sends.
async fn describe(url: Url, credentials: Option<Credentials>) -> Result<(Demuxed, &'static str), String> {
    let words = |error: retina::Error| error.to_string();
    let options = SessionOptions::default().creds(credentials).user_agent("Playhouse".to_owned());
    let mut session = Session::describe(url, options).await.map_err(words)?;
    let known = |name: &str| match name {
        "h264" => Some("h264"),
        "h265" => Some("hevc"),
        _ => None,
    };
    let (track, codec) = session
        .streams()
        .iter()
        .enumerate()
        .filter(|(_, stream)| stream.media() == "video")
        .find_map(|(number, stream)| Some((number, known(stream.encoding_name())?)))
        .ok_or("it has neither H.264 nor H.265")?;
    let setup = SetupOptions::default().frame_format(FrameFormat::SIMPLE);
    session.setup(track, setup).await.map_err(words)?;
    // Cameras that leave the times out are common.
    let options = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Permissive);
    let playing = session.play(options).await.map_err(words)?.demuxed().map_err(words)?;
    Ok((playing, codec))
}

/// Brings access units from the camera to the decoder until one of them ends, and says why.
async fn pump(mut session: Demuxed, mut decoder: pipe::Sender, delimited: bool) -> String {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(WAITING);
    let write = async {
        while let Some(unit) = receiver.recv().await {
            decoder.write_all(&unit).await?;
            if delimited {
                decoder.write_all(&DELIMITER).await?;
            }
        }
        Ok::<_, std::io::Error>(())
    };
    let read = async {
        let mut needs_keyframe = true;
        loop {
            let item = match timeout(SILENCE, session.next()).await {
                Err(_elapsed) => return format!("it sent nothing for {} seconds", SILENCE.as_secs()),
                Ok(None) => return "it ended the stream".to_owned(),
                Ok(Some(Err(error))) => return error.to_string(),
                Ok(Some(Ok(item))) => item,
            };
            let CodecItem::VideoFrame(frame) = item else { continue };
            if needs_keyframe && !frame.is_random_access_point() {
                continue;
            }
            needs_keyframe = sender.try_send(Bytes::copy_from_slice(frame.data())).is_err();
        }
    };
    tokio::select! {
        why = read => why,
        written = write => written.err().map_or_else(String::new, |error| format!("its decoder ended ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_reaches_the_camera_alone() {
        let (url, credentials) = address("rtsp://admin:a%40b+c@camera.example:8554/main?x=1").unwrap();
        assert_eq!(url.as_str(), "rtsp://camera.example:8554/main?x=1");
        let expected = Credentials { username: "admin".to_owned(), password: "a@b+c".to_owned() };
        assert_eq!(credentials, Some(expected));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let input = Rtsp::new("rtsp://admin:secret@camera.example/", runtime.handle().clone());
        assert_eq!(input.what(), "the camera at camera.example");
    }
}
