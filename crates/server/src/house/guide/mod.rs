//! Channels that are made of the library: what each plays, kept in step with the films there are.

pub(crate) mod fetch;
pub(crate) mod import;
mod reels;
pub(crate) mod relay;
mod timetable;
pub(crate) mod what;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playhouse_store::Store;
use playhouse_store::schedules::{Plan as Kept, Schedule};
use playhouse_watch::schedule::{Begin, Definition, Plan};

use self::reels::Read;
pub(crate) use self::timetable::{Showing, Timetable};
use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::house::founding;
use crate::problem::{Answer, Problem};

/// How often schedules are held against the library: a film that was dropped in should be on soon.
const EVERY: Duration = Duration::from_secs(5);

/// How far ahead of its time a channel may be loaded, in microseconds: what players want to have before they play,
/// three of the usual segments, and some more.
pub(crate) const AHEAD: i64 = 16_000_000;

/// How long past programmes stay in the guide, in microseconds: a week and a day.
const KEPT: i64 = 8 * DAY * 1000;

/// The guide.
#[derive(Debug, Default)]
pub(crate) struct Guide {
    timetables: Mutex<HashMap<String, Arc<Timetable>>>,
    /// One follows the library at a time.
    read: tokio::sync::Mutex<Read>,
}

/// Now, in microseconds since 1970.
pub(crate) fn micros() -> i64 {
    now().saturating_mul(1000)
}

fn parse(schedule: &Schedule) -> Answer<Definition> {
    serde_json::from_str(&schedule.definition)
        .map_err(|error| Problem::internal("Reading the schedule of a channel", &error))
}

/// Whether two plans show the same from now on.
fn same(one: &Plan, other: &Plan) -> bool {
    (&one.definition, &one.reels, &one.blocks, &one.always, &one.filler)
        == (&other.definition, &other.reels, &other.blocks, &other.always, &other.filler)
}

impl Guide {
    /// What a channel shows.
    pub(crate) async fn timetable(&self, store: &Store, channel: &str) -> Answer<Arc<Timetable>> {
        if let Some(known) = self.known(channel) {
            return Ok(known);
        }
        let kept = store.schedules().plans(channel).await?;
        // A plan of another version of the program is made anew.
        let plans = kept.iter().filter_map(|kept| serde_json::from_str(&kept.plan).ok()).collect();
        let timetable = Arc::new(Timetable::new(plans));
        self.lock().insert(channel.to_owned(), Arc::clone(&timetable));
        Ok(timetable)
    }

    fn known(&self, channel: &str) -> Option<Arc<Timetable>> {
        self.lock().get(channel).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Timetable>>> {
        self.timetables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what is known of a channel.
    pub(crate) fn forget(&self, channel: &str) {
        self.lock().remove(channel);
    }

    /// What a definition would show from now on, with the films that there are: for looking at, before it is kept.
    pub(crate) async fn preview(&self, app: &Shared, definition: Definition) -> Answer<Timetable> {
        let mut read = self.read.lock().await;
        let library = reels::library(app, &mut read).await?;
        let begin = Begin { at: micros(), ..Begin::default() };
        Ok(Timetable::new(vec![Plan::new(definition, library, begin)]))
    }

    /// Holds all schedules against the library.
    pub(crate) async fn follow(&self, app: &Shared) -> Answer<()> {
        let schedules = app.store.schedules().all().await?;
        if schedules.is_empty() {
            return Ok(());
        }
        let mut read = self.read.lock().await;
        let library = reels::library(app, &mut read).await?;
        for schedule in schedules {
            let definition = parse(&schedule)?;
            let timetable = self.timetable(&app.store, &schedule.channel).await?;
            let begin = Self::begin(&timetable, &library);
            let plan = Plan::new(definition, library.clone(), begin);
            if timetable.last().is_some_and(|last| same(last, &plan)) {
                continue;
            }
            let text = serde_json::to_string(&plan)
                .map_err(|error| Problem::internal("Writing the plan of a channel", &error))?;
            let kept = Kept { channel: schedule.channel.clone(), since: plan.begin.at, plan: text };
            app.store.schedules().add_plan(&kept, micros() - KEPT).await?;
            self.forget(&schedule.channel);
            tracing::info!(channel = schedule.channel, films = plan.reels.len(), "a channel has a new plan");
        }
        Ok(())
    }

    /// When a new plan takes over: after what is shown, or at once where that is gone.
    fn begin(timetable: &Timetable, library: &reels::Library) -> Begin {
        let now = micros();
        let soon = now + AHEAD;
        let on = timetable.between(now, soon, 8);
        let there = |showing: &Showing| library.iter().any(|(reel, _)| reel.film == showing.film);
        let idle = timetable.last().is_none_or(Plan::is_empty);
        let lost = !idle && !on.iter().all(there);
        let mut begin = timetable.takeover(if idle || lost { now } else { soon });
        if lost && begin.at > now {
            begin.at = now.max(timetable.last().map_or(now, |last| last.begin.at));
        }
        begin
    }
}

/// Holds schedules against the library for ever.
pub(crate) async fn keep(app: Shared) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut founded = false;
    loop {
        every.tick().await;
        if !founded {
            founded = founding::found(&app).await.unwrap_or(false);
        }
        if app.guide.follow(&app).await.is_err() {
            tracing::error!("the schedules of channels could not be brought up to date");
        }
    }
}
