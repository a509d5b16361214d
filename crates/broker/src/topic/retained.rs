//! The last message of each topic whose publisher wanted it kept.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

use super::matches;
use crate::message::Message;

/// Retained messages, within a limit of bytes.
#[derive(Debug, Default)]
pub(crate) struct Retained {
    messages: BTreeMap<Arc<str>, Arc<Message>>,
    bytes: usize,
}

impl Retained {
    /// Whether a message can be kept within `limit` bytes.
    pub(crate) fn has_room(&self, message: &Message, limit: usize) -> bool {
        if message.payload.is_empty() {
            return true;
        }
        let freed = self.messages.get(&message.topic).map_or(0, |old| old.size());
        self.bytes - freed + message.size() <= limit
    }

    /// Keeps a message in place of its topic's last one; an empty one removes that.
    pub(crate) fn keep(&mut self, message: &Arc<Message>) {
        let old = if message.payload.is_empty() {
            self.messages.remove(&message.topic)
        } else {
            self.bytes += message.size();
            self.messages.insert(Arc::clone(&message.topic), Arc::clone(message))
        };
        self.bytes -= old.map_or(0, |old| old.size());
    }

    /// What is kept under topics that match a filter.
    pub(crate) fn matching<'a>(
        &'a self,
        filter: &'a str,
        now: Instant,
    ) -> impl Iterator<Item = &'a Arc<Message>> {
        let wildcard = filter.find(['+', '#']);
        // `a/#` matches `a` too.
        let prefix = filter[..wildcard.unwrap_or(filter.len())].trim_end_matches('/');
        let range = (Bound::Included(prefix), Bound::Unbounded);
        self.messages
            .range::<str, _>(range)
            .take_while(move |(topic, _)| topic.starts_with(prefix))
            .take_while(move |(topic, _)| wildcard.is_some() || topic.as_ref() <= filter)
            .filter(move |(topic, _)| matches(filter, topic))
            .map(|(_, message)| message)
            .filter(move |message| message.expires.is_none_or(|expires| expires > now))
    }

    /// Forgets what has expired.
    pub(crate) fn expire(&mut self, now: Instant) {
        let bytes = &mut self.bytes;
        self.messages.retain(|_, message| {
            let keep = message.expires.is_none_or(|expires| expires > now);
            *bytes -= if keep { 0 } else { message.size() };
            keep
        });
    }
}
