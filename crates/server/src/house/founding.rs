//! What a fresh house has on: a channel of our own film, and of the sessions that people add to the films.

use std::io;
use std::path::PathBuf;

use playhouse_store::channels::{Channel, Kind};
use playhouse_store::films::{Film, State};
use playhouse_store::id;
use playhouse_store::schedules::Schedule;
use playhouse_watch::schedule::{Definition, Order, Rotation};
use playhouse_watch::session;

use crate::app::Shared;
use crate::clock::now;
use crate::house::air::WINDOW_SECONDS;
use crate::house::sessions::Change;
use crate::problem::{Answer, Problem};

/// The film that the project makes itself (`films/lantern`).
const FILM: &str = "The Little Lantern";

/// What the channel is called.
const CHANNEL: &str = "Lantern";

/// A file that says that the channel was made once: whoever deletes it does not get it again.
const MARK: &str = "founding-channel";

fn mark(app: &Shared) -> PathBuf {
    app.config.data.join(MARK)
}

fn founded(app: &Shared) -> io::Result<()> {
    std::fs::create_dir_all(&app.config.data)?;
    std::fs::write(mark(app), "The channel of a fresh house was made; without this file it is made again.\n")
}

/// Makes the channel, once there is an owner and the film; whether nothing more is to be done, now or ever.
pub(crate) async fn found(app: &Shared) -> Answer<bool> {
    if mark(app).exists() {
        return Ok(true);
    }
    let channels = app.store.channels().all().await?;
    let failed = |error: io::Error| Problem::internal("Founding a channel", &error);
    // A house that has channels of its own needs none from us.
    if channels.iter().any(|channel| channel.kind == Kind::Schedule) {
        founded(app).map_err(failed)?;
        return Ok(true);
    }
    let ours = |film: &Film| film.title == FILM && film.state == State::Ready;
    let Some(film) = app.store.films().all().await?.into_iter().find(ours) else { return Ok(false) };
    let Some(owner) = app.store.accounts().first_owner().await? else { return Ok(false) };
    let channel = Channel {
        id: id::fresh(),
        owner: owner.id,
        name: CHANNEL.to_owned(),
        kind: Kind::Schedule,
        source: None,
        number: (1..100).find(|number| channels.iter().all(|channel| channel.number != Some(*number))),
        category: None,
        logo: None,
        guide_id: None,
        replace_publisher: false,
        window_seconds: WINDOW_SECONDS,
        created: now(),
    };
    let definition = Definition {
        zone: "UTC".to_owned(),
        seed: 0,
        always: Rotation {
            films: vec![film.id],
            shows: vec![session::SHOW.to_owned()],
            everything: false,
            order: Order::InOrder,
        },
        blocks: Vec::new(),
        filler: Rotation::default(),
    };
    let text = serde_json::to_string(&definition)
        .map_err(|error| Problem::internal("Writing the schedule of a channel", &error))?;
    // First of all: two channels are worse than none.
    founded(app).map_err(failed)?;
    app.store.channels().put(&channel).await?;
    let schedule = Schedule { channel: channel.id.clone(), definition: text, changed: now() };
    app.store.schedules().put(&schedule).await?;
    tracing::info!(channel = channel.id, "the channel of a fresh house is on");
    app.sessions.tell(Change::Channel(channel.id));
    Ok(true)
}
