//! What a profile with an age limit gets, and what it is told.

use axum::http::StatusCode;
use playhouse_watch::household::may_see;

use crate::app::App;
use crate::gate::who::Caller;
use crate::problem::{Answer, Problem};

/// A profile with an age limit cannot do this.
pub(crate) fn limited() -> Problem {
    let detail =
        "The profile on this device has an age limit, which does not allow that. Open another profile first.";
    Problem::not_allowed(detail)
}

/// Refuses a film that the profile at the device does not see. A film that is not there is the handler's affair.
pub(crate) async fn of_age(app: &App, caller: &Caller, film: &str) -> Answer<()> {
    if !caller.is_limited() {
        return Ok(());
    }
    let Some(film) = app.store.films().get(film).await? else { return Ok(()) };
    if may_see(caller.watcher.age_limit, film.age) {
        return Ok(());
    }
    let detail = "This film is above the age limit of the profile on this device, or nobody has said yet from which \
                  age on it is for. Open another profile to watch it.";
    Err(refused(detail))
}

/// Nobody knows for whom it is what a channel sends.
pub(crate) fn unrated() -> Problem {
    let detail = "The profile on this device has an age limit, and nobody says for whom it is what a channel sends. \
                  Open another profile to watch it.";
    refused(detail)
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "age-limit", "Not for this profile", detail)
}
