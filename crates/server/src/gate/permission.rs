//! Holds a request against the table of rules.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use playhouse_store::accounts::Role;

use crate::api::channels;
use crate::app::Shared;
use crate::gate::caller;
use crate::gate::rules::{self, Need};
use crate::gate::who::{Caller, Who};
use crate::house::live::Admission;
use crate::house::{household, places};
use crate::problem::{Answer, Problem};

/// Passes a request on to its handler if the rule of its route lets the caller; the handler finds the [`Caller`]
/// among the extensions.
pub(crate) async fn gate(
    State(app): State<Shared>,
    path: MatchedPath,
    params: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let id = params.iter().find(|(name, _)| *name == "id").map(|(_, value)| value.to_owned());
    let (mut parts, body) = request.into_parts();
    let _changes = (!parts.method.is_safe()).then(|| Changes::begin(&app));
    match judge(&app, &path, id.as_deref().unwrap_or_default(), &parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            let mut response = next.run(Request::from_parts(parts, body)).await;
            // What one person was shown is not for whoever uses the browser next.
            let cache = response.headers_mut().entry(CACHE_CONTROL);
            cache.or_insert(HeaderValue::from_static("no-store"));
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// While a request is under way that may change who somebody is: what is known of people ends with its beginning, and
/// again with its end, however it ends.
struct Changes(Shared);

impl Changes {
    fn begin(app: &Shared) -> Self {
        app.known.change();
        Self(app.clone())
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.0.known.change();
    }
}

/// The address that a request came from; loopback is not assumed where none is known.
fn address(request: &Parts) -> Option<IpAddr> {
    request.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

async fn judge(app: &Shared, path: &MatchedPath, id: &str, request: &Parts) -> Answer<Caller> {
    let mut caller = caller::find(app, &request.headers, &request.uri).await?;
    if matches!(caller.who, Who::Nobody)
        && rules::by_token(&request.method, path.as_str())
        && let Some((token, account)) = caller::by_token(app, &request.uri).await?
        && rules::opens(token.only.as_deref(), path.as_str(), id)
    {
        caller.who = Who::Account(account);
        // Players of one link on several devices are several streams.
        let from = address(request).map(|address| address.to_canonical().to_string());
        caller.player = Some(format!("{}-{}", token.id, from.unwrap_or_default()));
    }
    let need = rules::find(&request.method, path.as_str()).ok_or_else(|| {
        // The router is checked against the table when it is built, so that this is never reached.
        Problem::not_allowed("No rule says who may do this, so nobody may.")
    })?;
    // Behind a proxy everybody comes from this machine, and the proxy says so.
    let proxied = ["forwarded", "x-forwarded-for"].iter().any(|name| request.headers.contains_key(*name));
    let local = !proxied && address(request).is_some_and(|address| address.to_canonical().is_loopback());
    match need {
        Need::Anyone => {}
        Need::Local if local => {}
        Need::Local | Need::Owner => {
            account_of_at_least(&caller, Role::Owner, "Only an owner of this place may do that; ask one.")?;
        }
        Need::Player => {
            account_of_at_least(&caller, Role::Player, GUEST)?;
        }
        Need::Account => account_of_at_least(&caller, Role::Guest, "")?,
        Need::Household => {
            account_of_at_least(&caller, Role::Guest, "")?;
            if caller.is_limited() {
                return Err(household::limited());
            }
        }
        Need::Sees | Need::Watches | Need::Streams => shown(app, &caller, need, id)?,
        Need::Party | Need::PartyHost => app.parties.admits(&caller, id, need == Need::PartyHost)?,
        Need::Known => {
            if matches!(caller.who, Who::Nobody) {
                return Err(Problem::sign_in_required());
            }
        }
        Need::Channel => {
            account_of_at_least(&caller, Role::Player, GUEST)?;
            channels::managed(app, &caller, id).await?;
        }
        Need::People | Need::Host => in_session(app, &caller, need, id)?,
    }
    // Whatever is asked of a film: what a profile does not see, it does not get either.
    if path.as_str().starts_with("/api/films/{id}") {
        household::of_age(app, &caller, id).await?;
    } else if path.as_str().starts_with("/api/parties/{id}")
        && let Some(film) = app.parties.film(id)
    {
        household::of_age(app, &caller, &film).await?;
    }
    let on_air = [
        "/api/channels/{id}/live/",
        "/api/channels/{id}/on/",
        "/api/channels/{id}/whep",
        "/api/channels/{id}/relay/",
        "/api/recordings/{id}/watch/",
    ];
    if caller.is_limited() && on_air.iter().any(|prefix| path.as_str().starts_with(prefix)) {
        return Err(household::unrated());
    }
    if need == Need::Streams {
        places::pass(app, &caller, places::of_path(path.as_str(), id))?;
    }
    Ok(caller)
}

/// What a guest's account is told.
const GUEST: &str = "A guest can join a session or a party by an invite, but neither start one nor watch films alone. \
                     Ask an owner to make the account a player.";

/// A film is for accounts, and for whoever is in a party that watches it.
fn shown(app: &Shared, caller: &Caller, need: Need, film: &str) -> Answer<()> {
    if app.parties.shows(caller, film) {
        return Ok(());
    }
    let role = if need == Need::Sees { Role::Guest } else { Role::Player };
    account_of_at_least(caller, role, GUEST)
}

fn account_of_at_least(caller: &Caller, role: Role, detail: &str) -> Answer<()> {
    match &caller.who {
        Who::Account(_) if caller.role() >= Some(role) => Ok(()),
        Who::Account(account) if account.role >= role => Err(household::limited()),
        Who::Account(_) => Err(Problem::not_allowed(detail)),
        Who::Visitor { .. } => {
            let detail =
                "You came by an invite, which opens one session and nothing else. Sign in with an account.";
            Err(Problem::not_allowed(detail))
        }
        Who::Nobody => Err(Problem::sign_in_required()),
    }
}

fn in_session(app: &Shared, caller: &Caller, need: Need, session: &str) -> Answer<()> {
    if caller.person().is_none() {
        return Err(Problem::sign_in_required());
    }
    let admission = app.sessions.get(session, |live| live.admits(caller))?;
    match admission {
        Some(Admission::Host | Admission::Owner) => Ok(()),
        Some(_) if need == Need::People => Ok(()),
        Some(_) => Err(Problem::not_allowed(
            "Only the account that started this session may do that; ask its player.",
        )),
        None => {
            let detail = "This session belongs to somebody else. Ask its player for an invite.";
            Err(Problem::not_allowed(detail))
        }
    }
}
