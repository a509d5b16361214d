//! Everybody's accounts, for owners.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::Millis;
use playhouse_store::accounts::{Account, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::me::role_word;
use crate::api::profiles::said;
use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::extract::{self, Id, Json};
use crate::gate::who::Person;
use crate::house::stage;
use crate::problem::{Answer, Problem};

/// How long a link that signs an account in can be used.
const LINK: Millis = 7 * DAY;

/// Everybody.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accounts {
    accounts: Vec<AccountView>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountView {
    id: String,
    #[schema(example = "Ada")]
    name: String,
    /// `owner`, `player` or `guest`.
    #[schema(example = "player")]
    role: &'static str,
    has_password: bool,
    created: Millis,
    last_seen: Option<Millis>,
    /// The id of its plan; null has what the house gives everybody.
    #[schema(example = "abc")]
    plan: Option<String>,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            has_password: account.password.is_some(),
            id: account.id,
            name: account.name,
            role: role_word(account.role),
            created: account.created,
            last_seen: account.seen,
            plan: account.plan,
        }
    }
}

/// A role, as it is written.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoleWord {
    /// Everything.
    Owner,
    /// Plays.
    Player,
    /// Watches and joins by invitation.
    Guest,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Owner => Self::Owner,
            RoleWord::Player => Self::Player,
            RoleWord::Guest => Self::Guest,
        }
    }
}

/// A new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Bob", "role": "player"}))]
pub(crate) struct NewAccount {
    name: String,
    role: RoleWord,
}

/// What to change in an account.
#[expect(clippy::option_option, reason = "left out stays, null takes away: JSON has both")]
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "guest"}))]
pub(crate) struct ChangeAccount {
    name: Option<String>,
    role: Option<RoleWord>,
    /// The id of its plan; null is what the house gives everybody.
    #[serde(default, deserialize_with = "said")]
    plan: Option<Option<String>>,
}

/// An account with the link that signs it in once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Linked {
    account: AccountView,
    /// Give it to that person; it is shown only here.
    #[schema(example = "/?code=mzxw6ytboi")]
    link: String,
    expires: Millis,
}

/// All accounts by name.
#[utoipa::path(get, path = "/api/accounts", tag = "Accounts", responses((status = 200, body = Accounts)))]
pub(crate) async fn list(State(app): State<Shared>) -> Answer<Body<Accounts>> {
    let accounts = app.store.accounts().all().await?;
    Ok(Body(Accounts { accounts: accounts.into_iter().map(Into::into).collect() }))
}

/// Adds an account, and gives the link that signs it in: nobody chooses a password for somebody else.
#[utoipa::path(post, path = "/api/accounts", tag = "Accounts", request_body = NewAccount,
    responses((status = 201, body = Linked), (status = 409, description = "The name is taken.")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    Json(body): Json<NewAccount>,
) -> Answer<(StatusCode, Body<Linked>)> {
    let name = extract::name(&body.name)?;
    let account = app.store.accounts().create(name, body.role.into(), None, now()).await?;
    linked(&app, account).await
}

/// Gives a fresh link that signs an account in, for a password that was forgotten. Earlier links are void.
#[utoipa::path(post, path = "/api/accounts/{id}/link", tag = "Accounts", params(("id" = String, Path)),
    responses((status = 201, body = Linked), (status = 404)))]
pub(crate) async fn link(
    State(app): State<Shared>,
    Id(id): Id<String>,
) -> Answer<(StatusCode, Body<Linked>)> {
    let account = app.store.accounts().get(&id).await?.ok_or_else(no_account)?;
    linked(&app, account).await
}

async fn linked(app: &Shared, account: Account) -> Answer<(StatusCode, Body<Linked>)> {
    let expires = now() + LINK;
    let code = app.store.codes().create(Some(&account.id), now(), expires).await?;
    let linked = Linked { account: account.into(), link: format!("/?code={code}"), expires };
    Ok((StatusCode::CREATED, Body(linked)))
}

/// Changes an account's name, its role, or its plan.
#[utoipa::path(patch, path = "/api/accounts/{id}", tag = "Accounts", params(("id" = String, Path)),
    request_body = ChangeAccount,
    responses((status = 200, body = AccountView), (status = 404),
              (status = 409, description = "The name is taken, or it is the last owner.")))]
pub(crate) async fn change(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Json(body): Json<ChangeAccount>,
) -> Answer<Body<AccountView>> {
    let accounts = app.store.accounts();
    accounts.get(&id).await?.ok_or_else(no_account)?;
    if let Some(name) = &body.name {
        accounts.rename(&id, extract::name(name)?).await?;
    }
    if let Some(role) = body.role
        && !accounts.set_role(&id, role.into()).await?
    {
        return Err(Problem::conflict("That is the last owner; make somebody else an owner first."));
    }
    if let Some(plan) = &body.plan
        && !accounts.set_plan(&id, plan.as_deref()).await?
    {
        return Err(Problem::invalid(
            "plan",
            "There is no such plan; `/api/plans` lists those that there are.",
        ));
    }
    let changed = accounts.get(&id).await?.ok_or_else(no_account)?;
    Ok(Body(changed.into()))
}

/// Removes an account with its saves and clips, and ends its sessions.
#[utoipa::path(delete, path = "/api/accounts/{id}", tag = "Accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 404), (status = 409, description = "It is the last owner.")))]
pub(crate) async fn remove(State(app): State<Shared>, Id(id): Id<String>) -> Answer<StatusCode> {
    let account = app.store.accounts().get(&id).await?.ok_or_else(no_account)?;
    let clips = app.store.clips().of_account(&id).await?;
    if !app.store.accounts().delete(&id).await? {
        return Err(Problem::conflict("That is the last owner; make somebody else an owner first."));
    }
    let running =
        app.sessions.list(|live| (live.account.id == id && !live.is_over()).then(|| live.id.clone()));
    for session in running {
        stage::stop(&app, &session, "The account was removed.").await?;
    }
    app.sessions.leave_queue(&id);
    let person = Person::Account(id.clone());
    let elsewhere = app.sessions.list(|live| (!live.is_over()).then(|| live.id.clone()));
    for session in elsewhere {
        app.sessions.change(&session, |live| live.admitted.remove(&id))?;
        stage::let_out(&app, &session, |peer| peer.person == person).await?;
    }
    for clip in clips {
        crate::api::clips::remove_file(&app, &clip.path).await;
    }
    let homes = app.config.data.join("homes").join(&account.id);
    if let Err(error) = tokio::fs::remove_dir_all(&homes).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::error!(folder = %homes.display(), %error, "the saves of a removed account could not be removed");
    }
    Ok(StatusCode::NO_CONTENT)
}

fn no_account() -> Problem {
    Problem::not_found("There is no such account (any more).")
}
