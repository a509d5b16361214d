//! Sensors that ask what a track is: allowed by the owner, one question at a time, each written down.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json as Body};
use playhouse_sense::enrolment::Verdict;
use playhouse_sense::observation::TrackId;
use playhouse_store::sensor_asks::SensorAsk;
use serde::Deserialize;

use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Params};
use crate::house::sensors::adviser::Unanswered;
use crate::house::sensors::authority::Peer;
use crate::house::sensors::doors::{admitted, capital, out};
use crate::house::sensors::fleet::Trouble;
use crate::house::sensors::twin::desired;
use crate::problem::{Answer, Problem};

/// What a mosaic is.
const JPEG: &str = "image/jpeg";

/// How long a mosaic may take to arrive: some kilobytes over a slow line.
const ARRIVING: Duration = Duration::from_secs(20);

/// The longest name of a label, in bytes.
const LONGEST_LABEL: usize = 200;

/// About what is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    track: TrackId,
    /// What the sensor takes it for.
    label: String,
}

/// Says what is on a mosaic.
pub(crate) async fn ask(
    State(app): State<Shared>,
    Extension(peer): Extension<Peer>,
    Params(about): Params<About>,
    request: Request,
) -> Answer<Body<Verdict>> {
    admitted(&app, &peer)?;
    let member = app.sensors.fleet.get(&peer.name).ok_or_else(out)?;
    let row = member.now().row.clone();
    if !desired(&row).settings.crops {
        let why = "It wanted to send crops, which is not allowed to it.";
        member.now().troubles.count(Trouble::Refused, 1, why, now());
        let detail =
            "This sensor may not send crops: the house's owner has not allowed it (`crops` of its settings).";
        return Err(Problem::not_allowed(detail));
    }
    if extract::media_type(request.headers()) != JPEG {
        return Err(Problem::wrong_type(JPEG));
    }
    if about.label.len() > LONGEST_LABEL {
        let detail = format!("A label has at most {LONGEST_LABEL} bytes.");
        return Err(Problem::invalid("label", detail));
    }
    let Ok(turn) = Arc::clone(&member.asks).try_acquire_owned() else {
        let detail = "This sensor asks already; it gets one answer at a time.";
        let many = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "One at a time", detail);
        return Err(many.retry_after(1));
    };
    let slow = |_elapsed| Problem::invalid("body", "The mosaic did not arrive in time; send it again.");
    let mosaic = tokio::time::timeout(ARRIVING, extract::body(request)).await.map_err(slow)??;
    let bytes = i64::try_from(mosaic.len()).unwrap_or(i64::MAX);
    let answer = app.sensors.adviser.answer(turn, about.label.clone(), mosaic).await;
    if let Err(Unanswered::Unread(unread)) = &answer {
        member.now().troubles.count(
            Trouble::Malformed,
            1,
            format!("It sent a mosaic that is none: {unread}."),
            now(),
        );
    }
    // Whoever's crops were looked at is answered only once it is written down that they were.
    if matches!(answer, Ok(_) | Err(Unanswered::Unsure(_))) {
        let asked = SensorAsk {
            id: 0,
            at: now(),
            track: about.track.into(),
            bytes,
            asked: about.label,
            answer: answer.as_ref().ok().cloned().flatten(),
        };
        app.store.sensor_asks().put(member.key, &asked).await?;
    }
    let label = answer.map_err(unanswered)?;
    Ok(Body(Verdict { track: about.track, label }))
}

fn unanswered(unanswered: Unanswered) -> Problem {
    let detail = format!("{}.", capital(&unanswered.to_string()));
    match unanswered {
        Unanswered::Busy => Problem::busy(detail),
        Unanswered::Unread(_) => Problem::invalid("body", detail),
        Unanswered::Unknown(_) | Unanswered::Unsure(_) => Problem::invalid("label", detail),
        Unanswered::Failed(why) => Problem::internal("Looking at a mosaic", &why),
    }
}
