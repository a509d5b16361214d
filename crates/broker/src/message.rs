//! A published message.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::rights::Identity;

/// Quality of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Qos {
    /// At most once.
    AtMostOnce = 0,
    /// At least once.
    AtLeastOnce = 1,
    /// Exactly once.
    ExactlyOnce = 2,
}

/// What was published. Payload and topic are shared: a clone copies no bytes of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its payload.
    pub payload: Bytes,
    /// The quality that its publisher gave it.
    pub qos: Qos,
    /// Whether it is to be kept as its topic's last one; in an [`crate::Inbox`]: whether it is one that was kept.
    pub retain: bool,
    /// Who published it; `None` for the broker's own program.
    pub from: Option<Identity>,
    /// When it is worth nothing any more (message expiry of version 5).
    pub expires: Option<Instant>,
    /// Properties of version 5 that pass through to subscribers.
    pub properties: Option<Box<Properties>>,
}

/// Properties of a message that the broker passes through (MQTT 5, section 3.3.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// Whether the payload is said to be UTF-8.
    pub utf8: Option<bool>,
    /// MIME type or the like.
    pub content_type: Option<String>,
    /// Where an answer is expected.
    pub response_topic: Option<String>,
    /// What the answer has to bring.
    pub correlation: Option<Bytes>,
    /// Pairs of names and values, in order; a name may come twice.
    pub user: Vec<(String, String)>,
}

/// What a message takes in memory besides payload and topic: itself, its place in a queue or a map, and what allocations
/// are rounded up to.
const OVERHEAD: usize = 200;

impl Message {
    /// About how many bytes it takes in memory.
    pub(crate) fn size(&self) -> usize {
        let properties = self.properties.as_ref().map_or(0, |properties| {
            let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            size_of::<Properties>()
                + text(&properties.content_type)
                + text(&properties.response_topic)
                + properties.correlation.as_ref().map_or(0, Bytes::len)
                + properties.user.iter().map(|(name, value)| 64 + name.len() + value.len()).sum::<usize>()
        });
        OVERHEAD + self.topic.len() + self.payload.len() + properties
    }
}
