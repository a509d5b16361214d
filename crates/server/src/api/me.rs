//! One's own account and devices.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::Millis;
use playhouse_store::accounts::{Account, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::sign_in;
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Id, Json};
use crate::gate::address::Address;
use crate::gate::who::{Caller, Who};
use crate::problem::{Answer, Problem};

/// Who is signed in on this device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// `account`, or `visitor` for somebody who came by an invite.
    #[schema(example = "account")]
    pub(crate) kind: &'static str,
    /// The account's id.
    pub(crate) id: Option<String>,
    #[schema(example = "Ada")]
    pub(crate) name: String,
    /// `owner`, `player`, `guest` or `visitor`.
    #[schema(example = "owner")]
    pub(crate) role: &'static str,
    pub(crate) has_password: bool,
    /// The one session, or party, that a visitor sees.
    pub(crate) session: Option<String>,
    /// The profile at this device.
    pub(crate) profile: Option<String>,
    /// Whether that profile has an age limit. An owner's child is no owner.
    pub(crate) limited: bool,
    /// The bearer token, right after signing in, where it was asked for.
    pub(crate) token: Option<String>,
}

/// A role as the API has it.
pub(crate) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Player => "player",
        Role::Guest => "guest",
    }
}

/// An account as its holder sees it.
pub(crate) fn account_view(account: &Account) -> Me {
    Me {
        kind: "account",
        id: Some(account.id.clone()),
        name: account.name.clone(),
        role: role_word(account.role),
        has_password: account.password.is_some(),
        session: None,
        profile: None,
        limited: false,
        token: None,
    }
}

/// A visitor as that person sees it.
pub(crate) fn visitor_view(name: &str, session: &str) -> Me {
    Me {
        kind: "visitor",
        id: None,
        name: name.to_owned(),
        role: "visitor",
        has_password: false,
        session: Some(session.to_owned()),
        profile: None,
        limited: false,
        token: None,
    }
}

/// The account of a route that only accounts reach.
pub(crate) fn account(caller: &Caller) -> Answer<&Account> {
    caller.account().ok_or_else(Problem::sign_in_required)
}

/// Who is signed in on this device.
#[utoipa::path(get, path = "/api/me", tag = "Sign-in",
    responses((status = 200, body = Me), (status = 401, description = "Nobody is.")))]
pub(crate) async fn get(caller: Caller) -> Answer<Body<Me>> {
    match &caller.who {
        Who::Account(account) => Ok(Body(Me {
            role: role_word(caller.role().unwrap_or(account.role)),
            profile: caller.watcher.profile.clone(),
            limited: caller.is_limited(),
            ..account_view(account)
        })),
        Who::Visitor { name, invite } => Ok(Body(visitor_view(name, &invite.session))),
        Who::Nobody => Err(Problem::sign_in_required()),
    }
}

/// What to change in one's own account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "a new long one", "current_password": "a good long one"}))]
pub(crate) struct ChangeMe {
    name: Option<String>,
    /// The new password.
    password: Option<String>,
    /// The old password, where there is one and a new one is set.
    current_password: Option<String>,
}

/// Changes one's name or password. A new password signs all other devices out.
#[utoipa::path(patch, path = "/api/me", tag = "Sign-in", request_body = ChangeMe,
    responses((status = 200, body = Me), (status = 409, description = "The name is taken."),
              (status = 422, description = "The current password is wrong, or the new one too short.")))]
pub(crate) async fn change(
    State(app): State<Shared>,
    caller: Caller,
    Address(address): Address,
    Json(body): Json<ChangeMe>,
) -> Answer<Body<Me>> {
    let account = account(&caller)?;
    let name = body.name.as_deref().map(extract::name).transpose()?;
    if let Some(password) = &body.password {
        if let Some(stored) = &account.password {
            sign_in::throttled(&app, address, &account.name)?;
            let current = body.current_password.unwrap_or_default();
            if !sign_in::verify(&app, current, Some(stored.clone())).await? {
                app.throttle().wrong(address, &account.name, now());
                return Err(Problem::invalid(
                    "current_password",
                    "The current password is not right; try again.",
                ));
            }
        }
        let hash = sign_in::hash(&app, password).await?;
        app.store.accounts().set_password(&account.id, &hash).await?;
        let keep = caller.sign_in.as_deref().unwrap_or_default();
        app.store.sign_ins().end_others(&account.id, keep).await?;
    }
    if let Some(name) = name {
        app.store.accounts().rename(&account.id, name).await?;
    }
    let changed = app.store.accounts().get(&account.id).await?;
    Ok(Body(account_view(&changed.ok_or_else(Problem::sign_in_required)?)))
}

/// One's devices.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Devices {
    sign_ins: Vec<Device>,
}

/// A device on which the account is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "what the API has called it since it knew devices")]
pub(crate) struct Device {
    id: String,
    created: Millis,
    /// Last used, to the minute.
    seen: Millis,
    expires: Millis,
    user_agent: String,
    /// What people call it.
    #[schema(example = "Kitchen tablet")]
    device: Option<String>,
    /// Whether that is this device.
    current: bool,
}

/// The devices on which one is signed in.
#[utoipa::path(get, path = "/api/me/sign-ins", tag = "Sign-in", responses((status = 200, body = Devices)))]
pub(crate) async fn devices(State(app): State<Shared>, caller: Caller) -> Answer<Body<Devices>> {
    let all = app.store.sign_ins().of_account(&account(&caller)?.id, now()).await?;
    let device = |sign_in: playhouse_store::sign_ins::SignIn| Device {
        current: caller.sign_in.as_deref() == Some(&sign_in.id),
        id: sign_in.id,
        created: sign_in.created,
        seen: sign_in.seen,
        expires: sign_in.expires,
        user_agent: sign_in.user_agent,
        device: sign_in.device,
    };
    Ok(Body(Devices { sign_ins: all.into_iter().map(device).collect() }))
}

/// What to call a device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"device": "Kitchen tablet"}))]
pub(crate) struct NameDevice {
    device: String,
}

/// Says what a device is called, so that others know it when they read what is watched where.
#[utoipa::path(patch, path = "/api/me/sign-ins/{id}", tag = "Sign-in", params(("id" = String, Path)),
    request_body = NameDevice, responses((status = 204), (status = 404), (status = 422)))]
pub(crate) async fn name_device(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<NameDevice>,
) -> Answer<StatusCode> {
    let name = extract::name(&body.device)?;
    if app.store.sign_ins().name(&account(&caller)?.id, &id, name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("You are not signed in on such a device (any more)."))
    }
}

/// Signs one of one's devices out.
#[utoipa::path(delete, path = "/api/me/sign-ins/{id}", tag = "Sign-in", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn end_device(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<StatusCode> {
    if app.store.sign_ins().end_one(&account(&caller)?.id, &id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("You are not signed in on such a device (any more)."))
    }
}
