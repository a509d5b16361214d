//! Watch parties: a film that several people watch in step, wherever they are.

use axum::Json as Body;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::http::StatusCode;
use axum::response::Response;
use playhouse_store::films::State as Condition;
use playhouse_store::id;
use playhouse_store::invites::{Kind, New};
use playhouse_watch::party::{Line, Member, Party, Refusal, Sign, Steer, Steering, Timeline};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use crate::api::films::{FilmDetail, detail};
use crate::api::me::account;
use crate::app::Shared;
use crate::clock::{HOUR, now};
use crate::extract::{Id, Json};
use crate::gate::caller;
use crate::gate::socket::Opening;
use crate::gate::who::{Caller, Who};
use crate::house::films::no_film;
use crate::house::household;
use crate::house::live::Named;
use crate::house::parties::{News, no_party};
use crate::problem::{Answer, Problem};

/// How long a link into a party holds: an evening and the night after it.
const LASTS: playhouse_store::Millis = 12 * HOUR;

/// Links that one party can have at a time.
const MOST_LINKS: usize = 50;

/// Longest message that a member may send: a line of the longest kind, and its envelope.
const LONGEST: usize = 4 << 10;

/// A member that says nothing for so long is gone: its clock is asked for every few seconds.
const SILENT: Duration = Duration::from_secs(30);

/// How long a message may take to be taken: whoever does not read holds a place.
const SEND: Duration = Duration::from_secs(10);

/// Messages of one member within a second: clocks, steps and lines are a few.
const PER_SECOND: u32 = 40;

/// Who may steer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SteeringWord {
    /// The host; everybody while the host is away.
    Host,
    /// Everybody.
    Everyone,
}

impl From<SteeringWord> for Steering {
    fn from(word: SteeringWord) -> Self {
        match word {
            SteeringWord::Host => Self::Host,
            SteeringWord::Everyone => Self::Everyone,
        }
    }
}

impl From<Steering> for SteeringWord {
    fn from(steering: Steering) -> Self {
        match steering {
            Steering::Host => Self::Host,
            Steering::Everyone => Self::Everyone,
        }
    }
}

/// A new party.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"film": "mzxw6ytboi", "position_s": 0.0, "steering": "everyone"}))]
pub(crate) struct NewParty {
    /// The film's id.
    film: String,
    /// Where it begins.
    #[serde(default)]
    position_s: f64,
    /// Who may steer.
    steering: SteeringWord,
}

/// What to change about a party.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"steering": "host"}))]
pub(crate) struct ChangeParty {
    steering: Option<SteeringWord>,
}

/// A party.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartyView {
    id: String,
    /// Who hosts it.
    #[schema(example = "Ada")]
    host: String,
    /// Whether that is you, or you own the place.
    hosting: bool,
    steering: SteeringWord,
    /// How many are there.
    members: usize,
    film: FilmDetail,
    /// Where what happens is told and said, as a web socket (RFC 6455).
    #[schema(example = "/api/parties/abc/live")]
    live: String,
}

/// A link into a party.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartyLink {
    /// Shown only here.
    #[schema(example = "/join/mzxw6ytboi")]
    link: String,
    expires: playhouse_store::Millis,
}

async fn view(app: &Shared, caller: &Caller, id: &str) -> Answer<PartyView> {
    let film = app.parties.film(id).ok_or_else(no_party)?;
    let film = app.store.films().get(&film).await?.ok_or_else(no_film)?;
    let film = detail(app, caller, &film, None).await?;
    app.parties
        .with(id, |hall| PartyView {
            id: id.to_owned(),
            host: hall.host.name.clone(),
            hosting: hall.is_host(caller) || caller.is_owner(),
            steering: hall.party.steering().into(),
            members: hall.party.members().len(),
            live: format!("/api/parties/{id}/live"),
            film,
        })
        .ok_or_else(no_party)
}

/// Begins a party that watches a film. It stands until somebody starts it, and is over when nobody is there for a while.
#[utoipa::path(post, path = "/api/parties", tag = "Parties", request_body = NewParty,
    responses((status = 201, body = PartyView), (status = 404), (status = 409), (status = 422)))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Json(body): Json<NewParty>,
) -> Answer<(StatusCode, Body<PartyView>)> {
    let film = app.store.films().get(&body.film).await?.ok_or_else(no_film)?;
    household::of_age(&app, &caller, &film.id).await?;
    if film.state != Condition::Ready {
        let detail = format!("“{}” cannot be watched at the moment, so there can be no party.", film.title);
        return Err(Problem::conflict(detail));
    }
    if !body.position_s.is_finite() {
        return Err(Problem::invalid("position_s", "A position is a number of seconds from 0 on."));
    }
    let host = account(&caller)?;
    let host = Named { id: host.id.clone(), name: host.name.clone() };
    let duration = film.duration_ms.map_or(0.0, |millis| millis as f64 / 1000.0);
    let (id, now) = (id::fresh(), app.micros());
    let party = Party::new(duration, body.position_s, body.steering.into(), now);
    for over in app.parties.begin(&id, film.id, host, party, now)? {
        app.store.invites().end_session(&over).await?;
    }
    Ok((StatusCode::CREATED, Body(view(&app, &caller, &id).await?)))
}

/// A party that you are in.
#[utoipa::path(get, path = "/api/parties/{id}", tag = "Parties", params(("id" = String, Path)),
    responses((status = 200, body = PartyView), (status = 404)))]
pub(crate) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<Body<PartyView>> {
    Ok(Body(view(&app, &caller, &id).await?))
}

/// Says who may steer.
#[utoipa::path(patch, path = "/api/parties/{id}", tag = "Parties", params(("id" = String, Path)),
    request_body = ChangeParty, responses((status = 200, body = PartyView), (status = 404)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<ChangeParty>,
) -> Answer<Body<PartyView>> {
    if let Some(steering) = body.steering {
        app.parties.with(&id, |hall| {
            hall.party.set_steering(steering.into());
            tell(hall, &Told::Steering { steering: steering.into() });
        });
    }
    Ok(Body(view(&app, &caller, &id).await?))
}

/// Ends a party for everybody.
#[utoipa::path(delete, path = "/api/parties/{id}", tag = "Parties", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn end(State(app): State<Shared>, Id(id): Id<String>) -> Answer<StatusCode> {
    app.store.invites().end_session(&id).await?;
    if app.parties.end(&id) { Ok(StatusCode::NO_CONTENT) } else { Err(no_party()) }
}

/// Makes a link into a party, for people with an account here and without one. It opens this one film while the party is
/// on.
#[utoipa::path(post, path = "/api/parties/{id}/invites", tag = "Parties", params(("id" = String, Path)),
    responses((status = 201, body = PartyLink), (status = 404), (status = 409, description = "It has too many.")))]
pub(crate) async fn invite(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<(StatusCode, Body<PartyLink>)> {
    app.parties.film(&id).ok_or_else(no_party)?;
    if app.store.invites().of_session(&id, now()).await?.len() >= MOST_LINKS {
        let detail =
            format!("The party has {MOST_LINKS} links, which is as many as it can have. Use one of them.");
        return Err(Problem::conflict(detail));
    }
    let creator = &account(&caller)?.id;
    // Others see who says what, so that whoever comes by it says a name, as players do.
    let new = New { session: &id, kind: Kind::Player, seat: None, creator, expires: now() + LASTS };
    let (invite, secret) = app.store.invites().create(new, now()).await?;
    Ok((StatusCode::CREATED, Body(PartyLink { link: format!("/join/{secret}"), expires: invite.expires })))
}

/// What a member says.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Said {
    /// Asks for the clock; `sent` comes back as it is.
    Ping { sent: u64 },
    /// Moves the film for everybody.
    Steer { steer: Steer },
    /// A line for the chat.
    Say { text: String },
    /// A reaction.
    React { sign: Sign },
    /// Whether the film stands here since something has to arrive first.
    Waiting { waiting: bool },
}

/// What a member is told.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Told<'a> {
    /// Everything, at the beginning and where some news were missed.
    State {
        you: u64,
        at: u64,
        timeline: Timeline,
        steering: Steering,
        members: Vec<&'a Member>,
        lines: Vec<&'a Line>,
    },
    /// The clock, in microseconds.
    Pong {
        sent: u64,
        at: u64,
    },
    Timeline {
        timeline: Timeline,
    },
    Steering {
        steering: Steering,
    },
    Members {
        members: Vec<&'a Member>,
    },
    Line {
        line: &'a Line,
    },
    Reaction {
        name: &'a str,
        sign: Sign,
    },
    /// What was asked for is not done.
    Refused {
        detail: String,
    },
    /// The party is over.
    Over {
        detail: &'a str,
    },
}

fn text(told: &Told<'_>) -> String {
    serde_json::to_string(told).unwrap_or_default()
}

fn tell(hall: &crate::house::parties::Hall, told: &Told<'_>) {
    hall.tell(text(told));
}

/// A web socket (RFC 6455) of JSON messages. It tells where the film is on the server's clock, who is there, and what is
/// said; it takes `{"kind":"ping","sent":1}` for the clock, `{"kind":"steer","steer":{"playing":true}}`,
/// `{"kind":"say","text":"…"}`, `{"kind":"react","sign":"heart"}` and `{"kind":"waiting","waiting":false}`.
#[utoipa::path(get, path = "/api/parties/{id}/live", tag = "Parties", params(("id" = String, Path)),
    responses((status = 101), (status = 403), (status = 404), (status = 426, description = "This is a web socket."),
              (status = 503, description = "Too many streams.")))]
pub(crate) async fn live(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    opening: Opening,
) -> Answer<Response> {
    app.parties.film(&id).ok_or_else(no_party)?;
    let (upgrade, place) = opening.open(&app, LONGEST)?;
    let name = match &caller.who {
        Who::Visitor { name, .. } => name.clone(),
        _ => profile_name(&app, &caller).await?,
    };
    let joined = app.parties.with(&id, |hall| {
        let host = hall.is_host(&caller);
        let you = hall.party.join(&name, host, app.micros())?;
        Ok::<_, Refusal>((you, hall.news()))
    });
    let (you, news) = joined.ok_or_else(no_party)?.map_err(|refusal| Problem::busy(refusal.to_string()))?;
    app.parties.count(&id, app.micros());
    let seat = Seat { app, caller, party: id, you, _place: place };
    seat.members();
    Ok(upgrade.on_upgrade(|socket| seat.sit(socket, news)))
}

/// What the others call somebody: the profile's name, where there is one.
async fn profile_name(app: &Shared, caller: &Caller) -> Answer<String> {
    let (Some(account), Some(profile)) = (caller.account(), &caller.watcher.profile) else {
        return Ok(caller.name().to_owned());
    };
    let profile = app.store.profiles().get(&account.id, profile).await?;
    Ok(profile.map_or_else(|| caller.name().to_owned(), |profile| profile.name))
}

/// Somebody's place in a party, given up when it is dropped.
struct Seat {
    app: Shared,
    caller: Caller,
    party: String,
    you: u64,
    /// Counts this connection while it is open.
    _place: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.app.parties.with(&self.party, |hall| hall.party.leave(self.you));
        self.app.parties.count(&self.party, self.app.micros());
        self.members();
    }
}

impl Seat {
    /// Tells everybody who is there.
    fn members(&self) {
        self.app.parties.with(&self.party, |hall| {
            tell(hall, &Told::Members { members: hall.party.members().collect() });
        });
    }

    /// All that there is to know.
    fn state(&self) -> Option<String> {
        self.app.parties.with(&self.party, |hall| {
            text(&Told::State {
                you: self.you,
                at: self.app.micros(),
                timeline: hall.party.timeline(),
                steering: hall.party.steering(),
                members: hall.party.members().collect(),
                lines: hall.party.lines().collect(),
            })
        })
    }

    /// Whether the person may still be here: a connection outlives the sign-in that opened it.
    async fn may_stay(&mut self) -> bool {
        if let Some(secret) = &self.caller.secret {
            let Ok(Some(signed)) = caller::by_secret(&self.app, secret).await else { return false };
            (self.caller.who, self.caller.watcher) = (signed.who, signed.watcher);
        }
        if self.app.parties.admits(&self.caller, &self.party, false).is_err() {
            return false;
        }
        match self.app.parties.film(&self.party) {
            Some(film) => household::of_age(&self.app, &self.caller, &film).await.is_ok(),
            None => false,
        }
    }

    /// Does what a member says; gives what only that member is told.
    fn take(&self, said: Said) -> Option<String> {
        let now = self.app.micros();
        let done = self.app.parties.with(&self.party, |hall| {
            match said {
                Said::Ping { sent } => return Ok(Some(text(&Told::Pong { sent, at: now }))),
                Said::Steer { steer } => {
                    let timeline = hall.party.steer(self.you, steer, now)?;
                    tell(hall, &Told::Timeline { timeline });
                }
                Said::Say { text: said } => {
                    let line = text(&Told::Line { line: hall.party.say(self.you, &said, now)? });
                    hall.tell(line);
                }
                Said::React { sign } => {
                    let reaction = text(&Told::Reaction { name: hall.party.react(self.you, now)?, sign });
                    hall.tell(reaction);
                }
                Said::Waiting { waiting } => {
                    if hall.party.waits(self.you, waiting) {
                        tell(hall, &Told::Members { members: hall.party.members().collect() });
                    }
                }
            }
            Ok::<_, Refusal>(None)
        });
        match done {
            None => Some(text(&Told::Over { detail: OVER })),
            Some(Ok(answer)) => answer,
            Some(Err(refusal)) => Some(text(&Told::Refused { detail: refusal.to_string() })),
        }
    }

    async fn sit(mut self, mut socket: WebSocket, mut news: Receiver<News>) {
        let Some(state) = self.state() else { return };
        if !send(&mut socket, &state).await {
            return;
        }
        let mut allowance = (PER_SECOND, self.app.micros());
        let mut looked = self.app.micros();
        loop {
            let answer = tokio::select! {
                told = news.recv() => match told {
                    Ok(News::Text(text)) => Some(text.to_string()),
                    Err(RecvError::Lagged(_)) => self.state(),
                    Ok(News::Over) | Err(RecvError::Closed) => {
                        send(&mut socket, &text(&Told::Over { detail: OVER })).await;
                        return;
                    }
                },
                said = tokio::time::timeout(SILENT, socket.recv()) => match said {
                    Ok(Some(Ok(Message::Text(said)))) => {
                        let now = self.app.micros();
                        if now.saturating_sub(allowance.1) >= 1_000_000 {
                            allowance = (PER_SECOND, now);
                        }
                        let Some(left) = allowance.0.checked_sub(1) else { return };
                        allowance.0 = left;
                        match serde_json::from_str(&said) {
                            Ok(said) => self.take(said),
                            Err(error) => Some(text(&Told::Refused {
                                detail: format!("That is no message of a party: {error}."),
                            })),
                        }
                    }
                    Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => None,
                    // Gone, silent for too long, or no client of ours.
                    _ => return,
                },
            };
            if let Some(answer) = answer
                && !send(&mut socket, &answer).await
            {
                return;
            }
            if self.app.micros().saturating_sub(looked) >= LOOK {
                looked = self.app.micros();
                if !self.may_stay().await {
                    send(&mut socket, &text(&Told::Over { detail: OUT })).await;
                    return;
                }
            }
        }
    }
}

/// How often it is looked whether somebody may still be there, in microseconds.
const LOOK: u64 = 10_000_000;

const OVER: &str = "The party is over: its host ended it, or nobody was there for a while.";
const OUT: &str = "You are not in this party any more: your sign-in or your invite has ended.";

async fn send(socket: &mut WebSocket, text: &str) -> bool {
    let sending = socket.send(Message::Text(text.into()));
    matches!(tokio::time::timeout(SEND, sending).await, Ok(Ok(())))
}
