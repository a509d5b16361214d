//! What touches the world: listeners, connections, the in-process side.

mod bell;
mod entrance;
mod inbox;
mod listen;
mod presence;
mod pump;
mod shared;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::limits::Limits;
use crate::message::{Message, Qos};
use crate::rights::{Identity, Rights};
use crate::topic::TopicError;
use presence::Feed;
use shared::{Shared, Slot};

pub use inbox::Inbox;
pub use presence::{Presence, PresenceFeed};

/// The broker: a handle that is cheap to clone. Sessions and retained messages are in memory, and gone once it is dropped.
#[derive(Clone)]
pub struct Broker {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").finish_non_exhaustive()
    }
}

impl Broker {
    /// A broker that nobody is connected to.
    pub fn new(rights: Arc<dyn Rights>, limits: Limits) -> Broker {
        Broker { shared: Arc::new(Shared::new(rights, limits)) }
    }

    /// Serves connections without encryption until the future is dropped, which ends them. For loopback and trusted networks.
    pub async fn serve_plain(&self, listener: TcpListener) {
        listen::plain(&self.shared, &listener).await;
    }

    /// Serves connections by TLS until the future is dropped, which ends them. A new connection gets the newest `config`
    /// ([`crate::tls::server_config`] makes one).
    pub async fn serve_tls(&self, listener: TcpListener, config: watch::Receiver<Arc<ServerConfig>>) {
        listen::tls(&self.shared, &listener, &config).await;
    }

    /// Subscribes the program itself to `filters`; at most `capacity` messages wait in the inbox. Retained messages that match
    /// come first.
    ///
    /// # Errors
    /// A filter is not well formed.
    pub fn inbox(&self, filters: &[&str], capacity: usize) -> Result<Inbox, TopicError> {
        let (sender, messages) = mpsc::channel(capacity.max(1));
        let (id, retained) = self.shared.with(|state, now| {
            let (id, retained) = state.engine.open(filters, now)?;
            let filters = filters.iter().map(|&filter| filter.into()).collect();
            state.inboxes.insert(id, Slot { sender, filters });
            Ok((id, retained))
        })?;
        let shared = Arc::downgrade(&self.shared);
        Ok(Inbox { id, retained: VecDeque::from(retained), messages, shared })
    }

    /// Publishes a message of the program itself; nobody's rights are asked. An empty payload with `retain` removes what was
    /// retained. Inboxes get it too, if they have room.
    ///
    /// # Errors
    /// The topic is not well formed, or the message was to be retained and there is no room for it.
    pub fn publish(
        &self,
        topic: &str,
        payload: impl Into<Bytes>,
        qos: Qos,
        retain: bool,
    ) -> Result<(), TopicError> {
        let (topic, payload) = (topic.into(), payload.into());
        let message =
            Arc::new(Message { topic, payload, qos, retain, from: None, expires: None, properties: None });
        self.shared.with(|state, _| {
            for inbox in state.engine.inject(&message)? {
                state.leave(inbox, &message);
            }
            Ok(())
        })
    }

    /// Closes all connections of an identity within a second, and drops its sessions with what waits in them, and its wills.
    /// For who was revoked: [`Rights::admit`] must already refuse it, and is asked again for connections on their way in.
    pub fn disconnect(&self, identity: &str) {
        self.shared.with(|state, now| state.engine.dismiss(&Identity::new(identity), now));
    }

    /// Who comes and goes from now on, after everybody who is there already.
    pub fn connected(&self) -> PresenceFeed {
        let feed = Arc::new(Feed::default());
        self.shared.with(|state, _| state.add_feed(&feed));
        PresenceFeed(feed)
    }
}
