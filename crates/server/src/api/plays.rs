//! Past sessions.

use axum::Json as Body;
use axum::extract::State;
use playhouse_store::Millis;
use playhouse_store::plays::Play;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::me::account;
use crate::api::sessions::Which;
use crate::api::titles::catalogue;
use crate::app::Shared;
use crate::extract::Params;
use crate::gate::who::Caller;
use crate::house::view::NamedView;
use crate::problem::{Answer, Problem};

/// How many are listed.
const MOST: u32 = 100;

/// Sessions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plays {
    plays: Vec<PlayView>,
}

/// A session as it is remembered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlayView {
    id: String,
    title: NamedView,
    account: NamedView,
    started: Millis,
    ended: Option<Millis>,
    /// Why it ended: `stopped`, `finished`, `crashed`, `not_started`, `abandoned` or `failed`.
    reason: Option<String>,
    message: Option<String>,
    last_words: Option<String>,
}

/// Your last sessions, newest first; everybody's for an owner who asks.
#[utoipa::path(get, path = "/api/plays", tag = "Sessions", params(Which), responses((status = 200, body = Plays)))]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Params(which): Params<Which>,
) -> Answer<Body<Plays>> {
    if which.all() && !caller.is_owner() {
        return Err(Problem::not_allowed("Only an owner may see everybody's sessions."));
    }
    let account = account(&caller)?;
    let plays = app.store.plays().list((!which.all()).then_some(account.id.as_str()), MOST).await?;
    let titles = catalogue(&app, false).await?;
    let view = |play: Play| {
        let manifest = titles.get(&play.title).and_then(|title| title.manifest.as_ref().ok());
        let name = manifest.map_or_else(|| play.title.clone(), |manifest| manifest.name.clone());
        PlayView {
            id: play.id,
            title: NamedView { id: play.title, name },
            account: NamedView { id: play.account, name: play.account_name },
            started: play.started,
            ended: play.ended,
            reason: play.reason,
            message: play.message,
            last_words: play.last_words.filter(|words| !words.is_empty()),
        }
    };
    Ok(Body(Plays { plays: plays.into_iter().map(view).collect() }))
}
