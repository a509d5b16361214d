//! One search over everything that the house shows: titles, films, shows, channels, what is on, and people.

use std::collections::{BTreeMap, HashSet};

use axum::Json as Body;
use axum::extract::State;
use playhouse_store::Millis;
use playhouse_watch::notes::Notes;
use playhouse_watch::search::Words;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::films::{self, FilmView};
use crate::api::guide::MOST_CHANNELS;
use crate::api::titles::{self, TitleView};
use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::extract::Params;
use crate::gate::who::Caller;
use crate::house::guide::what;
use crate::problem::Answer;

/// Things of one kind in an answer: more than anybody reads through.
const MOST: usize = 24;

/// How far ahead the guide is looked through.
const AHEAD: Millis = DAY;

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Question {
    /// Some words, or the beginning of one; the first hundred characters count.
    #[param(example = "lantern")]
    q: String,
}

/// What was found, by kind. What begins with the words comes first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    titles: Vec<TitleView>,
    films: Vec<FilmView>,
    shows: Vec<ShowHit>,
    channels: Vec<ChannelHit>,
    programmes: Vec<ProgrammeHit>,
    people: Vec<PersonHit>,
}

/// A show.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShowHit {
    #[schema(example = "Dark Rooms")]
    name: String,
    episodes: usize,
    /// The picture of its first episode.
    #[schema(example = "/api/films/abc/poster")]
    poster: String,
}

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelHit {
    id: String,
    #[schema(example = "House of Silents")]
    name: String,
    number: Option<u32>,
    /// `push`, `pull`, `schedule` or `external`.
    #[schema(example = "schedule")]
    kind: &'static str,
    /// Where its picture is.
    cover: String,
}

/// A programme of the coming day, the next time that it is on a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgrammeHit {
    channel: String,
    channel_name: String,
    start_ms: Millis,
    stop_ms: Millis,
    #[schema(example = "The General")]
    title: String,
    subtitle: Option<String>,
    /// The film that it is.
    film: Option<String>,
}

/// Somebody, as notes about films name them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonHit {
    #[schema(example = "Buster Keaton")]
    name: String,
    /// What they are in.
    films: Vec<CreditHit>,
}

/// A film that somebody is in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreditHit {
    id: String,
    title: String,
}

fn shows(words: &Words, films: &[FilmView]) -> Vec<ShowHit> {
    let mut shows: BTreeMap<&str, ShowHit> = BTreeMap::new();
    for film in films {
        let Some(name) = &film.show else { continue };
        let fresh = || ShowHit { name: name.clone(), episodes: 0, poster: film.poster.clone() };
        shows.entry(name).or_insert_with(fresh).episodes += 1;
    }
    words.best(shows.into_values(), MOST, |words, show| words.rank(&show.name))
}

/// Films by their titles. An episode that is found by its show's name alone is found as that show.
fn by_title(words: &Words, films: Vec<FilmView>) -> Vec<FilmView> {
    words.best(films, MOST, |words, film| {
        words.rank(&film.title).or_else(|| {
            let show = film.show.as_deref().unwrap_or_default();
            let year = film.year.map(|year| year.to_string()).unwrap_or_default();
            if words.rank(show).is_some() {
                None
            } else {
                words.rank(&format!("{} {show} {year}", film.title))
            }
        })
    })
}

async fn programmes(
    app: &Shared,
    caller: &Caller,
    words: &Words,
    seen: &HashSet<String>,
    channels: &[playhouse_store::channels::Channel],
) -> Answer<Vec<ProgrammeHit>> {
    let at = now();
    let mut on = what::on(app, channels, at, at + AHEAD).await?;
    let mut known = HashSet::new();
    let mut hits = Vec::new();
    for channel in channels {
        for entry in on.remove(&channel.id).unwrap_or_default() {
            // Nobody knows for whom it is what others send.
            let may = !caller.is_limited() || entry.film.as_ref().is_some_and(|film| seen.contains(film));
            if entry.filler || !may {
                continue;
            }
            // Of what is repeated the next time counts.
            if known.insert((channel.id.clone(), entry.title.clone(), entry.subtitle.clone())) {
                hits.push(ProgrammeHit {
                    channel: channel.id.clone(),
                    channel_name: channel.name.clone(),
                    start_ms: entry.start,
                    stop_ms: entry.stop,
                    title: entry.title,
                    subtitle: entry.subtitle,
                    film: entry.film,
                });
            }
        }
    }
    hits.sort_by_key(|hit| hit.start_ms);
    Ok(words.best(hits, MOST, |words, hit| {
        words.rank(&hit.title).or_else(|| hit.subtitle.as_ref().and_then(|subtitle| words.rank(subtitle)))
    }))
}

async fn people(app: &Shared, words: &Words, films: &[FilmView]) -> Answer<Vec<PersonHit>> {
    let titles: BTreeMap<&str, &FilmView> = films.iter().map(|film| (film.id.as_str(), film)).collect();
    let mut people: BTreeMap<String, Vec<CreditHit>> = BTreeMap::new();
    for extra in app.store.extras().all().await? {
        let Some(film) = titles.get(extra.film.as_str()) else { continue };
        let notes: Option<Notes> = serde_json::from_str(&extra.notes).unwrap_or_default();
        for actor in notes.unwrap_or_default().actors {
            if words.rank(&actor.name).is_some() {
                let title = film
                    .show
                    .as_ref()
                    .map_or_else(|| film.title.clone(), |show| format!("{show}: {}", film.title));
                people.entry(actor.name).or_default().push(CreditHit { id: film.id.clone(), title });
            }
        }
    }
    let people = people.into_iter().map(|(name, mut films)| {
        films.truncate(MOST);
        PersonHit { name, films }
    });
    Ok(words.best(people, MOST, |words, person| words.rank(&person.name)))
}

/// Searches everything that you may see. A word may be unfinished, without accents, and have one wrong letter.
#[utoipa::path(get, path = "/api/search", tag = "Search", params(Question), responses((status = 200, body = Found)))]
pub(crate) async fn find(
    State(app): State<Shared>,
    caller: Caller,
    Params(question): Params<Question>,
) -> Answer<Body<Found>> {
    let words = Words::new(&question.q);
    let titles = titles::all(&app, &caller, false).await?.titles;
    let films = films::all(&app, &caller).await?.films;
    let mut channels = app.store.channels().all().await?;
    channels.truncate(MOST_CHANNELS);
    let seen: HashSet<String> = films.iter().map(|film| film.id.clone()).collect();
    let programmes = programmes(&app, &caller, &words, &seen, &channels).await?;
    let channels = words.best(channels, MOST, |words, channel| words.rank(&channel.name));
    let people = people(&app, &words, &films).await?;
    Ok(Body(Found {
        titles: words.best(titles, MOST, |words, title| words.rank(&title.name)),
        shows: shows(&words, &films),
        films: by_title(&words, films),
        channels: channels
            .into_iter()
            .map(|channel| ChannelHit {
                kind: crate::api::guide::word(channel.kind),
                cover: channel.logo.unwrap_or_else(|| format!("/api/channels/{}/cover.svg", channel.id)),
                number: channel.number,
                name: channel.name,
                id: channel.id,
            })
            .collect(),
        programmes,
        people,
    }))
}
