//! Channels that are pulled: one task each, begun and ended as the records change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use playhouse_live::Hub;
use playhouse_store::{Store, channels::Kind};
use tokio::task::JoinHandle;

/// How often the records are looked at: how long a new channel waits for its first picture, at most.
const LOOK: Duration = Duration::from_secs(3);

/// What is being pulled, by channel: the source, and the task.
#[derive(Default)]
struct Pulls(HashMap<String, (String, JoinHandle<()>)>);

/// Keeps pulling what the records say, for as long as it is polled.
pub(super) async fn keep(hub: Arc<Hub>, store: Store) {
    let mut pulls = Pulls::default();
    loop {
        match store.channels().all().await {
            Ok(channels) => {
                let wanted = channels.into_iter().filter(|channel| channel.kind == Kind::Pull);
                let wanted = wanted.filter_map(|channel| channel.source.map(|source| (channel.id, source)));
                pulls.follow(wanted.collect(), &hub);
            }
            Err(error) => tracing::warn!(%error, "the channels that are pulled could not be looked up"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

impl Pulls {
    fn follow(&mut self, mut wanted: HashMap<String, String>, hub: &Arc<Hub>) {
        self.0.retain(|channel, (source, task)| {
            let stays = wanted.get(channel) == Some(source);
            if stays {
                wanted.remove(channel);
            } else {
                task.abort();
            }
            stays
        });
        for (channel, source) in wanted {
            let pull = playhouse_ingest::rtsp(Arc::clone(hub), channel.clone(), source.clone());
            self.0.insert(channel, (source, tokio::spawn(pull)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_channel_whose_address_changes_is_pulled_anew_and_one_that_is_gone_no_more() {
        let hub = Arc::new(Hub::default());
        let mut pulls = Pulls::default();
        let wanted = |sources: &[(&str, &str)]| {
            sources.iter().map(|(channel, source)| ((*channel).to_owned(), (*source).to_owned())).collect()
        };
        // Nothing answers at the port of nobody.
        pulls.follow(wanted(&[("a", "rtsp://127.0.0.1:1/a"), ("b", "rtsp://127.0.0.1:1/b")]), &hub);
        let kept = pulls.0["a"].1.id();
        pulls.follow(wanted(&[("a", "rtsp://127.0.0.1:1/a")]), &hub);
        assert_eq!((pulls.0.len(), pulls.0["a"].1.id()), (1, kept));
        pulls.follow(wanted(&[("a", "rtsp://127.0.0.1:1/other")]), &hub);
        assert_ne!(pulls.0["a"].1.id(), kept);
    }
}
