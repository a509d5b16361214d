//! Topic aliases that a client sets (MQTT 5, section 3.3.2.3.4).

use std::sync::Arc;

use crate::codec::{Publish, Reason};

/// The aliases of one connection.
#[derive(Debug, Default)]
pub struct Aliases(Vec<Option<Arc<str>>>);

impl Aliases {
    /// Gives a message its topic, or remembers it. `limit` is what the client was told.
    ///
    /// # Errors
    /// An alias that is unknown, zero or beyond the limit; no topic at all.
    pub fn resolve(&mut self, publish: &mut Publish, limit: u16) -> Result<(), Reason> {
        let Some(alias) = publish.alias else {
            return if publish.topic.is_empty() { Err(Reason::PROTOCOL_ERROR) } else { Ok(()) };
        };
        if alias == 0 || alias > limit {
            return Err(Reason::BAD_ALIAS);
        }
        let at = usize::from(alias) - 1;
        if publish.topic.is_empty() {
            let topic = self.0.get(at).and_then(Option::as_ref).ok_or(Reason::PROTOCOL_ERROR)?;
            publish.topic = Arc::clone(topic);
        } else {
            if self.0.len() <= at {
                self.0.resize(at + 1, None);
            }
            self.0[at] = Some(Arc::clone(&publish.topic));
        }
        Ok(())
    }
}
