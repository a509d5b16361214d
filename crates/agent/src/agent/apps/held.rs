//! Apps beside the pipeline: each is told what happens, and what it says of that goes where everything goes.

use std::time::Duration;

use playhouse_apps::{App, Names, Said, Stopped, Told};
use playhouse_media::time::Timestamp;
use playhouse_sense::enrolment::{AppReport, AppState};
use playhouse_sense::observation::What;
use playhouse_sense::settings::{AppRef, Settings};
use tokio::sync::mpsc;

use super::Deed;
use crate::agent::twin::Twin;
use crate::outbox::Outbox;

/// How often apps are told that time goes on.
const TICK: Duration = Duration::from_secs(1);

/// One app: it runs, or why not.
struct One {
    app: AppRef,
    runs: Result<Box<App>, String>,
}

/// All apps of a sensor.
pub(in crate::agent) struct Held {
    deeds: mpsc::Receiver<Deed>,
    twin: Twin,
    names: Names,
    apps: Vec<One>,
    waiting: Vec<(AppRef, String)>,
    ticked: Option<Timestamp>,
}

impl Held {
    /// None yet; what comes is told by `deeds`.
    pub(in crate::agent) fn new(deeds: mpsc::Receiver<Deed>, twin: Twin) -> Self {
        Self { deeds, twin, names: Names::default(), apps: Vec::new(), waiting: Vec::new(), ticked: None }
    }

    /// What observations are about is called so from now on.
    pub(in crate::agent) fn name(&mut self, settings: &Settings, labels: Vec<String>) {
        self.names = Names::of(settings, labels);
    }

    /// Something happened: what apps say of it.
    pub(in crate::agent) fn observe(&mut self, now: Timestamp, at: u64, what: &What) -> Vec<What> {
        if self.apps.is_empty() {
            return Vec::new();
        }
        let Some(told) = Told::of(at, what, &self.names).map(|told| told.to_json()) else {
            return Vec::new();
        };
        self.each(|app| app.observe(now, &told))
    }

    /// Between two pictures: what is to be done about apps is done, and each is told the time now and then.
    pub(in crate::agent) fn turn(&mut self, now: Timestamp, date_ms: u64, outbox: &Outbox) {
        let mut changed = false;
        while let Ok(deed) = self.deeds.try_recv() {
            self.obey(deed);
            changed = true;
        }
        if changed {
            self.report();
        }
        if self.ticked.is_none_or(|ticked| now.since(ticked) >= TICK) {
            self.ticked = Some(now);
            for what in self.each(|app| app.tick(now, date_ms)) {
                outbox.push(date_ms, what);
            }
        }
    }

    fn obey(&mut self, deed: Deed) {
        match deed {
            Deed::Only(wanted) => {
                self.apps.retain(|one| wanted.iter().any(|app| app.name == one.app.name));
                self.waiting.retain(|(app, _)| wanted.contains(app));
            }
            Deed::Wait(app, why) => {
                self.waiting.retain(|(other, _)| other.name != app.name);
                self.waiting.push((app, why));
            }
            Deed::Run(app, runs) => {
                if let Err(why) = &runs {
                    tracing::warn!(app = app.name, why, "an app is refused");
                }
                self.waiting.retain(|(other, _)| other.name != app.name);
                self.apps.retain(|one| one.app.name != app.name);
                self.apps.push(One { app, runs });
            }
        }
    }

    /// Calls each that runs. One that has to be stopped is, and the others go on.
    fn each(&mut self, mut call: impl FnMut(&mut App) -> Result<Said, Stopped>) -> Vec<What> {
        let (mut all, mut stopped) = (Vec::new(), false);
        for One { app: AppRef { name, .. }, runs } in &mut self.apps {
            let Ok(app) = runs else { continue };
            match call(app) {
                Ok(said) => {
                    for line in said.lines {
                        tracing::info!(app = name, line, "an app says");
                    }
                    let what = |event: playhouse_apps::Emitted| What::App {
                        app: name.clone(),
                        name: event.name,
                        value: event.value,
                    };
                    all.extend(said.events.into_iter().map(what));
                }
                Err(why) => {
                    tracing::warn!(app = name, %why, "an app is stopped");
                    *runs = Err(why.to_string());
                    stopped = true;
                }
            }
        }
        if stopped {
            self.report();
        }
        all
    }

    fn report(&self) {
        let report = |app: &AppRef, state, why: Option<&String>| AppReport {
            name: app.name.clone(),
            hash: app.hash.clone(),
            state,
            why: why.cloned(),
        };
        let held = self.apps.iter().map(|one| match &one.runs {
            Ok(_) => report(&one.app, AppState::Running, None),
            Err(why) => report(&one.app, AppState::Stopped, Some(why)),
        });
        let waiting = self.waiting.iter().map(|(app, why)| report(app, AppState::Waiting, Some(why)));
        let apps: Vec<_> = held.chain(waiting).collect();
        self.twin.report(|reported| reported.apps = apps);
    }
}
