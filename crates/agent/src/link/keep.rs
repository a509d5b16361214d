//! The link that is kept: connects, comes back after every break, and ends only where the hub wants no more of this sensor.

use std::sync::Arc;
use std::time::Duration;

use playhouse_sense::enrolment::{Ask, Reported};
use playhouse_sense::observation::Batch;
use rustls::ClientConfig;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::{LinkError, Message, Session, Told};
use crate::backoff::Backoff;
use crate::outbox::Outbox;

/// The first wait after a break, and the longest: a hub that is back is seen within half a minute, and a fleet of ten
/// thousand that lost it knocks some hundred times a second.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// A link that stood so long was a good one: the next break is the first again.
const GOOD: Duration = Duration::from_secs(10);

/// How often in a row the hub has to refuse the sensor until it believes that: one that is just starting may not know yet
/// who is who.
pub(crate) const REFUSALS: u32 = 3;

/// What the link connects with; another one (after a renewal) lets it connect anew.
#[derive(Clone, Debug)]
pub struct Access {
    /// `host:port`.
    pub address: String,
    /// The sensor's id.
    pub sensor: String,
    /// With its certificate.
    pub tls: Arc<ClientConfig>,
}

/// The link's ends on the agent's side.
#[derive(Debug)]
pub struct Ends {
    /// What to connect with.
    pub access: watch::Receiver<Access>,
    /// What does not matter later: health, glimpses. What waits here while there is no link is thrown away.
    pub passing: mpsc::Receiver<Message>,
    /// What the outbox wants to be sent.
    pub batches: mpsc::Receiver<Batch>,
    /// What the sensor does; told at every connect and whenever it changes.
    pub reported: watch::Receiver<Reported>,
    /// Whom to tell what was taken.
    pub outbox: Outbox,
    /// Everything else that is heard.
    pub told: mpsc::Sender<Told>,
    /// Whether there is a link, and otherwise why not.
    pub state: watch::Sender<State>,
}

/// How the link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It stands.
    Up,
    /// There is none, and this is why.
    Down(String),
}

/// Keeps the link until the hub wants no more of this sensor; says why. Runs until then, or until it is dropped.
pub async fn keep(mut ends: Ends) -> LinkError {
    let mut backoff = Backoff::new(FIRST, LONGEST);
    let mut refused = 0;
    loop {
        let access = ends.access.borrow_and_update().clone();
        let error = match Session::connect(&access.address, access.tls, &access.sensor).await {
            Ok(session) => {
                tracing::info!(hub = access.address, "linked to the hub");
                ends.state.send_replace(State::Up);
                let begun = Instant::now();
                let end = ends.converse(session, &access.sensor).await;
                ends.outbox.linked(false);
                if begun.elapsed() >= GOOD {
                    backoff.reset();
                    refused = 0;
                }
                match end {
                    End::Renewed => continue,
                    End::Leave => return LinkError::Revoked,
                    End::Broken(error) => error,
                }
            }
            Err(error) => error,
        };
        if matches!(error, LinkError::Revoked | LinkError::Expired) {
            refused += 1;
            if refused >= REFUSALS {
                return error;
            }
        } else {
            refused = 0;
        }
        let pause = backoff.wait(rand::random());
        tracing::warn!(%error, again_in = ?pause, "there is no link to the hub");
        ends.state.send_replace(State::Down(error.to_string()));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // A new certificate may be what was missing.
            Ok(()) = ends.access.changed() => {}
        }
    }
}

/// Why a conversation is over.
enum End {
    Broken(LinkError),
    Renewed,
    Leave,
}

impl Ends {
    async fn converse(&mut self, mut session: Session, sensor: &str) -> End {
        // What was said into the void is old by now; the outbox gives again what matters.
        while self.passing.try_recv().is_ok() || self.batches.try_recv().is_ok() {}
        self.outbox.linked(true);
        self.reported.mark_changed();
        loop {
            let message = tokio::select! {
                told = session.hear() => {
                    match told {
                        Ok(Told::Taken(taken)) => self.outbox.taken(taken),
                        Ok(Told::Ask(Ask::Leave)) => return End::Leave,
                        Ok(told) => {
                            if self.told.send(told).await.is_err() {
                                return End::Broken(LinkError::Lost("the agent ends".to_owned()));
                            }
                        }
                        Err(error) => return End::Broken(error),
                    }
                    continue;
                }
                Some(batch) = self.batches.recv() => match batch.encode() {
                    Ok(bytes) => Message::Batch(bytes),
                    Err(error) => {
                        tracing::error!(%error, "a batch cannot be sent");
                        continue;
                    }
                },
                Some(message) = self.passing.recv() => message,
                Ok(()) = self.reported.changed() => {
                    Message::Reported(Box::new(self.reported.borrow_and_update().clone()))
                }
                Ok(()) = self.access.changed() => {
                    session.close().await;
                    return End::Renewed;
                }
            };
            if let Err(error) = session.tell(sensor, &message).await {
                return End::Broken(error);
            }
        }
    }
}
