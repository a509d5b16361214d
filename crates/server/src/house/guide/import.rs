//! Lists of channels and guides of others, taken into the records, and kept fresh.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use playhouse_store::channels::{Channel, Kind};
use playhouse_store::guide::{Programme, Source};
use playhouse_store::{Millis, id};
use playhouse_watch::{m3u, xmltv};

use super::fetch::{Fetched, Refused, fetch};
use crate::api::guide::MOST_CHANNELS;
use crate::app::Shared;
use crate::clock::{DAY, HOUR, now};
use crate::problem::{Answer, Problem};

/// How often it is looked whether something is to be refreshed.
const EVERY: Duration = Duration::from_mins(1);

/// How often a source is refreshed, and how soon again after that did not work.
const REFRESH: Millis = 12 * HOUR;
const RETRY: Millis = HOUR;

/// Bytes of a list.
const MOST_LIST: u64 = 16 << 20;

/// Bytes of a guide once it is unpacked.
const MOST_UNPACKED: u64 = 512 << 20;

/// Which programmes are kept: those of yesterday, up to two weeks ahead.
const BEHIND: Millis = DAY;
const AHEAD: Millis = 15 * DAY;

/// The longest programme, where a guide leaves its end to the one that follows.
const LONGEST: Millis = 12 * HOUR;

/// What an import brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) channels: usize,
    pub(crate) left_out: usize,
    pub(crate) programmes: usize,
}

/// What is gzip is unpacked (RFC 1952, section 2.3.1); everything is bounded.
fn unpacked(from: impl Read + 'static) -> Result<Box<dyn BufRead>, Refused> {
    let mut from = BufReader::new(from);
    let head = from.fill_buf().map_err(|error| Refused::Failed(error.to_string()))?;
    Ok(if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::new(MultiGzDecoder::new(from).take(MOST_UNPACKED)))
    } else {
        Box::new(from)
    })
}

/// Programmes by the guide's ids, in lower case.
type ByChannel = HashMap<String, Vec<xmltv::Programme>>;

/// Reads those programmes of a guide that belong to `wanted` channels, in lower case. Blocks.
fn read_guide(
    from: impl Read + 'static,
    wanted: &BTreeSet<String>,
    now: Millis,
) -> Result<ByChannel, String> {
    let mut found = ByChannel::new();
    let from = unpacked(from).map_err(|error| error.to_string())?;
    xmltv::read(from, |programme| {
        let key = programme.channel.to_lowercase();
        let near = programme.start < now + AHEAD && programme.stop.is_none_or(|stop| stop > now - BEHIND);
        if near && wanted.contains(&key) {
            found.entry(key).or_default().push(programme);
        }
    })
    .map_err(|error| error.to_string())?;
    Ok(found)
}

/// Programmes in their order, each ending where the next begins at the latest.
fn in_order(channel: &str, mut found: Vec<xmltv::Programme>) -> Vec<Programme> {
    found.sort_by_key(|programme| programme.start);
    found.dedup_by_key(|programme| programme.start);
    let next: Vec<Option<i64>> = found.iter().skip(1).map(|next| Some(next.start)).chain([None]).collect();
    let one = |(programme, next): (xmltv::Programme, Option<i64>)| {
        let longest = programme.start.saturating_add(LONGEST);
        let stop = programme.stop.or(next).unwrap_or(longest).min(next.unwrap_or(i64::MAX)).min(longest * 2);
        (stop > programme.start).then(|| Programme {
            channel: channel.to_owned(),
            start: programme.start,
            stop,
            title: programme.title,
            subtitle: programme.subtitle,
            description: programme.description,
            category: programme.category,
            season: programme.season,
            episode: programme.episode,
        })
    };
    found.into_iter().zip(next).filter_map(one).collect()
}

/// Takes a list: channels of the source that are in it, and no others.
pub(crate) async fn take_list(app: &Shared, source: &Source, list: &m3u::List) -> Answer<Brought> {
    let all = app.store.channels().all().await?;
    let mine: BTreeSet<String> = app.store.guide().channels_of(&source.id).await?.into_iter().collect();
    let mut before: Vec<Channel> = all.iter().filter(|channel| mine.contains(&channel.id)).cloned().collect();
    let mut numbers: BTreeSet<u32> = all
        .iter()
        .filter(|channel| !mine.contains(&channel.id))
        .filter_map(|channel| channel.number)
        .collect();
    let room = MOST_CHANNELS.saturating_sub(all.len() - before.len());
    let mut brought = Brought { left_out: list.left_out, ..Brought::default() };
    let mut kept = Vec::new();
    for entry in &list.channels {
        if kept.len() >= room {
            brought.left_out += 1;
            continue;
        }
        // A channel is the same as long as its id is, or else its address.
        let same = |known: &Channel| match (&entry.id, &known.guide_id) {
            (Some(one), Some(other)) => one == other && known.name == entry.name,
            _ => known.source.as_ref() == Some(&entry.address),
        };
        let known = before.iter().position(same).map(|at| before.swap_remove(at));
        kept.push(Channel {
            id: known.as_ref().map_or_else(id::fresh, |known| known.id.clone()),
            owner: source.owner.clone(),
            name: entry.name.clone(),
            kind: Kind::External,
            source: Some(entry.address.clone()),
            number: entry.number.filter(|number| numbers.insert(*number)),
            category: entry.group.clone(),
            logo: entry.logo.clone(),
            guide_id: entry.id.clone(),
            replace_publisher: false,
            ladder: false,
            window_seconds: 0,
            created: known.map_or_else(now, |known| known.created),
        });
    }
    for gone in before {
        app.store.channels().delete(&gone.id).await?;
    }
    for channel in &kept {
        app.store.channels().put(channel).await?;
        app.store.guide().set_source(&channel.id, &source.id).await?;
    }
    brought.channels = kept.len();
    Ok(brought)
}

/// Takes a guide for all channels that have an id in it; how many programmes it brought.
pub(crate) async fn take_guide(app: &Shared, from: Box<dyn Read + Send>) -> Answer<usize> {
    let channels = app.store.channels().all().await?;
    let named: Vec<(String, String)> = channels
        .iter()
        .filter(|channel| channel.kind != Kind::Schedule)
        .filter_map(|channel| Some((channel.guide_id.as_ref()?.to_lowercase(), channel.id.clone())))
        .collect();
    let wanted: BTreeSet<String> = named.iter().map(|(name, _)| name.clone()).collect();
    let reading = tokio::task::spawn_blocking(move || read_guide(from, &wanted, now()));
    let read = reading.await.map_err(|error| Problem::internal("Reading a guide", &error))?;
    let mut found = read.map_err(|sentence| Problem::invalid("guide", sentence))?;
    let mut count = 0;
    for (name, channel) in named {
        // Two channels of one id have the same programmes.
        let Some(programmes) = found.get_mut(&name) else { continue };
        let programmes = in_order(&channel, programmes.clone());
        count += programmes.len();
        app.store.guide().put_programmes(&channel, &programmes, now() - BEHIND).await?;
    }
    Ok(count)
}

/// A list from bytes; a sentence where it is none.
pub(crate) fn list(from: impl Read + 'static) -> Result<m3u::List, String> {
    let mut bytes = Vec::new();
    let from = unpacked(from).map_err(|error| error.to_string())?;
    from.take(MOST_LIST)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("It could not be read: {error}."))?;
    m3u::read(&bytes).map_err(|error| error.to_string())
}

/// Fetches where that may take a while.
async fn get(address: &str, private: bool, tag: Option<String>) -> Result<Fetched, String> {
    let address = address.to_owned();
    let fetching = tokio::task::spawn_blocking(move || fetch(&address, private, tag.as_deref()));
    let fetched = fetching.await.map_err(|error| error.to_string())?;
    fetched.map_err(|error| error.to_string())
}

/// Fetches what a source has, and writes down how that went; the sentence of what went wrong.
pub(crate) async fn refresh(app: &Shared, mut source: Source) -> Answer<Result<Brought, String>> {
    let done = fetch_all(app, &mut source).await?;
    source.refreshed = Some(now());
    source.error = done.as_ref().err().cloned();
    app.store.guide().put_source(&source).await?;
    Ok(done)
}

async fn fetch_all(app: &Shared, source: &mut Source) -> Answer<Result<Brought, String>> {
    let mut brought = Brought::default();
    if let Some(address) = source.playlist.clone() {
        match get(&address, source.private, source.playlist_tag.clone()).await {
            Ok(Fetched::Same) => {}
            Ok(Fetched::New(from, tag)) => {
                let reading = tokio::task::spawn_blocking(move || list(from)).await;
                let read =
                    reading.map_err(|error| Problem::internal("Reading a list of channels", &error))?;
                let list = match read {
                    Ok(list) => list,
                    Err(sentence) => return Ok(Err(sentence)),
                };
                // A list says itself where its guide is.
                source.guide = source.guide.take().or_else(|| list.guide.clone());
                brought = take_list(app, source, &list).await?;
                source.playlist_tag = tag;
            }
            Err(sentence) => return Ok(Err(sentence)),
        }
    }
    if let Some(address) = source.guide.clone() {
        match get(&address, source.private, source.guide_tag.clone()).await {
            Ok(Fetched::Same) => {}
            Ok(Fetched::New(from, tag)) => match take_guide(app, from).await {
                Ok(programmes) => {
                    brought.programmes = programmes;
                    source.guide_tag = tag;
                }
                Err(problem) => return Ok(Err(problem.detail().to_owned())),
            },
            Err(sentence) => return Ok(Err(sentence)),
        }
    }
    Ok(Ok(brought))
}

/// Keeps sources fresh, for ever.
pub(crate) async fn keep(app: Shared) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let Ok(sources) = app.store.guide().sources().await else { continue };
        for source in sources {
            let pause = if source.error.is_some() { RETRY } else { REFRESH };
            let due = source.refreshed.is_none_or(|refreshed| now() - refreshed >= pause);
            let named = source.playlist.is_some() || source.guide.is_some();
            if due && named {
                let name = source.name.clone();
                match refresh(&app, source).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(sentence)) => {
                        tracing::warn!(name, sentence, "a list of channels could not be refreshed");
                    }
                    Err(_) => tracing::error!(name, "what a list of channels has could not be written down"),
                }
            }
        }
    }
}
