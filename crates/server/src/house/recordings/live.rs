//! Recordings of live channels: taken beside the channel's window, however long they are, and made into films once they are
//! over, without encoding anything anew.

use std::collections::HashMap;
use std::io::{self, BufWriter};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playhouse_live::{NotKept, Tape};
use playhouse_store::Millis;
use playhouse_store::films::Film;
use playhouse_store::recordings::{Recording, State};

use super::{end as done, span};
use crate::api::keeping::refused;
use crate::app::Shared;
use crate::clock::{MINUTE, SECOND, now};
use crate::problem::{Answer, Problem};

/// How long past its end a recording waits for the segment that its last moment is in; none is longer than twelve seconds.
const LAST: Millis = 15 * SECOND;

/// Microseconds by which segments end early, since their lengths are rounded.
const SLACK: u64 = 1_000;

/// When a film that could not be made is tried again.
const AGAIN: Millis = MINUTE;

/// Films that one recording becomes at most, where its publisher changed what it sent again and again: the longest ones.
const MOST_FILMS: usize = 8;

/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;

/// The recordings that are being made into films, and when those that could not be are tried again.
#[derive(Debug, Default)]
pub(crate) struct Finishing(Mutex<HashMap<String, Option<Millis>>>);

impl Finishing {
    /// Whether a recording is to be made into a film now; from then on it is.
    fn claim(&self, id: &str, now: Millis) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(id) {
            Some(Some(again)) if *again <= now => {}
            Some(_) => return false,
            None => {}
        }
        all.insert(id.to_owned(), None);
        true
    }

    /// Whether it is being made into a film.
    fn is_busy(&self, id: &str) -> bool {
        matches!(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id), Some(None))
    }

    /// It is done, or tried again then.
    fn release(&self, id: &str, again: Option<Millis>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match again {
            Some(again) => drop(all.insert(id.to_owned(), Some(again))),
            None => drop(all.remove(id)),
        }
    }
}

/// A span in microseconds since 1970, as windows count.
fn micros(recording: &Recording) -> Range<u64> {
    let micros = |millis: Millis| u64::try_from(millis).unwrap_or(0).saturating_mul(1000);
    let span = span(recording);
    micros(span.from)..micros(span.to)
}

fn failed(error: &io::Error) -> Problem {
    Problem::internal("Recording a channel", error)
}

/// Begins to record, or sees to it that it goes on, also after a start of the program.
pub(super) async fn follow(app: &Shared, recording: &Recording) -> Answer<()> {
    let Some(channel) = recording.channel.clone() else { return Ok(()) };
    let (air, id, span) = (Arc::clone(&app.air), recording.id.clone(), micros(recording));
    let following = tokio::task::spawn_blocking(move || air.tape(&id, &channel, span));
    let followed = following.await.map_err(|error| Problem::internal("Recording a channel", &error))?;
    followed.map(drop).map_err(|error| failed(&error))
}

/// Whether all of a recording is on the disk.
pub(super) fn is_over(app: &Shared, recording: &Recording, now: Millis) -> bool {
    let until = span(recording).to;
    if now < until {
        return false;
    }
    let on = recording.channel.as_ref().is_some_and(|channel| app.hub.stream(channel).is_some());
    let reached = app.air.recording(&recording.id).is_some_and(|tape| {
        let there = tape.broadcast().window().span();
        there.is_some_and(|there| there.end + SLACK >= micros(recording).end)
    });
    !on || reached || now >= until + LAST
}

/// Makes the films of a recording whose time is over, beside everything else, and says in the recording how that went.
pub(super) fn finish(app: &Shared, recording: &Recording) {
    if !app.finishing.claim(&recording.id, now()) {
        return;
    }
    let (app, recording) = (Arc::clone(app), recording.clone());
    tokio::spawn(async move {
        let made = films(&app, &recording).await;
        let again = match settle(&app, &recording, made).await {
            Ok(over) => (!over).then(|| now() + AGAIN),
            Err(_) => Some(now() + AGAIN),
        };
        app.finishing.release(&recording.id, again);
    });
}

/// What became of a recording.
struct Made {
    film: Film,
    /// What the recording does not have, in a sentence.
    lacks: Option<String>,
}

/// Writes down how it went; whether nothing more is to be done.
async fn settle(app: &Shared, recording: &Recording, made: Answer<Option<Made>>) -> Answer<bool> {
    let id = recording.id.clone();
    let Some(mut recording) = app.store.recordings().get(&id).await? else {
        // It was deleted meanwhile.
        if let Ok(Some(made)) = made {
            remove_film(app, &made.film.id).await?;
        }
        erase(app, id).await?;
        return Ok(true);
    };
    let over = match made {
        Ok(Some(made)) => {
            (recording.bytes, recording.film, recording.reason) =
                (made.film.size, Some(made.film.id), made.lacks);
            done(&mut recording, now());
            true
        }
        Ok(None) => {
            recording.state = State::Failed;
            recording.reason = Some("Nobody published on the channel at that time.".to_owned());
            true
        }
        // What was recorded stays until there is room for it.
        Err(problem) => {
            recording.reason = Some(format!("{} It is tried again every minute.", problem.detail()));
            false
        }
    };
    app.store.recordings().update(&recording).await?;
    if over {
        erase(app, id).await?;
    }
    Ok(over)
}

/// The films of a recording, of which the longest counts; none where nothing was recorded.
async fn films(app: &Shared, recording: &Recording) -> Answer<Option<Made>> {
    // A start of the program may have come in between.
    follow(app, recording).await?;
    let (air, id, span) = (Arc::clone(&app.air), recording.id.clone(), micros(recording));
    let opening = tokio::task::spawn_blocking(move || air.open_tape(&id, span));
    let opened = opening.await.map_err(|error| Problem::internal("Recording a channel", &error))?;
    let tape = opened.map_err(|error| failed(&error))?;
    tape.stop();
    let (mut runs, missing) = {
        let window = tape.broadcast().window();
        (window.runs(), window.missing())
    };
    let all = runs.len();
    if all > MOST_FILMS {
        let mut lengths: Vec<usize> = runs.iter().map(Vec::len).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        let least = lengths[MOST_FILMS - 1];
        runs.retain(|run| run.len() >= least);
        runs.truncate(MOST_FILMS);
    }
    let mut longest: Option<(usize, Film)> = None;
    let kept = runs.len();
    for (number, run) in (1..).zip(runs) {
        let part = if kept > 1 { format!(" part {number}") } else { String::new() };
        let name =
            format!("{} {}{part}.mp4", recording.title, recording.id.get(..6).unwrap_or(&recording.id));
        let length = run.len();
        let film = film(app, &tape, run, name, recording.account.clone()).await?;
        if longest.as_ref().is_none_or(|(most, _)| length > *most) {
            longest = Some((length, film));
        }
    }
    let lacks = lacks(missing, all, tape.check().err().map(|full| full.to_string()));
    Ok(longest.map(|(_, film)| Made { film, lacks }))
}

/// What a recording does not have.
fn lacks(missing: Duration, runs: usize, full: Option<String>) -> Option<String> {
    let mut sentences = Vec::new();
    match missing.as_secs() {
        0 => {}
        seconds @ 1..=119 => {
            sentences.push(format!(
                "{seconds} seconds are missing: nothing arrived then, or the disk had no room."
            ));
        }
        seconds => {
            let minutes = seconds / 60;
            sentences.push(format!(
                "{minutes} minutes are missing: nothing arrived then, or the disk had no room."
            ));
        }
    }
    if runs > 1 {
        let films = runs.min(MOST_FILMS);
        sentences.push(format!(
            "The publisher changed what it sent, so that it became {films} films; this is the longest."
        ));
    }
    sentences.extend(full.map(|full| format!("It ended early: {full}.")));
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// A film of a run of segments, which the library knows at once.
async fn film(app: &Shared, tape: &Arc<Tape>, run: Vec<u64>, name: String, account: String) -> Answer<Film> {
    // A program that was killed as it was done has left it.
    app.films.look_now(&app.store).await?;
    if let Some(film) = app.store.films().all().await?.into_iter().find(|film| film.path == name) {
        return Ok(film);
    }
    let writing = {
        let (app, tape) = (Arc::clone(app), Arc::clone(tape));
        tokio::task::spawn_blocking(move || {
            let bytes = tape.broadcast().window().bytes();
            app.uploads.take_in(&name, bytes, &account, |file| {
                let mut file = BufWriter::with_capacity(BUFFER, file);
                tape.film(&run, &mut file).map_err(refused)?;
                file.into_inner().map_err(|error| refused(NotKept::Disk(error.into_error())))?;
                Ok(())
            })
        })
    };
    let written = writing.await.map_err(|error| Problem::internal("Making a film of a recording", &error))?;
    let ((), arrived) = written?;
    app.films.arrived(&arrived.folder, &arrived.path, arrived.stamp);
    app.films.look_now(&app.store).await?;
    let folder = arrived.folder.to_string_lossy();
    let films = app.store.films().all().await?;
    let film = films.into_iter().find(|film| film.folder == folder && film.path == arrived.path);
    film.ok_or_else(|| {
        Problem::conflict(
            "It was recorded, and its file is not in the library yet; look for it among the films.",
        )
    })
}

/// Removes what was recorded so far of a recording that is not a film.
pub(crate) async fn erase(app: &Shared, id: String) -> Answer<()> {
    let air = Arc::clone(&app.air);
    let erasing = tokio::task::spawn_blocking(move || air.erase(&id));
    erasing.await.map_err(|error| Problem::internal("Deleting a recording", &error))
}

/// The same, unless the recording has just begun, or is being made into a film.
pub(super) async fn forget(app: &Shared, id: String) -> Answer<()> {
    let known = app.store.recordings().get(&id).await?;
    if known.is_some_and(|known| known.state == State::Recording) || app.finishing.is_busy(&id) {
        return Ok(());
    }
    erase(app, id).await
}

/// Removes what is left of recordings that nobody knows.
pub(super) async fn tidy(app: &Shared) -> Answer<()> {
    let all = app.store.recordings().all(None).await?;
    let running = all.into_iter().filter(|recording| recording.state == State::Recording);
    let known: Vec<String> = running.map(|recording| recording.id).collect();
    let air = Arc::clone(&app.air);
    let tidying = tokio::task::spawn_blocking(move || air.erase_others(&known));
    tidying.await.map_err(|error| Problem::internal("Deleting old recordings", &error))
}

/// Deletes what a recording takes: what was recorded so far, or the file that it has of its own. Films of the library stay.
pub(crate) async fn discard(app: &Shared, recording: &Recording) -> Answer<()> {
    if recording.state == State::Recording {
        erase(app, recording.id.clone()).await?;
    }
    match recording.film.as_ref().filter(|_| recording.bytes > 0) {
        Some(film) => remove_film(app, film).await,
        None => Ok(()),
    }
}

async fn remove_film(app: &Shared, id: &str) -> Answer<()> {
    let Some(film) = app.store.films().get(id).await? else { return Ok(()) };
    let (folder, path) = (film.folder.clone(), film.path.clone());
    let removing =
        tokio::task::spawn_blocking(move || playhouse_library::folder::remove(Path::new(&folder), &path));
    let removed = removing.await.map_err(|error| Problem::internal("Deleting a recording", &error))?;
    removed.map_err(|error| Problem::internal("Deleting a recording", &error))?;
    app.store.films().delete(&film.id).await?;
    app.films.discard(&film.id).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_recording_lacks_is_said() {
        assert_eq!(lacks(Duration::from_millis(900), 1, None), None);
        let gap = lacks(Duration::from_secs(40), 1, None).unwrap();
        assert_eq!(gap, "40 seconds are missing: nothing arrived then, or the disk had no room.");
        let all = lacks(Duration::from_mins(10), 20, Some("the disk is full".to_owned())).unwrap();
        assert!(all.contains("10 minutes") && all.contains("8 films") && all.contains("disk"), "{all}");
    }

    #[test]
    fn a_film_is_made_once_at_a_time_and_tried_again_later() {
        let finishing = Finishing::default();
        assert!(finishing.claim("a", 0));
        assert!(!finishing.claim("a", 9), "it is being made");
        finishing.release("a", Some(5));
        assert!(!finishing.claim("a", 4) && finishing.claim("a", 5));
        finishing.release("a", None);
        assert!(finishing.claim("a", 0));
    }
}
