//! One simulated sensor: a task with a link, an outbox in memory, and a life by chance.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use playhouse_media::time::Timestamp;
use playhouse_sense::enrolment::{Ask, Health, Reported};
use playhouse_sense::observation::{Direction, Glimpse, What};
use playhouse_sense::outbox::{LEAST_BYTES, Limits, Outbox};
use playhouse_sense::scene::LABELS;
use rustls::ClientConfig;
use tokio::sync::{Semaphore, watch};

use super::Options;
use super::figures::Figures;
use super::life::Life;
use crate::backoff::Backoff;
use crate::clock::{date_ms, now};
use crate::identity::Identity;
use crate::link::{LinkError, Message, REFUSALS, Session, Taken, Told};
use crate::tls::{Hub, TlsError};

/// As the agent's own link: see `link::keep`.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How often health is told.
const HEALTH: Duration = Duration::from_secs(10);

/// How often a glimpse is sent while somebody looks.
const GLIMPSE: Duration = Duration::from_millis(200);

/// A simulated sensor.
pub(super) struct Device {
    sensor: Box<str>,
    address: Arc<str>,
    tls: Arc<ClientConfig>,
    life: Life,
    outbox: Outbox,
    /// When its life began, and what date that was.
    begun: Timestamp,
    began_ms: u64,
    /// When the batch that is on its way was sent.
    sent: Option<Instant>,
    health_at: Timestamp,
    glimpse_at: Timestamp,
    glimpses_until: Timestamp,
    frame: u64,
}

/// How a connection ended.
enum End {
    Broken,
    Finished,
    Gone,
}

impl Device {
    pub(super) fn new(
        number: u64,
        identity: &Identity,
        hub: &Hub,
        options: &Options,
    ) -> Result<Self, TlsError> {
        let limits = Limits { bytes: LEAST_BYTES, ..Limits::default() };
        let begun = now();
        let (mut outbox, _) = Outbox::open(begun, rand::random(), limits, Vec::new());
        // There are no files: what waits, waits in memory.
        outbox.disk_failed(rand::random());
        Ok(Self {
            sensor: identity.sensor().into(),
            address: identity.mqtt().into(),
            tls: identity.tls(hub)?,
            life: Life::new(options.seed, number, options.crossings),
            outbox,
            begun,
            began_ms: date_ms(),
            sent: None,
            // Spread, so that they do not all speak at once.
            health_at: begun + HEALTH.mul_f64(rand::random()),
            glimpse_at: begun,
            glimpses_until: begun,
            frame: 0,
        })
    }

    /// Lives until it is told to stop and the hub has everything, or the hub wants no more of it.
    pub(super) async fn live(
        mut self,
        figures: Arc<Figures>,
        gate: Arc<Semaphore>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        let mut refused = 0;
        loop {
            let connected = {
                let place = gate.acquire().await;
                let session = Session::connect(&self.address, Arc::clone(&self.tls), &self.sensor).await;
                drop(place);
                session
            };
            match connected {
                Ok(session) => {
                    figures.connected(true);
                    refused = 0;
                    let begun = Instant::now();
                    let end = Box::pin(self.converse(session, &figures, &mut stop)).await;
                    self.outbox.disconnected();
                    self.sent = None;
                    figures.connected(false);
                    match end {
                        End::Finished => return,
                        End::Gone => return figures.left(),
                        End::Broken => {}
                    }
                    if begun.elapsed() > HEALTH {
                        backoff.reset();
                    }
                }
                Err(error) => {
                    if figures.failed.load(Relaxed) == 0 {
                        tracing::warn!(%error, "a simulated sensor does not reach the hub");
                    }
                    refused += u32::from(matches!(error, LinkError::Revoked | LinkError::Expired));
                    if refused >= REFUSALS {
                        return figures.left();
                    }
                }
            }
            figures.failed.fetch_add(1, Relaxed);
            tokio::time::sleep(backoff.wait(rand::random())).await;
            self.happen(&figures, *stop.borrow());
            if *stop.borrow() && self.outbox.is_empty() {
                return;
            }
        }
    }

    async fn converse(
        &mut self,
        mut session: Session,
        figures: &Figures,
        stop: &mut watch::Receiver<bool>,
    ) -> End {
        self.outbox.connected();
        if self.tell(&mut session, reported(0)).await.is_err() {
            return End::Broken;
        }
        loop {
            self.happen(figures, *stop.borrow());
            if let Err(_broken) = self.say(&mut session, figures).await {
                return End::Broken;
            }
            if *stop.borrow() && self.outbox.is_empty() {
                session.close().await;
                return End::Finished;
            }
            let pause = self.wake(*stop.borrow()).since(now()).max(Duration::from_millis(1));
            let told = tokio::select! {
                told = session.hear() => told,
                () = tokio::time::sleep(pause) => continue,
                Ok(()) = stop.changed() => continue,
            };
            match told {
                Ok(Told::Taken(taken)) => self.take(taken, figures),
                Ok(Told::Desired(desired)) => {
                    if self.tell(&mut session, reported(desired.version)).await.is_err() {
                        return End::Broken;
                    }
                }
                Ok(Told::Ask(Ask::Glimpses { seconds })) => {
                    self.glimpses_until = now() + Duration::from_secs(seconds.min(60).into());
                }
                Ok(Told::Ask(Ask::Leave)) => return End::Gone,
                Ok(Told::Nonsense(_)) => {}
                Err(_broken) => return End::Broken,
            }
        }
    }

    /// When something is to be done.
    fn wake(&self, stopped: bool) -> Timestamp {
        let happens = (!stopped).then(|| self.begun + Duration::from_millis(self.life.next_at()));
        let glimpse = (self.glimpse_at < self.glimpses_until).then_some(self.glimpse_at);
        happens.into_iter().chain(glimpse).chain(self.outbox.wake()).fold(self.health_at, Timestamp::min)
    }

    /// Lets happen what happens, unless the time is over.
    fn happen(&mut self, figures: &Figures, stopped: bool) {
        if stopped {
            return;
        }
        let time = now();
        let passed = u64::try_from(time.since(self.begun).as_millis()).unwrap_or(u64::MAX);
        let lost = self.outbox.lost();
        for (at, what) in self.life.happen(passed) {
            match &what {
                What::Crossed { direction: Direction::In, .. } => figures.crossed_in.fetch_add(1, Relaxed),
                What::Crossed { .. } => figures.crossed_out.fetch_add(1, Relaxed),
                _ => 0,
            };
            figures.told.fetch_add(1, Relaxed);
            // None of these is too large.
            self.outbox.push(time, self.began_ms + at, what).ok();
        }
        figures.lost.fetch_add(self.outbox.lost() - lost, Relaxed);
    }

    /// Says what is to be said by now.
    async fn say(&mut self, session: &mut Session, figures: &Figures) -> Result<(), LinkError> {
        let time = now();
        if let Some(batch) = self.outbox.next_batch(time)
            && let Ok(bytes) = batch.encode()
        {
            figures.batches.fetch_add(1, Relaxed);
            figures.bytes.fetch_add(bytes.len() as u64, Relaxed);
            self.tell(session, Message::Batch(bytes)).await?;
            self.sent = Some(Instant::now());
        }
        if time >= self.health_at {
            self.health_at = time + HEALTH;
            let health = Health { fps: 15.0, backlog: self.outbox.backlog() as u64, ..Health::default() };
            self.tell(session, Message::Health(health)).await?;
        }
        if time >= self.glimpse_at && time < self.glimpses_until {
            self.glimpse_at = time + GLIMPSE;
            self.frame += 1;
            let passed = u64::try_from(time.since(self.begun).as_millis()).unwrap_or(u64::MAX);
            let things = self.life.things(passed);
            let glimpse = Glimpse { frame: self.frame, at: date_ms(), took_us: 0, things };
            self.tell(session, Message::Glimpse(glimpse.encode())).await?;
        }
        Ok(())
    }

    fn take(&mut self, taken: Taken, figures: &Figures) {
        let waiting = self.outbox.len();
        self.outbox.taken(now(), taken.epoch, taken.seq);
        let gone = waiting - self.outbox.len();
        figures.taken.fetch_add(gone as u64, Relaxed);
        if gone > 0
            && let Some(sent) = self.sent.take()
        {
            figures.answered(sent.elapsed());
        }
    }

    async fn tell(&self, session: &mut Session, message: Message) -> Result<(), LinkError> {
        session.tell(&self.sensor, &message).await
    }
}

/// What a simulated sensor says of itself.
fn reported(version: u64) -> Message {
    Message::Reported(Box::new(Reported {
        version,
        refused: None,
        agent: env!("CARGO_PKG_VERSION").to_owned(),
        input: "virtual".to_owned(),
        size: (320, 240),
        model: None,
        labels: LABELS.map(str::to_owned).to_vec(),
        pictures: false,
        crops: false,
        apps: Vec::new(),
    }))
}
