//! Plays a seat by a sensor: what it sees becomes the pad of a game, for as long as the seat is the sensor's.

use std::sync::Arc;
use std::time::Duration;

use playhouse_media::time::Timestamp;
use playhouse_play::input::PadState;
use playhouse_sense::detection::Label;
use playhouse_sense::enrolment::Ask;
use playhouse_sense::steer::{Stance, Steering};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::app::Shared;
use crate::house::live::Live;
use crate::house::sensors::fleet::Member;
use crate::house::sensors::listen::GLIMPSES;
use crate::node::NodeError;

/// How often the sensor is asked to go on, and it is looked whether it is still there.
const LOOK: Duration = Duration::from_secs(5);

/// After so long without a glimpse the pad is taken away, so that the game pauses or goes on without it.
const SILENT: Duration = Duration::from_secs(2);

/// What is followed, of the labels that a model knows.
const PERSON: &str = "person";

/// A seat of a session.
pub(crate) struct Seat {
    pub(crate) session: String,
    /// From 1.
    pub(crate) number: u8,
    /// Names this time among all times that a sensor had a seat.
    pub(crate) hand: String,
}

impl Seat {
    /// Plays until the seat is taken back or given to another one, the session is over, or the sensor is gone.
    pub(crate) async fn play(self, app: Shared, id: String, sensor: Arc<Member>, mirrored: bool) {
        let mut glimpses = sensor.glimpses.subscribe();
        let (mut steering, began) = (Steering::new(mirrored), Instant::now());
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut given, mut blind) = (None, began);
        while self.is_ours(&app) {
            let pad = tokio::select! {
                _ = glimpses.changed() => {
                    blind = Instant::now() + SILENT;
                    let now = Timestamp::ZERO + began.elapsed();
                    let person = person(&sensor);
                    steering.see(now, &glimpses.borrow_and_update().things, person).map(pad)
                }
                () = sleep_until(blind), if given.is_some() => None,
                _ = look.tick() => {
                    if app.sensors.fleet.get(&id).is_none() {
                        break;
                    }
                    app.sensors.ask(&id, &Ask::Glimpses { seconds: GLIMPSES });
                    continue;
                }
            };
            if pad != given {
                given = pad;
                if self.give(&app, pad).await.is_err() {
                    break;
                }
            }
        }
        self.leave(&app).await;
    }

    fn is_ours(&self, app: &Shared) -> bool {
        let ours =
            |live: &Live| live.sensors.get(&self.number).is_some_and(|seated| seated.hand == self.hand);
        app.sessions.read(&self.session, ours).unwrap_or_default()
    }

    async fn give(&self, app: &Shared, pad: Option<PadState>) -> Result<(), NodeError> {
        app.node.steer(&self.session, &self.hand, self.number, pad).await
    }

    /// Lets the seat go, where it is still the sensor's, and takes the pad away.
    async fn leave(self, app: &Shared) {
        if self.is_ours(app)
            && let Err(problem) = app.sessions.change(&self.session, |live| live.sensors.remove(&self.number))
        {
            tracing::debug!(
                session = self.session,
                ?problem,
                "a sensor left a seat of a session that is gone"
            );
        }
        // A session that is over has no pads any more.
        drop(self.give(app, None).await);
    }
}

/// The label that plays, where the sensor's model has one of that name.
fn person(sensor: &Member) -> Option<Label> {
    let sensor = sensor.now();
    let labels = &sensor.reported.as_ref()?.labels;
    labels.iter().position(|label| label == PERSON).and_then(|at| Label::try_from(at).ok())
}

fn pad(stance: Stance) -> PadState {
    #[expect(clippy::cast_possible_truncation, reason = "from -1 to 1")]
    let axis = |part: f32| (part * f32::from(i16::MAX)) as i16;
    PadState {
        buttons: u32::from(stance.ducked),
        axes: [axis(stance.x), axis(stance.y), 0, 0],
        triggers: [0; 2],
    }
}
