//! What a session on the air sends: read all the while, and given to the live stream that it is published as.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use playhouse_live::{Gone, Publisher};
use playhouse_media::annexb;
use playhouse_media::decoder::{Pictures, opus};
use playhouse_media::intake::{Intake, Kind as Track, Output, Unit};
use playhouse_media::live::VideoCodec;
use playhouse_play::air::{HEADER, Header, Kind};
use playhouse_play::control::Ask;
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc::WeakSender;

/// Bytes that are read at once: a picture and the sound beside it.
const BUFFER: usize = 64 << 10;

/// Where the pictures and sound of a session go, while they go anywhere.
#[derive(Debug, Default)]
pub(super) struct Antenna(Mutex<Option<Feed>>);

impl Antenna {
    /// Publishes what comes from now on, and ends what was published before.
    pub(super) fn publish(&self, publisher: Publisher) {
        *self.lock() = Feed::new(publisher);
    }

    /// Publishes nothing any more.
    pub(super) fn end(&self) {
        *self.lock() = None;
    }

    /// Gives on what came; whether the session need not send more, since the stream that it went to has ended.
    fn take(&self, header: Header, data: &[u8]) -> bool {
        let mut feed = self.lock();
        let ended = feed.as_mut().is_some_and(|feed| feed.take(header, data).is_err());
        if ended {
            *feed = None;
        }
        ended
    }

    fn lock(&self) -> MutexGuard<'_, Option<Feed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stream, with what its formats are made of.
#[derive(Debug)]
struct Feed {
    publisher: Publisher,
    intake: Intake,
    pictures: Pictures,
}

impl Feed {
    fn new(publisher: Publisher) -> Option<Self> {
        let mut intake = Intake::default();
        intake.expect(true, true);
        intake.format(Track::Audio, opus::plain(2)?);
        Some(Self { publisher, intake, pictures: Pictures::new(VideoCodec::H264)? })
    }

    fn take(&mut self, header: Header, data: &[u8]) -> Result<(), Gone> {
        let unit = |data, keyframe| Unit {
            dts: i64::try_from(header.pts.as_micros()).unwrap_or(i64::MAX),
            delay: 0,
            data,
            keyframe,
        };
        match header.kind {
            Kind::Picture => {
                let picture = self.pictures.add(annexb::nals(data));
                if let Some(format) = self.pictures.format() {
                    self.intake.format(Track::Video, format);
                }
                self.intake.sample(Track::Video, unit(picture.data, picture.keyframe));
            }
            Kind::Sound => self.intake.sample(Track::Audio, unit(data.to_vec(), true)),
        }
        while let Some(output) = self.intake.poll() {
            match output {
                Output::Formats(formats) => self.publisher.formats(formats),
                Output::Sample(sample) => self.publisher.sample(sample),
            }?;
        }
        Ok(())
    }
}

/// Reads what a session sends until it closes its socket. What comes while nothing is published is dropped, so that the
/// next stream begins with what is new.
pub(super) async fn receive(socket: UnixStream, id: String, antenna: Arc<Antenna>, asks: WeakSender<Ask>) {
    let mut socket = BufReader::with_capacity(BUFFER, socket);
    let mut data = Vec::new();
    loop {
        match next(&mut socket, &mut data).await {
            Ok(header) => {
                if antenna.take(header, &data)
                    && let Some(asks) = asks.upgrade()
                    && asks.try_send(Ask::Air { on: false }).is_err()
                {
                    tracing::warn!(session = id, "a session that is on the air no more could not be told");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => {
                tracing::error!(session = id, %error, "what a session sends cannot be read");
                break;
            }
        }
    }
    antenna.end();
}

async fn next(socket: &mut BufReader<UnixStream>, data: &mut Vec<u8>) -> io::Result<Header> {
    let mut header = [0; HEADER];
    socket.read_exact(&mut header).await?;
    let header = Header::parse(&header).map_err(io::Error::other)?;
    data.resize(header.length, 0);
    socket.read_exact(data).await?;
    Ok(header)
}
