//! Holds rules against what sensors tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::condition::{Condition, Met};
use super::hours::Local;
use super::{Rule, When};
use crate::observation::{Event, What};

/// What happened longer ago than this is not acted upon, in milliseconds: a sensor that was offline tells of it now.
pub const STALE: u64 = 10 * 60 * 1000;

/// The most pairs of rule and sensor of which something is kept. The oldest pairs in alphabetical order go.
pub const MOST_STATES: usize = 200_000;

/// While a rule keeps quiet, what lasts is looked at again so often, in milliseconds.
const AGAIN: u64 = 30_000;

/// A rule has something to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    /// The rule's id.
    pub rule: String,
    /// The sensor; empty for what goes by the clock alone.
    pub sensor: String,
    /// When what it waits for was so, in milliseconds since 1970.
    pub at: u64,
    /// The figure that made it so: how many, how often, how long, or what an app said.
    pub figure: f64,
    /// What was seen, in a sentence.
    pub text: String,
}

/// What is kept of a rule and a sensor.
#[derive(Clone, Debug, Default)]
struct State {
    condition: Condition,
    fired: Option<u64>,
    /// When it is looked at by itself.
    due: Option<u64>,
}

type Pair = (usize, String);

/// Holds rules against what sensors tell.
#[derive(Debug, Default)]
pub struct Engine {
    rules: Vec<Rule>,
    /// Which rules want which kind of event.
    wanted: HashMap<std::mem::Discriminant<What>, Vec<usize>>,
    states: BTreeMap<Pair, State>,
    timers: BTreeSet<(u64, usize, String)>,
    /// How many minutes the clock on the wall is ahead of UTC.
    ahead: i32,
}

impl Engine {
    /// These rules, by a clock that is so many minutes ahead of UTC. Those that are not in force are left out.
    pub fn new(rules: Vec<Rule>, ahead: i32) -> Self {
        let mut engine = Self { ahead, ..Self::default() };
        engine.set_rules(rules);
        engine
    }

    /// Summer time begins or ends.
    pub fn set_ahead(&mut self, minutes: i32) {
        self.ahead = minutes;
    }

    /// Other rules from now on. What is known of those that stay as they are is kept.
    pub fn set_rules(&mut self, rules: Vec<Rule>) {
        let rules: Vec<Rule> = rules.into_iter().filter(|rule| rule.on).collect();
        let moved = |old: &Rule| {
            rules
                .iter()
                .position(|new| new.id == old.id && new.when == old.when && new.sensors == old.sensors)
        };
        let places: Vec<Option<usize>> = self.rules.iter().map(moved).collect();
        let states = std::mem::take(&mut self.states).into_iter();
        self.states =
            states.filter_map(|((rule, sensor), state)| Some(((places[rule]?, sensor), state))).collect();
        self.timers = self
            .states
            .iter()
            .filter_map(|((rule, sensor), state)| Some((state.due?, *rule, sensor.clone())))
            .collect();
        self.rules = rules;
        self.wanted.clear();
        for (place, rule) in self.rules.iter().enumerate() {
            for kind in wants(&rule.when) {
                self.wanted.entry(std::mem::discriminant(&kind)).or_default().push(place);
            }
        }
    }

    /// A sensor told of something. `now` is milliseconds since 1970.
    pub fn event(&mut self, now: u64, sensor: &str, event: &Event) -> Vec<Firing> {
        let wanted = self.wanted.get(&std::mem::discriminant(&event.what)).cloned().unwrap_or_default();
        let mut firings = Vec::new();
        for place in wanted {
            if !self.rules[place].is_about(sensor) {
                continue;
            }
            let rule = &self.rules[place];
            let state = self.states.entry((place, sensor.to_owned())).or_default();
            let met = state.condition.event(&rule.when, event.at, &event.what);
            if event.at.saturating_add(STALE) >= now
                && let Some(met) = met
            {
                firings.extend(fire(rule, state, sensor, event.at, met, self.ahead));
            }
            self.arm(place, sensor, None);
        }
        while self.states.len() > MOST_STATES {
            if let Some(((place, sensor), State { due: Some(due), .. })) = self.states.pop_first() {
                self.timers.remove(&(due, place, sensor));
            }
        }
        firings
    }

    /// Time has passed: called once a second or so. Gives what time alone has made so.
    pub fn tick(&mut self, now: u64) -> Vec<Firing> {
        let mut firings = Vec::new();
        let local = Local::of(now, self.ahead);
        for place in 0..self.rules.len() {
            let rule = &self.rules[place];
            if matches!(rule.when, When::Schedule { .. }) {
                let state = self.states.entry((place, String::new())).or_default();
                if state.condition.is_time(&rule.when, now, local) {
                    let met = Met { figure: f64::from(local.minute), lasts: false };
                    firings.extend(fire(rule, state, "", now, met, self.ahead));
                }
            }
        }
        while self.timers.first().is_some_and(|(due, ..)| *due <= now) {
            let Some((due, place, sensor)) = self.timers.pop_first() else { break };
            let pair = (place, sensor);
            let Some(state) = self.states.get_mut(&pair) else { continue };
            state.due = None;
            let rule = &self.rules[place];
            let mut again = None;
            while let Some(met) = state.condition.met(&rule.when, now) {
                if due.saturating_add(STALE) < now {
                    state.condition.told();
                    continue;
                }
                let firing = fire(rule, state, &pair.1, due, met, self.ahead);
                // What lasts and may not be told now is looked at again.
                let waits = met.lasts && firing.is_none();
                firings.extend(firing);
                if waits {
                    again = Some(now + AGAIN);
                    break;
                }
            }
            self.arm(place, &pair.1, again);
        }
        firings
    }

    /// When [`Self::tick`] is next of use, apart from schedules.
    pub fn due(&self) -> Option<u64> {
        self.timers.first().map(|(due, ..)| *due)
    }

    /// Sets the timer of a pair; `again`: not before.
    fn arm(&mut self, place: usize, sensor: &str, again: Option<u64>) {
        let Some(state) = self.states.get_mut(&(place, sensor.to_owned())) else { return };
        let due = state.condition.due(&self.rules[place].when).map(|due| due.max(again.unwrap_or(0)));
        if due == state.due {
            return;
        }
        if let Some(before) = state.due {
            self.timers.remove(&(before, place, sensor.to_owned()));
        }
        state.due = due;
        if let Some(due) = due {
            self.timers.insert((due, place, sensor.to_owned()));
        }
    }
}

/// What a rule has to do, unless it keeps quiet or did so a moment ago.
fn fire(rule: &Rule, state: &mut State, sensor: &str, at: u64, met: Met, ahead: i32) -> Option<Firing> {
    let local = Local::of(at, ahead);
    let cooldown = u64::from(rule.cooldown_s) * 1000;
    let cools = state.fired.is_some_and(|fired| at < fired.saturating_add(cooldown));
    if cools || rule.quiet.iter().any(|hours| hours.has(local)) {
        return None;
    }
    state.fired = Some(at);
    if met.lasts {
        state.condition.told();
    }
    let text = sentence(&rule.when, met.figure);
    Some(Firing { rule: rule.id.clone(), sensor: sensor.to_owned(), at, figure: met.figure, text })
}

fn sentence(when: &When, figure: f64) -> String {
    match when {
        When::Count { zone, .. } => format!("{figure} in zone {zone}"),
        When::Crossings { line, within_s, .. } => {
            format!("line {line} was crossed {figure} times within {within_s} seconds")
        }
        When::Dwell { zone, for_s } => format!("something has been in zone {zone} for {for_s} seconds"),
        When::Absence { zone: Some(zone), for_s, .. } => {
            format!("nothing has been in zone {zone} for {for_s} seconds")
        }
        When::Absence { line, for_s, .. } => {
            format!("nothing has crossed line {} for {for_s} seconds", line.unwrap_or_default())
        }
        When::Schedule { minute, .. } => format!("it is {:02}:{:02}", minute / 60, minute % 60),
        When::App { app, name, .. } => format!("{app} says {name}: {figure}"),
    }
}

/// One of each kind of event that a condition wants.
fn wants(when: &When) -> Vec<What> {
    let occupancy = What::Occupancy { zone: 0, count: 0 };
    let entered = What::Entered { zone: 0, track: 0, label: 0 };
    let crossed = What::Crossed { line: 0, track: 0, label: 0, direction: crate::observation::Direction::In };
    let camera = What::Camera { works: true };
    match when {
        When::Count { .. } => vec![occupancy],
        When::Crossings { .. } => vec![crossed],
        When::Dwell { .. } => vec![
            entered,
            What::Exited { zone: 0, track: 0, dwelt_ms: 0 },
            What::Left { track: 0, lasted_ms: 0, foot: crate::geometry::Point::default() },
            What::Corrected { track: 0, label: None },
            camera,
        ],
        When::Absence { .. } => {
            let heat = What::Heat { columns: 0, rows: 0, cells: Vec::new() };
            vec![occupancy, entered, crossed, camera, heat]
        }
        When::Schedule { .. } => Vec::new(),
        When::App { .. } => vec![What::App { app: String::new(), name: String::new(), value: 0.0 }],
    }
}

/// What a rule would have done with what was recorded, in the order of time, from the first event to the last.
pub fn dry_run<'a>(
    rule: &Rule,
    ahead: i32,
    recorded: impl IntoIterator<Item = (&'a str, &'a Event)>,
) -> Vec<Firing> {
    let mut engine = Engine::new(vec![Rule { on: true, ..rule.clone() }], ahead);
    let by_clock = matches!(rule.when, When::Schedule { .. });
    let mut firings = Vec::new();
    let mut now: Option<u64> = None;
    for (sensor, event) in recorded {
        // A minute that begins with the first event begins within the recording.
        let mut before = now.unwrap_or(event.at.saturating_sub(1));
        // Not second by second, which would take long over months: only where something may happen.
        loop {
            let minute = by_clock.then_some((before / 60_000 + 1) * 60_000);
            let next = engine.due().into_iter().chain(minute).min();
            let Some(next) = next.filter(|next| *next <= event.at) else { break };
            before = before.max(next);
            firings.extend(engine.tick(before));
        }
        now = now.max(Some(event.at));
        firings.extend(engine.event(event.at, sensor, event));
    }
    firings
}
