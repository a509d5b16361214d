//! Signing in and out.

use std::net::IpAddr;

use axum::Json as Body;
use axum::extract::State;
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use playhouse_store::accounts::Account;
use playhouse_store::sign_ins::For;
use playhouse_store::{Millis, passwords};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::me::{Me, account_view};
use crate::app::{App, Shared};
use crate::clock::{DAY, now};
use crate::extract::{self, Json};
use crate::gate::address::Address;
use crate::gate::cookie;
use crate::gate::who::Caller;
use crate::problem::{Answer, Problem};

/// How long a sign-in lasts.
const LASTS: Millis = 90 * DAY;

/// Shortest password: NIST SP 800-63B, section 5.1.1.2.
const PASSWORD_MIN: usize = 8;

/// Longest password: hashing more would let a stranger choose how long we work.
const PASSWORD_MAX: usize = 256;

/// A one-time code, with what the account should be called and protected by.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "mzxw6ytboi", "name": "Ada", "password": "a good long one"}))]
pub(crate) struct WithCode {
    code: String,
    /// The account's name from now on.
    name: Option<String>,
    /// Its password from now on: 8 to 256 characters.
    password: Option<String>,
    /// Whether the answer should hold a bearer token.
    #[serde(default)]
    token: bool,
}

/// A name and a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada", "password": "a good long one", "token": true}))]
pub(crate) struct WithPassword {
    name: String,
    password: String,
    /// Whether the answer should hold a bearer token.
    #[serde(default)]
    token: bool,
}

/// Signs in with a one-time code: the one printed at a start, or that of a link made by an owner.
#[utoipa::path(post, path = "/api/sign-in/code", tag = "Sign-in", request_body = WithCode,
    responses((status = 200, body = Me), (status = 401, description = "The code is unknown, used or too old."),
              (status = 409, description = "The name is taken."), (status = 429, description = "Too many attempts.")))]
pub(crate) async fn with_code(
    State(app): State<Shared>,
    Address(address): Address,
    headers: HeaderMap,
    Json(body): Json<WithCode>,
) -> Answer<Response> {
    /// What wrong codes are counted under: no account can be called that.
    const CODES: &str = "\0code";
    let name = body.name.as_deref().map(extract::name).transpose()?;
    let password = match &body.password {
        Some(password) => Some(hash(&app, password).await?),
        None => None,
    };
    throttled(&app, address, CODES)?;
    let found = app.store.codes().redeem(&body.code, name.unwrap_or("Owner"), now()).await?;
    let Some(account) = found else {
        app.throttle().wrong(address, CODES, now());
        let detail = "The code of this link is unknown, used or too old. Start Playhouse again for a new one, or \
                      ask an owner for a new link.";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong-code", "That code does not work", detail));
    };
    if let Some(name) = name.filter(|name| *name != account.name) {
        app.store.accounts().rename(&account.id, name).await?;
    }
    if let Some(hash) = password {
        app.store.accounts().set_password(&account.id, &hash).await?;
    }
    let account = app.store.accounts().get(&account.id).await?.unwrap_or(account);
    signed_in(&app, &account, &headers, body.token).await
}

/// Signs in with name and password.
#[utoipa::path(post, path = "/api/sign-in", tag = "Sign-in", request_body = WithPassword,
    responses((status = 200, body = Me), (status = 401, description = "Name or password is wrong."),
              (status = 429, description = "Too many attempts; Retry-After says how long to wait.")))]
pub(crate) async fn with_password(
    State(app): State<Shared>,
    Address(address): Address,
    headers: HeaderMap,
    Json(body): Json<WithPassword>,
) -> Answer<Response> {
    throttled(&app, address, &body.name)?;
    // Counted as wrong before it is looked at, so that many attempts at once cannot slip through together.
    app.throttle().wrong(address, &body.name, now());
    let account = app.store.accounts().by_name(body.name.trim()).await?;
    let stored = account.as_ref().and_then(|account| account.password.clone());
    let right = body.password.len() <= 4 * PASSWORD_MAX && verify(&app, body.password, stored).await?;
    match account {
        Some(account) if right => {
            app.throttle().right(address, &body.name);
            signed_in(&app, &account, &headers, body.token).await
        }
        _ => {
            let detail = "The name or the password is wrong. An owner can give you a link that signs you in.";
            let title = "Name or password is wrong";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong-name-or-password", title, detail))
        }
    }
}

/// Signs this device out.
#[utoipa::path(post, path = "/api/sign-out", tag = "Sign-in", responses((status = 204)))]
pub(crate) async fn out(State(app): State<Shared>, caller: Caller) -> Answer<Response> {
    if let Some(secret) = &caller.secret {
        app.store.sign_ins().end(secret).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cleared) = cookie::clear(app.config.tls) {
        response.headers_mut().insert(SET_COOKIE, cleared);
    }
    Ok(response)
}

/// Refuses an attempt that comes too soon after wrong ones.
pub(crate) fn throttled(app: &App, address: IpAddr, name: &str) -> Answer<()> {
    app.throttle().check(address, name, now()).map_err(|seconds| {
        let detail = format!("There were too many wrong attempts; wait {seconds} seconds, then try again.");
        let status = StatusCode::TOO_MANY_REQUESTS;
        Problem::new(status, "too-many-attempts", "Too many attempts", detail).retry_after(seconds)
    })
}

async fn signed_in(app: &App, account: &Account, headers: &HeaderMap, token: bool) -> Answer<Response> {
    let (secret, cookie) = remember(app, For::Account(&account.id), headers, LASTS).await?;
    let mut me = account_view(account);
    me.token = token.then_some(secret);
    Ok((cookie, Body(me)).into_response())
}

/// Signs somebody in on this device; gives the secret and the header that carries it.
pub(crate) async fn remember(
    app: &App,
    whom: For<'_>,
    headers: &HeaderMap,
    lasts: Millis,
) -> Answer<(String, HeaderMap)> {
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let secret = app.store.sign_ins().create(whom, user_agent, now(), now() + lasts).await?;
    let mut cookies = HeaderMap::new();
    if let Some(cookie) = cookie::set(&secret, lasts, app.config.tls) {
        cookies.insert(SET_COOKIE, cookie);
    }
    Ok((secret, cookies))
}

/// Checks a new password's length and hashes it.
pub(crate) async fn hash(app: &App, password: &str) -> Answer<String> {
    let count = password.chars().count();
    if !(PASSWORD_MIN..=PASSWORD_MAX).contains(&count) {
        let detail = format!("A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters.");
        return Err(Problem::invalid("password", detail));
    }
    let password = password.to_owned();
    hashing(app, move || passwords::hash(&password)).await?.map_err(Problem::from)
}

/// Whether a password is the stored one.
pub(crate) async fn verify(app: &App, password: String, stored: Option<String>) -> Answer<bool> {
    hashing(app, move || passwords::verify(&password, stored.as_deref())).await
}

/// Runs a hash off the reactor, few at a time.
pub(crate) async fn hashing<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> T + Send + 'static,
) -> Answer<T> {
    let failed = |error: &dyn std::fmt::Display| Problem::internal("Checking a password", error);
    let _place = app.hashing.acquire().await.map_err(|error| failed(&error))?;
    tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))
}
