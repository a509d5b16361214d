//! Recordings: planned by rules, begun and ended at their time, removed after theirs.

pub(crate) mod live;

use std::collections::HashMap;
use std::time::Duration;

use playhouse_store::accounts::Account;
use playhouse_store::channels::{Channel, Kind};
use playhouse_store::recordings::{self, Recording, Rule, State};
use playhouse_store::{Millis, id};
use playhouse_watch::recording::{self, Finds, KEEP_DAYS, Kept, Programme, Quota, Span, Wanted};

use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::house::guide::what::{self, Entry};
use crate::problem::Answer;

/// How often it is looked what begins and ends.
const EVERY: Duration = Duration::from_secs(2);

/// How many of these rounds pass between two looks at what rules find: half a minute.
const RULES_EVERY: u32 = 15;

/// How far ahead rules look.
const AHEAD: Millis = 7 * DAY;

/// Recordings at a time: each writes to the disk all the while.
pub(crate) const AT_ONCE: usize = 4;

/// Hours that the recordings of one account may have, where its plan says nothing else.
pub(crate) const QUOTA_HOURS: u64 = 200;

/// Planned and kept recordings of one account.
pub(crate) const MOST: usize = 2000;

/// When a recording is made, padding included.
pub(crate) fn span(recording: &Recording) -> Span {
    Span::padded(recording.start, recording.stop, recording.pad_before, recording.pad_after)
}

/// Whether a channel is recorded by writing it down. What is made of the library is kept there already: its recording is
/// the film itself, which takes neither room nor a place.
pub(crate) const fn takes_room(kind: Kind) -> bool {
    matches!(kind, Kind::Push | Kind::Pull)
}

/// What is in whose way: by recording, the ids of others.
pub(crate) fn conflicts(
    recordings: &[Recording],
    channels: &HashMap<String, Kind>,
) -> HashMap<String, Vec<String>> {
    let real = |recording: &&Recording| {
        let kind = recording.channel.as_ref().and_then(|channel| channels.get(channel));
        kind.is_some_and(|kind| takes_room(*kind))
            && matches!(recording.state, State::Planned | State::Recording)
    };
    let wanted = |recording: &Recording| Wanted {
        id: recording.id.clone(),
        span: span(recording),
        since: recording.created,
        running: recording.state == State::Recording,
    };
    let wanted: Vec<Wanted> = recordings.iter().filter(real).map(wanted).collect();
    recording::conflicts(&wanted, AT_ONCE).into_iter().collect()
}

/// What an account's recordings take and will take.
pub(crate) fn quota(recordings: &[Recording], account: &Account, channels: &HashMap<String, Kind>) -> Quota {
    let hours = account.recording_hours.map_or(QUOTA_HOURS, u64::from);
    let mut quota = Quota { used: 0, planned: 0, limit: hours * 3600 };
    for recording in recordings.iter().filter(|recording| recording.account == account.id) {
        let kind = recording.channel.as_ref().and_then(|channel| channels.get(channel));
        let span = span(recording);
        let seconds = u64::try_from((span.to - span.from) / 1000).unwrap_or(0);
        match recording.state {
            State::Planned | State::Recording if kind.is_some_and(|kind| takes_room(*kind)) => {
                quota.planned += seconds;
            }
            State::Done if recording.bytes > 0 => quota.used += seconds,
            _ => {}
        }
    }
    quota
}

/// The kinds of all channels.
pub(crate) async fn kinds(app: &Shared) -> Answer<HashMap<String, Kind>> {
    let channels = app.store.channels().all().await?;
    Ok(channels.into_iter().map(|channel| (channel.id, channel.kind)).collect())
}

/// A recording of a programme, to be planned.
pub(crate) fn of(account: &str, channel: &Channel, entry: &Entry, pads: [u32; 2], now: Millis) -> Recording {
    Recording {
        id: id::fresh(),
        account: account.to_owned(),
        channel: Some(channel.id.clone()),
        channel_name: channel.name.clone(),
        rule: None,
        title: entry.title.clone(),
        subtitle: entry.subtitle.clone(),
        description: entry.description.clone(),
        start: entry.start,
        stop: entry.stop,
        pad_before: pads[0],
        pad_after: pads[1],
        state: State::Planned,
        reason: None,
        film: entry.film.clone(),
        bytes: 0,
        protected: false,
        keep_days: None,
        expires: None,
        created: now,
    }
}

fn finds(rule: &Rule) -> Finds {
    match rule.kind {
        recordings::Kind::Series => Finds::Series(rule.words.clone()),
        recordings::Kind::Keyword => Finds::Keyword(rule.words.clone()),
    }
}

/// What a rule finds during the coming week that is not planned yet.
pub(crate) async fn found(app: &Shared, rule: &Rule) -> Answer<Vec<Recording>> {
    let mut channels = app.store.channels().all().await?;
    channels.retain(|channel| rule.channel.as_ref().is_none_or(|only| *only == channel.id));
    channels.retain(|channel| channel.kind != Kind::External);
    let at = now();
    let on = what::on(app, &channels, at, at + AHEAD).await?;
    let finds = finds(rule);
    let mut found = Vec::new();
    for channel in &channels {
        for entry in on.get(&channel.id).into_iter().flatten().filter(|entry| !entry.filler) {
            let programme = Programme {
                channel: &channel.id,
                title: &entry.title,
                subtitle: entry.subtitle.as_deref(),
                description: entry.description.as_deref(),
            };
            if finds.finds(programme) {
                let recording = of(&rule.account, channel, entry, [rule.pad_before, rule.pad_after], at);
                found.push(Recording { rule: Some(rule.id.clone()), keep_days: rule.keep_days, ..recording });
            }
        }
    }
    // A film that a channel shows again and again is recorded once.
    let mut known: Vec<String> = Vec::new();
    found.sort_by_key(|recording| recording.start);
    found.retain(|recording| match &recording.film {
        Some(film) if known.contains(film) => false,
        Some(film) => {
            known.push(film.clone());
            true
        }
        None => true,
    });
    Ok(found)
}

/// Plans what the rules find.
pub(crate) async fn follow_rules(app: &Shared) -> Answer<()> {
    let rules = app.store.recordings().rules(None).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let before = app.store.recordings().all(None).await?;
    for rule in rules {
        let mine = || before.iter().filter(|recording| recording.account == rule.account);
        let mut room = MOST.saturating_sub(mine().count());
        for recording in found(app, &rule).await? {
            let there = recording.film.is_some() && mine().any(|known| known.film == recording.film);
            if room == 0 || there {
                continue;
            }
            room -= usize::from(app.store.recordings().create(&recording).await?);
        }
    }
    Ok(())
}

/// Begins and ends what is due.
async fn step(app: &Shared) -> Answer<()> {
    let at = now();
    let all = app.store.recordings().all(None).await?;
    let kinds = kinds(app).await?;
    let crowded = conflicts(&all, &kinds);
    for mut recording in all.iter().cloned() {
        let span = span(&recording);
        match recording.state {
            State::Planned if span.from <= at => {
                let kind = recording.channel.as_ref().and_then(|channel| kinds.get(channel));
                let live = kind.is_some_and(|kind| takes_room(*kind));
                let published = recording.channel.as_ref().is_some_and(|id| app.air.broadcast(id).is_some());
                // Somebody may still begin to publish.
                if live && !published && span.to > at {
                    continue;
                }
                if crowded.contains_key(&recording.id) {
                    recording.state = State::Failed;
                    recording.reason =
                        Some(format!("{AT_ONCE} other recordings ran at that time, which is the limit."));
                } else {
                    begin(&mut recording, kind.copied(), published);
                }
                app.store.recordings().update(&recording).await?;
                if recording.state == State::Recording && live {
                    live::follow(app, &recording).await?;
                }
            }
            State::Recording if recording.film.is_none() && live::is_over(app, &recording, at) => {
                live::finish(app, &recording);
            }
            State::Recording if recording.film.is_none() => live::follow(app, &recording).await?,
            State::Recording if recording.film.is_some() && recording.stop <= at => {
                end(&mut recording, at);
                app.store.recordings().update(&recording).await?;
            }
            _ => {}
        }
    }
    // Whose account is gone records nothing more.
    let running = |id: &String| all.iter().any(|known| known.id == *id && known.state == State::Recording);
    for id in app.air.open_recordings().into_iter().filter(|id| !running(id)) {
        live::forget(app, id).await?;
    }
    let kept = |recording: &Recording| Kept {
        id: recording.id.clone(),
        protected: recording.protected,
        expires: recording.expires,
        stop: recording.stop,
    };
    let done: Vec<Kept> = all.iter().filter(|recording| recording.state == State::Done).map(kept).collect();
    for id in recording::expired(&done, at) {
        if let Some(recording) = all.iter().find(|recording| recording.id == id) {
            live::discard(app, recording).await?;
        }
        app.store.recordings().delete(&id).await?;
        tracing::info!(recording = id, "a recording has had its time");
    }
    Ok(())
}

fn begin(recording: &mut Recording, kind: Option<Kind>, published: bool) {
    let failed = match kind {
        Some(Kind::Schedule) if recording.film.is_some() => None,
        Some(Kind::Schedule) => Some("Its film was taken out of the library before it was on."),
        Some(Kind::External) => Some("Channels of others are only shown here, not recorded."),
        Some(Kind::Push | Kind::Pull) if published => None,
        Some(Kind::Push | Kind::Pull) => Some("Nobody published on the channel at that time."),
        None => Some("Its channel was deleted before it was on."),
    };
    recording.state = if failed.is_some() { State::Failed } else { State::Recording };
    recording.reason = failed.map(ToOwned::to_owned);
}

fn end(recording: &mut Recording, now: Millis) {
    recording.state = State::Done;
    recording.expires = Some(now + Millis::from(recording.keep_days.unwrap_or(KEEP_DAYS)) * DAY);
}

/// Does all that, for ever.
pub(crate) async fn keep(app: Shared) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    if live::tidy(&app).await.is_err() {
        tracing::error!("what is left of old recordings could not be removed");
    }
    let mut rounds = 0_u32;
    loop {
        every.tick().await;
        if rounds.is_multiple_of(RULES_EVERY) && follow_rules(&app).await.is_err() {
            tracing::error!("what is to be recorded could not be planned");
        }
        if step(&app).await.is_err() {
            tracing::error!("recordings could not be brought up to date");
        }
        rounds = rounds.wrapping_add(1);
    }
}
