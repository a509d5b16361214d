//! What is on: of channels made of the library by their plans, of others by the guides that were imported.

use std::collections::HashMap;

use playhouse_store::Millis;
use playhouse_store::channels::{Channel, Kind};
use playhouse_store::films::Film;

use super::{Showing, Timetable};
use crate::app::Shared;
use crate::problem::Answer;

/// Showings of one channel in one answer: a week of clips of five minutes.
const MOST_SHOWINGS: usize = 2_000;

/// Programmes of others in one answer: a day of a hundred channels.
const MOST_PROGRAMMES: u32 = 20_000;

/// A programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) start: Millis,
    pub(crate) stop: Millis,
    pub(crate) title: String,
    pub(crate) subtitle: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) season: Option<u32>,
    pub(crate) episode: Option<u32>,
    /// The film that it is.
    pub(crate) film: Option<String>,
    /// Whether it is what comes between programmes.
    pub(crate) filler: bool,
}

/// The library by id.
pub(crate) type Titles = HashMap<String, Film>;

/// The films that channels may show.
pub(crate) async fn titles(app: &Shared) -> Answer<Titles> {
    Ok(app.store.films().all().await?.into_iter().map(|film| (film.id.clone(), film)).collect())
}

fn entry(showing: &Showing, titles: &Titles) -> Entry {
    let film = titles.get(&showing.film);
    let title = film.map_or_else(String::new, |film| film.show.clone().unwrap_or_else(|| film.title.clone()));
    let part = film.filter(|film| film.show.is_some()).map(|film| film.title.clone());
    Entry {
        start: showing.item.start.div_euclid(1000),
        stop: showing.item.end.div_euclid(1000),
        title,
        subtitle: part.or_else(|| film.and_then(|film| film.year).map(|year| year.to_string())),
        description: None,
        category: showing.block.clone(),
        season: film.and_then(|film| film.season).map(u32::from),
        episode: film.and_then(|film| film.episode).map(u32::from),
        film: Some(showing.film.clone()),
        filler: showing.item.filler,
    }
}

/// What a timetable has between two moments; filler that follows filler is one programme.
pub(crate) fn of_timetable(timetable: &Timetable, titles: &Titles, from: Millis, to: Millis) -> Vec<Entry> {
    let micros = |millis: Millis| millis.saturating_mul(1000);
    let mut entries: Vec<Entry> = Vec::new();
    for showing in timetable.between(micros(from), micros(to), MOST_SHOWINGS) {
        let next = entry(&showing, titles);
        match entries.last_mut() {
            Some(last) if last.filler && next.filler => {
                last.stop = next.stop;
                // Several things one after the other are none of them.
                (last.film, last.subtitle) = (None, None);
            }
            _ => entries.push(next),
        }
    }
    entries
}

/// What is on these channels between two moments, by channel.
pub(crate) async fn on(
    app: &Shared,
    channels: &[Channel],
    from: Millis,
    to: Millis,
) -> Answer<HashMap<String, Vec<Entry>>> {
    let titles = titles(app).await?;
    let mut all: HashMap<String, Vec<Entry>> = HashMap::new();
    for channel in channels.iter().filter(|channel| channel.kind == Kind::Schedule) {
        let timetable = app.guide.timetable(&app.store, &channel.id).await?;
        all.insert(channel.id.clone(), of_timetable(&timetable, &titles, from, to));
    }
    for programme in app.store.guide().programmes(from, to, MOST_PROGRAMMES).await? {
        all.entry(programme.channel).or_default().push(Entry {
            start: programme.start,
            stop: programme.stop,
            title: programme.title,
            subtitle: programme.subtitle,
            description: programme.description,
            category: programme.category,
            season: programme.season,
            episode: programme.episode,
            film: None,
            filler: false,
        });
    }
    Ok(all)
}
