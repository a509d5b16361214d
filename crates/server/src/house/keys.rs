//! Stream keys: which channel a publisher may publish.

use std::net::IpAddr;

use playhouse_live::{Admission, Door, Protocol, Refusal, Verdict};
use playhouse_store::Store;

use crate::clock::now;

/// Knows the stream keys of this house.
#[derive(Clone, Debug)]
pub struct Keys(Store);

impl Keys {
    /// Of the keys in `store`.
    pub fn new(store: Store) -> Self {
        Self(store)
    }
}

impl Door for Keys {
    fn admit<'a>(&'a self, key: &'a str, protocol: Protocol, from: IpAddr) -> Verdict<'a> {
        Box::pin(async move {
            let found = self.0.channels().by_secret(key, now()).await.map_err(|error| {
                tracing::error!(%error, "a stream key could not be looked up");
                Refusal("The house could not look the stream key up; try again in a moment.".to_owned())
            })?;
            let channel = found.ok_or_else(|| {
                tracing::info!(%protocol, %from, "a publisher came with a key that opens nothing");
                Refusal(
                    "This stream key opens no channel: it was mistyped, revoked, or its channel is gone. The studio \
                     page makes a new one."
                        .to_owned(),
                )
            })?;
            Ok(Admission { channel: channel.id, replace: channel.replace_publisher })
        })
    }
}
