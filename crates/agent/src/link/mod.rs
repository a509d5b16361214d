//! The link to the hub: MQTT over TLS with the sensor's certificate.
//!
//! A [`Session`] is one connection. What may be said over it is [`Message`], and nothing else.

mod keep;

use std::sync::Arc;

use playhouse_sense::enrolment::{Ask, Desired, HUB_NAME, Health, Reported};
use playhouse_sense::topic;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) use keep::REFUSALS;
pub use keep::{Access, Ends, State, keep};

use crate::http::dial;
use crate::mqtt::{Heard, Mqtt, MqttError};

/// Everything that a sensor can say. There is no variant for a picture, so that none can leave.
#[derive(Clone, Debug)]
pub enum Message {
    /// An encoded [`playhouse_sense::observation::Batch`].
    Batch(Vec<u8>),
    /// An encoded [`playhouse_sense::observation::Glimpse`].
    Glimpse(Vec<u8>),
    /// How it is.
    Health(Health),
    /// What it does.
    Reported(Box<Reported>),
}

/// What a sensor is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Up to which event everything is in the hub's records.
    Taken(Taken),
    /// What to do from now on.
    Desired(Box<Desired>),
    /// What to do right now.
    Ask(Ask),
    /// Settings that are none, in words that the hub can show.
    Nonsense(String),
}

/// Everything up to `seq` of that epoch is in the hub's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Taken {
    /// Of which life of the outbox.
    pub epoch: u64,
    /// The last event's number.
    pub seq: u64,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody answers.
    #[error("the hub does not answer at {0} ({1})")]
    Unreachable(String, std::io::Error),
    /// The certificate was taken back.
    #[error(
        "the hub refuses this sensor: it was revoked or removed. Ask an owner for a new code, and start again with --code"
    )]
    Revoked,
    /// The certificate has ended.
    #[error(
        "the hub refuses this sensor's certificate, because it has ended. See that this device's clock is right; otherwise ask an owner for a new code, and start again with --code"
    )]
    Expired,
    /// The two do not trust each other.
    #[error(
        "the hub at {0} and this sensor do not trust each other ({1}); see that this device's clock is right, and where the hub was set up anew, enrol again with --code"
    )]
    Distrust(String, std::io::Error),
    /// The connection broke.
    #[error("the link broke: {0}")]
    Lost(String),
}

/// One connection to the hub.
#[derive(Debug)]
pub struct Session {
    mqtt: Mqtt<TlsStream<TcpStream>>,
}

impl Session {
    /// Connects, and listens to what the hub says to this sensor. `address`: `host:port`.
    pub async fn connect(address: &str, tls: Arc<ClientConfig>, sensor: &str) -> Result<Self, LinkError> {
        let unreachable = |error| LinkError::Unreachable(address.to_owned(), error);
        let stream = dial(address).await.map_err(unreachable)?;
        let name = ServerName::try_from(HUB_NAME).map_err(|error| LinkError::Lost(error.to_string()))?;
        let secured = TlsConnector::from(tls).connect(name, stream).await.map_err(|error| {
            refusal(&error).unwrap_or_else(|| LinkError::Distrust(address.to_owned(), error))
        })?;
        let topics = [topic::DESIRED, topic::TAKEN, topic::ASK].map(|kind| topic::of(sensor, kind));
        let mqtt = Mqtt::open(secured, sensor, &topics).await.map_err(LinkError::from)?;
        Ok(Self { mqtt })
    }

    /// Says something.
    pub async fn tell(&mut self, sensor: &str, message: &Message) -> Result<(), LinkError> {
        let json = |text: Result<Vec<u8>, serde_json::Error>| {
            text.map_err(|error| LinkError::Lost(format!("a message has no JSON: {error}")))
        };
        let (kind, payload, sure) = match message {
            // The hub's word that it took a batch is all the acknowledgement there is: the outbox sends it again without.
            Message::Batch(bytes) => (topic::BATCH, bytes.clone(), false),
            Message::Glimpse(bytes) => (topic::GLIMPSE, bytes.clone(), false),
            Message::Health(health) => (topic::HEALTH, json(serde_json::to_vec(health))?, false),
            Message::Reported(reported) => (topic::REPORTED, json(serde_json::to_vec(reported))?, true),
        };
        Ok(self.mqtt.publish(&topic::of(sensor, kind), &payload, sure).await?)
    }

    /// Waits for what the hub says next. Nothing is lost where the caller stops waiting.
    pub async fn hear(&mut self) -> Result<Told, LinkError> {
        loop {
            let Heard { topic, payload } = self.mqtt.hear().await?;
            if let Some(told) = understand(&topic, &payload) {
                return Ok(told);
            }
        }
    }

    /// Takes leave.
    pub async fn close(self) {
        self.mqtt.close().await;
    }
}

/// What a message means; `None`: nothing that this agent knows of, from a hub of another time.
fn understand(topic: &str, payload: &[u8]) -> Option<Told> {
    let (_, kind) = topic::parse(topic)?;
    match kind {
        topic::TAKEN => serde_json::from_slice(payload).ok().map(Told::Taken),
        topic::ASK => serde_json::from_slice(payload).ok().map(Told::Ask),
        topic::DESIRED => Some(match serde_json::from_slice(payload) {
            Ok(desired) => Told::Desired(Box::new(desired)),
            Err(error) => Told::Nonsense(format!("this agent does not understand these settings: {error}")),
        }),
        _ => None,
    }
}

/// What a TLS alert says about the certificate.
fn refusal(error: &std::io::Error) -> Option<LinkError> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(AlertDescription::CertificateExpired) => Some(LinkError::Expired),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRevoked | AlertDescription::AccessDenied,
        ) => Some(LinkError::Revoked),
        _ => None,
    }
}

impl From<MqttError> for LinkError {
    fn from(error: MqttError) -> Self {
        match error {
            // 3.2.2.3: not authorised.
            MqttError::Refused(4 | 5) => Self::Revoked,
            MqttError::Io(io) => refusal(&io).unwrap_or_else(|| Self::Lost(io.to_string())),
            other => Self::Lost(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_none_are_told_in_words() {
        let told = understand("sense/a/desired", br#"{"version": 3, "settings": {"colour": 1}}"#);
        assert!(matches!(&told, Some(Told::Nonsense(words)) if words.contains("colour")), "{told:?}");
        let told = understand("sense/a/taken", br#"{"epoch": 18446744073709551615, "seq": 7}"#);
        assert_eq!(told, Some(Told::Taken(Taken { epoch: u64::MAX, seq: 7 })));
        assert_eq!(understand("sense/a/unknown", b"{}"), None);
    }
}
