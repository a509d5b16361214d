//! The agent at work: camera, eye, outbox and link together, and the twin between them and the hub.

mod apps;
#[cfg(feature = "pictures")]
mod ask;
#[cfg(feature = "pictures")]
mod crops;
mod look;
mod models;
mod shelf;
mod trial;
mod twin;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use playhouse_sense::enrolment::{Ask, Health};
use playhouse_sense::outbox::Limits;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use crate::backoff::Backoff;
use crate::clock::date_ms;
use crate::detector::Loader;
use crate::folder::{Folder, FolderError};
use crate::health;
use crate::http::Place;
use crate::identity::{EnrolError, Identity, IdentityError, Key, RenewError, Server, enrol, place, renew};
use crate::input::{self, Input};
use crate::link::{Access, Ends, LinkError, Message, State, Told, keep};
use crate::outbox;
use crate::tls::{Hub, TlsError};
use apps::Apps;
use models::Models;
use twin::Twin;

/// Passing words between the agent and the link; a second of glimpses.
const PASSING: usize = 64;

/// What the hub says, until the agent has heard it.
const TOLD: usize = 16;

/// How often the agent looks whether its certificate is to be renewed.
const RENEW_LOOK: Duration = Duration::from_mins(1);

/// The longest wait where it could not be: a third of the certificate's time is left for trying.
const RENEW_LONGEST: Duration = Duration::from_hours(1);

/// What the agent is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to enrol, where the agent is not enrolled yet or a code is given.
    pub server: Option<String>,
    /// The one-time code.
    pub code: Option<String>,
    /// The agent's folder.
    pub state: PathBuf,
    /// The outbox's limits.
    pub limits: Limits,
}

/// Why the agent does not run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It is nobody yet.
    #[error(
        "this sensor is not enrolled yet: start it with --server and --code as the page \"Sensors\" of your Playhouse shows them"
    )]
    NotEnrolled,
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It was not enrolled.
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    /// Its certificate is not renewed any more.
    #[error(transparent)]
    Renew(#[from] RenewError),
    /// The hub wants no more of it.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The detector that came with the agent cannot be used.
    #[error("the detector that came with this agent cannot be used: {0}")]
    Detector(String),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system gives no thread.
    #[error("a thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Takes the agent's folder, and the identity that it keeps; enrols where a code is given.
pub async fn identity(options: &Options) -> Result<(Folder, Identity), AgentError> {
    let folder = Folder::open(&options.state)?;
    if let Some(code) = &options.code {
        let server = options.server.as_deref().ok_or(AgentError::NotEnrolled)?;
        let server = Server::parse(server)?;
        let key = Key::generate()?;
        let enrolled = enrol(&server, code, &key).await?;
        let identity = Identity::new(key, &server, enrolled, date_ms() / 1000);
        identity.save(&folder)?;
        tracing::info!(sensor = identity.sensor(), %server, "enrolled");
        return Ok((folder, identity));
    }
    let identity = Identity::load(&folder)?.ok_or(AgentError::NotEnrolled)?;
    Ok((folder, identity))
}

/// Runs the agent until `end` is ready or the hub wants no more of it. What waits in the outbox stays there.
pub async fn run(
    folder: Folder,
    identity: Identity,
    limits: Limits,
    input: Box<dyn Input>,
    loader: Arc<dyn Loader>,
    end: impl Future<Output = ()>,
) -> Result<(), AgentError> {
    let access = Accesses::of(&identity)?;
    let detector = loader.load(None).map_err(AgentError::Detector)?;
    let models = Models::open(&folder.path().join("models"), loader, access.https.subscribe())?;
    let (apps, deeds) = Apps::open(&folder.path().join("apps"), access.https.subscribe())?;
    let camera = input::start(input)?;
    let (outbox, writer, batches) = outbox::open(&folder.path().join("outbox"), limits)?;
    let (passing, passed) = mpsc::channel(PASSING);
    let (told_to, mut told) = mpsc::channel(TOLD);
    let (state, _) = watch::channel(State::Down("not linked yet".to_owned()));
    let twin = Twin::load(&folder, camera.kind())?;
    #[cfg(feature = "pictures")]
    let (line, asker) = ask::open(access.https.subscribe(), twin.desired(), state.subscribe());
    #[cfg(feature = "pictures")]
    let asking = asker.keep();
    #[cfg(not(feature = "pictures"))]
    let asking = std::future::pending::<()>();
    let looker = look::start(
        look::Parts {
            slot: Arc::clone(camera.slot()),
            detector,
            outbox: outbox.clone(),
            passing: passing.clone(),
            twin: twin.clone(),
            apps: apps::Held::new(deeds, twin.clone()),
            #[cfg(feature = "pictures")]
            crops: crops::Crops::new(line),
        },
        twin.desired().borrow().settings.clone(),
    )?;
    let link = keep(Ends {
        access: access.mqtt.subscribe(),
        passing: passed,
        batches,
        reported: twin.reported(),
        outbox: outbox.clone(),
        told: told_to,
        state,
    });
    let renewal = keep_renewed(&folder, identity, &access);
    // What borrows the thread that looks ends before it.
    let result = {
        let prepare = models.prepare(&twin, |order| looker.follow(order));
        let fetch = apps.prepare(&twin);
        tokio::pin!(end, link, renewal, prepare, fetch, asking);
        let mut every = tokio::time::interval(health::EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut told_health = Health::default();
        loop {
            tokio::select! {
                () = &mut end => break Ok(()),
                error = &mut link => break Err(error.into()),
                error = &mut renewal => break Err(error),
                // It goes on for as long as the twin is there.
                () = &mut prepare => {}
                () = &mut fetch => {}
                () = &mut asking => {}
                _ = every.tick() => {
                    looker.measure(&mut told_health);
                    told_health.dropped = camera.slot().dropped();
                    told_health.camera = camera.slot().fault();
                    told_health.temperature = health::temperature();
                    told_health.backlog = outbox.backlog();
                    told_health.lost = outbox.lost();
                    // Where it cannot be told now the next one says more.
                    passing.try_send(Message::Health(told_health.clone())).ok();
                }
                Some(told) = told.recv() => match told {
                    Told::Desired(desired) => twin.desire(&folder, *desired),
                    Told::Nonsense(words) => twin.refuse(None, words),
                    Told::Ask(Ask::Glimpses { seconds }) => looker.allow_glimpses(seconds),
                    Told::Ask(Ask::Leave) | Told::Taken(_) => {}
                },
            }
        }
    };
    drop(camera);
    looker.end();
    writer.end();
    result
}

/// What is connected with, by either protocol; another one after each renewal.
struct Accesses {
    mqtt: watch::Sender<Access>,
    https: watch::Sender<Place>,
}

impl Accesses {
    fn of(identity: &Identity) -> Result<Self, AgentError> {
        let (mqtt, https) = Self::both(identity)?;
        Ok(Self { mqtt: watch::Sender::new(mqtt), https: watch::Sender::new(https) })
    }

    fn both(identity: &Identity) -> Result<(Access, Place), AgentError> {
        let hub = Hub::of(identity.authority())?;
        let access = Access {
            address: identity.mqtt(),
            sensor: identity.sensor().to_owned(),
            tls: identity.tls(&hub)?,
        };
        Ok((access, place(identity, &hub)?))
    }

    fn renew(&self, identity: &Identity) -> Result<(), AgentError> {
        let (mqtt, https) = Self::both(identity)?;
        self.https.send_replace(https);
        self.mqtt.send_replace(mqtt);
        Ok(())
    }
}

/// Renews the certificate when it is time, for as long as the hub does that.
async fn keep_renewed(folder: &Folder, mut identity: Identity, access: &Accesses) -> AgentError {
    let mut backoff = Backoff::new(RENEW_LOOK, RENEW_LONGEST);
    let mut pause = Duration::ZERO;
    loop {
        tokio::time::sleep(pause).await;
        pause = RENEW_LOOK;
        let now = date_ms() / 1000;
        if now < identity.renew_from() {
            continue;
        }
        match renew_once(folder, &identity, now, access).await {
            Ok(renewed) => {
                tracing::info!(expires = renewed.expires(), "the certificate is renewed");
                identity = renewed;
                backoff.reset();
            }
            Err(AgentError::Renew(error)) if error.is_final() => return error.into(),
            Err(error) => {
                pause = backoff.wait(rand::random());
                tracing::warn!(%error, again_in = ?pause, "the certificate is not renewed yet");
            }
        }
    }
}

async fn renew_once(
    folder: &Folder,
    identity: &Identity,
    now: u64,
    access: &Accesses,
) -> Result<Identity, AgentError> {
    let renewed = renew(identity, &Hub::of(identity.authority())?, now).await?;
    renewed.save(folder)?;
    access.renew(&renewed)?;
    Ok(renewed)
}
