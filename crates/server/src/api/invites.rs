//! Invites: links by which others watch or play along.
//!
//! Whoever has a link may use it, signed in or not: that is what a link is for. Somebody without an account gets a
//! sign-in that opens this one session, and needs a name where others will play with that person.

use axum::Json as Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use playhouse_store::Millis;
use playhouse_store::invites::{Invite, Kind, New};
use playhouse_store::sign_ins::For;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::me::{Me, account, account_view, visitor_view};
use crate::api::sessions::running;
use crate::api::sign_in::remember;
use crate::app::Shared;
use crate::clock::{HOUR, now};
use crate::extract::{self, Id, Json};
use crate::gate::who::{Caller, Person, Who};
use crate::house::household;
use crate::house::live::{Live, Named};
use crate::house::stage::let_out;
use crate::house::view::TitleRef;
use crate::problem::{Answer, Problem};

/// How long a link holds: an evening and the night after it.
const LASTS: Millis = 12 * HOUR;

/// Links that one session can have at a time.
const MOST: usize = 50;

/// People who can come by one link.
const MOST_USES: i64 = 200;

/// What an invite lets somebody do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KindWord {
    /// Watch.
    Spectator,
    /// Take a seat.
    Player,
}

impl From<KindWord> for Kind {
    fn from(word: KindWord) -> Self {
        match word {
            KindWord::Spectator => Self::Spectator,
            KindWord::Player => Self::Player,
        }
    }
}

impl From<Kind> for KindWord {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Spectator => Self::Spectator,
            Kind::Player => Self::Player,
        }
    }
}

/// A new invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "player", "seat": 2}))]
pub(crate) struct NewInvite {
    kind: KindWord,
    /// The seat that it is for; without one, the first free seat but the first.
    seat: Option<u8>,
}

/// An invite with its link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewLink {
    id: String,
    kind: KindWord,
    seat: Option<u8>,
    /// Shown only here.
    #[schema(example = "/join/mzxw6ytboi")]
    link: String,
    expires: Millis,
}

/// The invites of a session that still hold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invites {
    invites: Vec<InviteView>,
}

/// An invite.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InviteView {
    id: String,
    kind: KindWord,
    seat: Option<u8>,
    created: Millis,
    expires: Millis,
    /// How often somebody came by it.
    uses: i64,
}

/// What a link is for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invitation {
    kind: KindWord,
    seat: Option<u8>,
    /// Who invites.
    from: String,
    /// The session, or the party.
    session: String,
    /// Whether it leads into a party; `title` is its film, then.
    party: bool,
    title: TitleRef,
    /// Whether a name has to be given to use it.
    needs_name: bool,
}

/// A name to be seen by.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Bob"}))]
pub(crate) struct Accept {
    name: Option<String>,
}

/// Where a link led.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The session, or the party.
    session: String,
    /// Whether that is a party.
    party: bool,
    me: Me,
}

/// Makes a link by which others watch, or play along in a seat.
#[utoipa::path(post, path = "/api/sessions/{id}/invites", tag = "Seats and invites", params(("id" = String, Path)),
    request_body = NewInvite,
    responses((status = 201, body = NewLink), (status = 409, description = "The session is over."),
              (status = 422, description = "The game has no such seat.")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Id(session): Id<String>,
    Json(body): Json<NewInvite>,
) -> Answer<(StatusCode, Body<NewLink>)> {
    let seats = app.sessions.get(&session, |live| running(live).map(|()| live.seats))??;
    let seat = match (body.kind, body.seat) {
        (KindWord::Spectator, None) => None,
        (KindWord::Spectator, Some(_)) => {
            return Err(Problem::invalid("seat", "A spectator has no seat; leave `seat` out."));
        }
        (KindWord::Player, Some(seat)) if seat == 0 || seat > seats => {
            let detail = format!("The game has {seats} seat(s), numbered from 1.");
            return Err(Problem::invalid("seat", detail));
        }
        // Where there is one seat alone, playing along means to be handed that one.
        (KindWord::Player, None) if seats == 1 => Some(1),
        (KindWord::Player, seat) => seat,
    };
    if app.store.invites().of_session(&session, now()).await?.len() >= MOST {
        let detail = format!("The session has {MOST} invites, which is as many as it can have. Revoke one.");
        return Err(Problem::conflict(detail));
    }
    let creator = &account(&caller)?.id;
    let new = New { session: &session, kind: body.kind.into(), seat, creator, expires: now() + LASTS };
    let (invite, secret) = app.store.invites().create(new, now()).await?;
    let link = format!("/join/{secret}");
    let link = NewLink { id: invite.id, kind: body.kind, seat, link, expires: invite.expires };
    Ok((StatusCode::CREATED, Body(link)))
}

/// The invites of a session that still hold; their links are not shown again.
#[utoipa::path(get, path = "/api/sessions/{id}/invites", tag = "Seats and invites", params(("id" = String, Path)),
    responses((status = 200, body = Invites)))]
pub(crate) async fn list(State(app): State<Shared>, Id(session): Id<String>) -> Answer<Body<Invites>> {
    let all = app.store.invites().of_session(&session, now()).await?;
    let view = |invite: Invite| InviteView {
        id: invite.id,
        kind: invite.kind.into(),
        seat: invite.seat,
        created: invite.created,
        expires: invite.expires,
        uses: invite.uses,
    };
    Ok(Body(Invites { invites: all.into_iter().map(view).collect() }))
}

/// Revokes an invite: whoever came by it is let out.
#[utoipa::path(delete, path = "/api/sessions/{id}/invites/{invite}", tag = "Seats and invites",
    params(("id" = String, Path), ("invite" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Id((session, invite)): Id<(String, String)>,
) -> Answer<StatusCode> {
    if !app.store.invites().revoke(&session, &invite, now()).await? {
        return Err(Problem::not_found("The session has no such invite (any more)."));
    }
    app.store.sign_ins().end_visits(&invite).await?;
    app.sessions.change(&session, |live| live.admitted.retain(|_, admitted| admitted.id != invite))?;
    let_out(&app, &session, |peer| peer.invite.as_ref() == Some(&invite)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An invite that holds, with what its session is.
async fn open(app: &Shared, token: &str) -> Answer<(Invite, Invitation)> {
    let over = || {
        Problem::gone(
            "This invite is over: it was revoked, too old, or its session has ended. Ask for a new one.",
        )
    };
    let invite = app.store.invites().by_secret(token).await?.ok_or_else(|| {
        Problem::not_found(
            "There is no such invite. Check that the whole link was copied, or ask for a new one.",
        )
    })?;
    if !invite.holds(now()) {
        return Err(over());
    }
    let look = |live: &Live| {
        (!live.is_over()).then(|| Invitation {
            kind: invite.kind.into(),
            seat: invite.seat,
            from: live.account.name.clone(),
            session: live.id.clone(),
            party: false,
            title: TitleRef {
                id: live.title.id.clone(),
                name: live.title.name.clone(),
                cover: live.cover.clone(),
            },
            needs_name: false,
        })
    };
    let invitation = match app.sessions.read(&invite.session, look).flatten() {
        Some(invitation) => invitation,
        None => into_party(app, &invite, token).await?.ok_or_else(over)?,
    };
    Ok((invite, invitation))
}

/// What an invite into a party is for, while that is on.
async fn into_party(app: &Shared, invite: &Invite, token: &str) -> Answer<Option<Invitation>> {
    let hall = app.parties.with(&invite.session, |hall| (hall.film.clone(), hall.host.name.clone()));
    let Some((film, from)) = hall else { return Ok(None) };
    let Some(film) = app.store.films().get(&film).await? else { return Ok(None) };
    // Whoever has the link may see what it is for.
    let cover = format!("/api/films/{}/poster?invite={token}", film.id);
    let title = TitleRef { cover, id: film.id, name: film.title };
    let (kind, session) = (invite.kind.into(), invite.session.clone());
    Ok(Some(Invitation { kind, seat: None, from, session, party: true, title, needs_name: false }))
}

/// Whether somebody has to say a name: others play with that person.
fn needs_name(caller: &Caller, invite: &Invite) -> bool {
    invite.kind == Kind::Player && matches!(caller.who, Who::Nobody)
}

/// What a link is for.
#[utoipa::path(get, path = "/api/invites/{token}", tag = "Seats and invites", params(("token" = String, Path)),
    responses((status = 200, body = Invitation), (status = 404), (status = 410, description = "It is over.")))]
pub(crate) async fn look(
    State(app): State<Shared>,
    caller: Caller,
    Id(token): Id<String>,
) -> Answer<Body<Invitation>> {
    let (invite, invitation) = open(&app, &token).await?;
    Ok(Body(Invitation { needs_name: needs_name(&caller, &invite), ..invitation }))
}

/// Uses a link. Whoever is not signed in gets a sign-in that opens this one session.
#[utoipa::path(post, path = "/api/invites/{token}", tag = "Seats and invites", params(("token" = String, Path)),
    request_body = Accept,
    responses((status = 200, body = Accepted), (status = 410, description = "It is over."),
              (status = 422, description = "A name is needed.")))]
pub(crate) async fn accept(
    State(app): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Id(token): Id<String>,
    Json(body): Json<Accept>,
) -> Answer<Response> {
    let (invite, invitation) = open(&app, &token).await?;
    let (session, party) = (invitation.session, invitation.party);
    if let Some(account) = caller.account() {
        if party {
            household::of_age(&app, &caller, &invitation.title.id).await?;
            app.parties.admit(&session, &account.id);
            app.store.invites().used(&invite.id).await?;
        } else {
            admit(&app, account_named(account), &invite).await?;
        }
        let me = account_view(account);
        return Ok(Body(Accepted { session, party, me }).into_response());
    }
    let chosen = body.name.as_deref().map(extract::name).transpose()?;
    let known = if let Who::Visitor { name, .. } = &caller.who { Some(name.as_str()) } else { None };
    let name = match (chosen.or(known), invite.kind) {
        (Some(name), _) => name,
        (None, Kind::Spectator) => "Guest",
        (None, Kind::Player) => {
            return Err(Problem::invalid("name", "Say a name; the others see it at your seat."));
        }
    };
    let same = |known: &Invite| known.id == invite.id;
    if let Who::Visitor { name: known, invite: by } = &caller.who
        && same(by)
        && known == name
    {
        // The page was opened again: the same person, with the same seat.
        return Ok(Body(Accepted { me: visitor_view(name, &session), session, party }).into_response());
    }
    if invite.uses >= MOST_USES {
        return Err(Problem::gone(format!("{MOST_USES} people came by this invite; ask for a new one.")));
    }
    if let Some(secret) = &caller.secret {
        app.store.sign_ins().end(secret).await?;
    }
    let lasts = invite.expires - now();
    let (_, cookie) = remember(&app, For::Visitor { name, invite: &invite.id }, &headers, lasts).await?;
    app.store.invites().used(&invite.id).await?;
    let me = visitor_view(name, &session);
    Ok((cookie, Body(Accepted { session, party, me })).into_response())
}

fn account_named(account: &playhouse_store::accounts::Account) -> Named {
    Named { id: account.id.clone(), name: account.name.clone() }
}

/// Lets an account into a session.
async fn admit(app: &Shared, account: Named, invite: &Invite) -> Answer<()> {
    let news = app.sessions.change(&invite.session, |live| {
        if live.account.id == account.id {
            return false;
        }
        // A new player's link gives a seat again to somebody who had lost it by another link.
        let person = Person::Account(account.id.clone());
        let before = live.admitted.insert(account.id, invite.clone());
        let news = before.is_none_or(|before| before.id != invite.id);
        if news {
            live.watching.retain(|watching| *watching != person);
        }
        news
    })?;
    if news {
        app.store.invites().used(&invite.id).await?;
    }
    Ok(())
}
