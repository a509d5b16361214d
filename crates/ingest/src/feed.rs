//! One publisher's stream: admitted by its key, fed, and ended when the key opens nothing any more.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use playhouse_live::{Admission, Gone, Hub, Protocol, Publisher, Refusal, Stream};
use playhouse_media::intake::{Intake, Output};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::House;

/// How often the key is asked for again. Two refusals in a row end the stream, so that a database that is busy once
/// does not.
const RECHECK: Duration = Duration::from_secs(2);

/// How long the answer about a key may take.
const VERDICT: Duration = Duration::from_secs(5);

/// Bytes of a key that is looked up: those of this house have less than a hundred.
const LONGEST_KEY: usize = 256;

/// How long the other track is waited for where the publisher does not say what it has and its clock stands still.
const PATIENCE: Duration = Duration::from_millis(500);

/// Why a stream that had begun ended; a sentence for the publisher and the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum End {
    #[error("Another publisher has taken the channel over.")]
    Replaced,
    #[error("{0}")]
    Refused(Refusal),
}

/// A publisher with what it has sent.
#[derive(Debug)]
pub(crate) struct Feed {
    publisher: Publisher,
    /// Takes what the publisher sends; [`flush`](Self::flush) gives it to the stream.
    pub(crate) intake: Intake,
    begun: Option<Instant>,
    /// Watches over the key beside the samples, which would disturb it many times a second.
    watch: JoinHandle<End>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Feed {
    /// Asks for the key, and begins the stream.
    pub(crate) async fn begin(
        house: &House,
        key: &str,
        protocol: Protocol,
        from: IpAddr,
    ) -> Result<Self, Refusal> {
        let admission = admit(house, key, protocol, from).await?;
        let publisher = house.hub.publish(&admission, protocol)?;
        let watch = tokio::spawn(watch(
            house.clone(),
            key.to_owned(),
            protocol,
            from,
            Arc::clone(publisher.stream()),
        ));
        Ok(Self::with(publisher, watch))
    }

    /// Begins the stream of a channel that is pulled, for which nobody needs a key.
    pub(crate) fn pulled(hub: &Arc<Hub>, channel: &str, protocol: Protocol) -> Result<Self, Refusal> {
        let admission = Admission { channel: channel.to_owned(), replace: false };
        let publisher = hub.publish(&admission, protocol)?;
        let watch = tokio::spawn(replaced(Arc::clone(publisher.stream())));
        Ok(Self::with(publisher, watch))
    }

    fn with(publisher: Publisher, watch: JoinHandle<End>) -> Self {
        Self { publisher, intake: Intake::default(), begun: None, watch }
    }

    /// The channel's id.
    pub(crate) fn channel(&self) -> &str {
        self.publisher.stream().channel()
    }

    /// Gives what came to the stream.
    pub(crate) fn flush(&mut self) -> Result<(), End> {
        if self.begun.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            self.intake.hurry();
        }
        while let Some(output) = self.intake.poll() {
            match output {
                Output::Formats(formats) => self.publisher.formats(formats),
                Output::Sample(sample) => self.publisher.sample(sample),
            }
            .map_err(|_gone: Gone| End::Replaced)?;
        }
        Ok(())
    }

    /// Done when the stream has to end although its publisher goes on. May be dropped and called again.
    pub(crate) async fn ended(&mut self) -> End {
        (&mut self.watch).await.unwrap_or(End::Replaced)
    }
}

/// Looks after a stream until it has to end.
async fn watch(house: House, key: String, protocol: Protocol, from: IpAddr, stream: Arc<Stream>) -> End {
    let mut refused = false;
    loop {
        sleep(RECHECK).await;
        if stream.has_ended() {
            return End::Replaced;
        }
        match admit(&house, &key, protocol, from).await {
            Ok(admission) if admission.channel == stream.channel() => refused = false,
            Ok(_) => {
                return End::Refused(Refusal("The stream key is one of another channel now.".to_owned()));
            }
            Err(refusal) if refused => return End::Refused(refusal),
            Err(_) => refused = true,
        }
    }
}

/// Waits until a stream that has no key has ended.
async fn replaced(stream: Arc<Stream>) -> End {
    while !stream.has_ended() {
        sleep(RECHECK).await;
    }
    End::Replaced
}

async fn admit(house: &House, key: &str, protocol: Protocol, from: IpAddr) -> Result<Admission, Refusal> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(Refusal(
            "There is no stream key: put the one of the channel's studio page into the publishing program."
                .to_owned(),
        ));
    }
    timeout(VERDICT, house.door.admit(key, protocol, from)).await.unwrap_or_else(|_| {
        Err(Refusal("The house is too busy to look the stream key up; try again in a moment.".to_owned()))
    })
}
