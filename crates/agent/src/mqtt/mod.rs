//! A client of MQTT 3.1.1 over any stream: small enough that ten thousand fit into one process.
//!
//! Nothing is kept for another connection: what has to survive one lies in the outbox.

mod packet;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use packet::{Malformed, Packet};

/// Seconds after which a side that said nothing sends a sign of life.
pub(crate) const KEEP_ALIVE: u16 = 30;

/// How long a broker may take for what it owes: an answer to a ping or a greeting, room for what is written.
const PATIENCE: Duration = Duration::from_secs(15);

/// How much is read at a time.
const READ: usize = 512;

/// Why a connection is no more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MqttError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the hub refuses the connection (code {0} of MQTT 3.1.1)")]
    Refused(u8),
    #[error("the hub does not let this sensor listen to its own topics")]
    Deaf,
    #[error("the hub sent {0}")]
    Malformed(#[from] Malformed),
    #[error("the hub said nothing for {} seconds", (Duration::from_secs(KEEP_ALIVE.into()) + PATIENCE).as_secs())]
    Silent,
    #[error("the hub ended the connection")]
    Ended,
}

/// A message that was heard.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
}

/// A connection that stands.
#[derive(Debug)]
pub(crate) struct Mqtt<S> {
    stream: S,
    read: BytesMut,
    /// What is still to be written: whoever stops waiting leaves it here whole.
    unwritten: BytesMut,
    number: u16,
    wrote: Instant,
    heard: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Mqtt<S> {
    /// Begins a connection, and listens to `topics`.
    pub(crate) async fn open(stream: S, client: &str, topics: &[String]) -> Result<Self, MqttError> {
        let now = Instant::now();
        let mut mqtt = Self {
            stream,
            read: BytesMut::new(),
            unwritten: BytesMut::new(),
            number: 0,
            wrote: now,
            heard: now,
        };
        let greeted = async {
            mqtt.write(&packet::connect(client, KEEP_ALIVE)).await?;
            match mqtt.packet().await? {
                Packet::ConnAck(0) => {}
                Packet::ConnAck(code) => return Err(MqttError::Refused(code)),
                _ => return Err(MqttError::Malformed(Malformed::Kind(0))),
            }
            let number = mqtt.number();
            mqtt.write(&packet::subscribe(number, topics)).await
        };
        timeout(PATIENCE, greeted).await.map_err(|_elapsed| MqttError::Silent)??;
        Ok(mqtt)
    }

    /// Says something, with QoS 1 where `sure`. The broker's acknowledgement is heard and means nothing: what is in the
    /// records is told by the hub itself.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &[u8], sure: bool) -> Result<(), MqttError> {
        let number = sure.then(|| self.number());
        self.write(&packet::publish(topic, payload, number)).await
    }

    /// Waits for the next thing that is heard, and keeps the connection alive. Nothing is lost where the caller stops
    /// waiting.
    pub(crate) async fn hear(&mut self) -> Result<Heard, MqttError> {
        loop {
            if !self.unwritten.is_empty() {
                self.write(&[]).await?;
            }
            let ping_at = self.wrote + Duration::from_secs(KEEP_ALIVE.into());
            let silent_at = self.heard + Duration::from_secs(KEEP_ALIVE.into()) + PATIENCE;
            let packet = tokio::select! {
                packet = self.packet() => packet?,
                () = tokio::time::sleep_until(ping_at.min(silent_at)) => {
                    if Instant::now() >= silent_at {
                        return Err(MqttError::Silent);
                    }
                    self.write(&packet::PING).await?;
                    continue;
                }
            };
            match packet {
                Packet::Publish { topic, payload, number } => {
                    // Written before anything else is read.
                    self.unwritten.extend(number.into_iter().flat_map(packet::puback));
                    return Ok(Heard { topic, payload });
                }
                Packet::SubAck(granted) if granted.contains(&0x80) => return Err(MqttError::Deaf),
                Packet::SubAck(_) | Packet::PubAck | Packet::Pong => {}
                Packet::ConnAck(_) => return Err(MqttError::Malformed(Malformed::Kind(2))),
            }
        }
    }

    /// Takes leave; whatever is not acknowledged by now is not waited for.
    pub(crate) async fn close(mut self) {
        self.write(&packet::DISCONNECT).await.ok();
        timeout(PATIENCE, self.stream.shutdown()).await.ok();
    }

    fn number(&mut self) -> u16 {
        // 2.3.1: never 0.
        self.number = self.number.checked_add(1).unwrap_or(1);
        self.number
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), MqttError> {
        self.unwritten.extend_from_slice(bytes);
        let written = async {
            while !self.unwritten.is_empty() {
                self.stream.write_buf(&mut self.unwritten).await?;
            }
            self.stream.flush().await
        };
        timeout(PATIENCE, written).await.map_err(|_elapsed| MqttError::Silent)??;
        self.unwritten = BytesMut::new();
        self.wrote = Instant::now();
        Ok(())
    }

    /// The next packet; nothing is lost where the caller stops waiting.
    async fn packet(&mut self) -> Result<Packet, MqttError> {
        loop {
            if let Some(packet) = packet::take(&mut self.read)? {
                self.heard = Instant::now();
                if self.read.is_empty() {
                    // Most of the time there is nothing to keep: a fleet of simulated sensors is mostly idle ones.
                    self.read = BytesMut::new();
                }
                return Ok(packet);
            }
            self.read.reserve(READ);
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(MqttError::Ended);
            }
        }
    }
}
