//! Either side killed, the link cut, the disk filled and the clock moved, over and over; and what is left of what was seen.
//!
//! Nothing is lost if the server has all that the agent's [outbox ever kept](witness), save what the outbox threw away by its
//! rule, and nothing twice. What happened while the disk was full is in the agent's memory alone, as it says, and goes with it
//! when it is killed then: nobody was told of that, and it is not counted.

mod disk;
mod fate;
mod judge;
mod relay;
mod sensor;
mod witness;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use playhouse_sense::geometry::Point;
use playhouse_sense::scene::Scene;
use playhouse_sense::settings::{Line, Zone};
use serde::Serialize;
use serde_json::{Value, json};

use self::disk::Disk;
use self::fate::{Evil, Fate};
use self::relay::{Relay, Way};
use self::sensor::{OUTBOX_MIB, Sensor};
use self::witness::Witness;
use super::agent::{add, follows};
use crate::figures::rounded;
use crate::house::{Doors, House, Settings};
use crate::progress::say;

/// Lines at the same place, and zones at each side of it, each of which tells of whoever goes by: enough to fill the outbox.
const LINES: u16 = 32;
/// See [`LINES`].
const ZONES: u16 = 32;
/// People in the picture.
const PEOPLE: u16 = 30;
/// Pictures a second.
const RATE: u32 = 15;
/// The most bytes that the outbox's files may have.
const CAP: u64 = OUTBOX_MIB << 20;
/// How long there is no link once: the outbox gets full. A quarter of a shorter run.
const DROUGHT: Duration = Duration::from_mins(2);
/// How long the agent may take at the end until the server has all.
const PATIENCE: Duration = Duration::from_mins(3);
/// How often is looked whether it has.
const GLANCE: Duration = Duration::from_millis(500);

/// How often each happened.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Evils {
    agent_killed: u32,
    server_killed: u32,
    link_cut: u32,
    link_held: u32,
    link_mute: u32,
    disk_filled: u32,
    clock_moved: u32,
    /// That the agent ended by itself, which it never should.
    agent_ended: u32,
}

/// Measures it for so many minutes.
pub(super) fn measure(seed: u64, minutes: u32) -> Result<Value> {
    let mut stage = Stage::begin(seed)?;
    let length = Duration::from_mins(1) * minutes;
    let begin = Instant::now();
    stage.rage(&mut Fate::new(seed), length)?;
    let seconds = begin.elapsed().as_secs_f64();
    let settled = stage.settle()?;
    let (rows, crossings) = judge::records(&stage.house.data())?;
    let seen = stage.witness.seen();
    let verdict = judge::judge(&seen, &rows, crossings);
    if seen.most_bytes > CAP {
        say(&format!("The outbox had {} bytes where {CAP} are the most", seen.most_bytes));
    }
    if verdict.told_dropped < seen.dropped_events {
        say(&format!(
            "{} events were thrown away, and {} told of",
            seen.dropped_events, verdict.told_dropped
        ));
    }
    if verdict.lost + verdict.duplicated > 0 || stage.evils.agent_ended > 0 {
        say(&format!("The agent's last words:\n{}", stage.sensor.log(20)));
    }
    Ok(json!({
        "seconds": rounded(seconds), "acked": verdict.acked, "lost": verdict.lost, "duplicated": verdict.duplicated,
        "backlog_max_bytes": seen.most_bytes, "backlog_cap_bytes": CAP,
        "stored": rows.len(), "crossings": crossings.single,
        "dropped_by_rule": seen.dropped_events, "dropped_and_told": verdict.told_dropped,
        "outbox_begun_anew": seen.begun_anew(), "settled_s": rounded(settled.as_secs_f64()),
        "evils": stage.evils, "not_done": stage.not_done,
    }))
}

/// All that can break.
struct Stage {
    // Declared in the order in which they have to end.
    sensor: Sensor,
    witness: Witness,
    relays: [Relay; 2],
    disk: Option<Disk>,
    house: House,
    input: String,
    /// When the link and the disk are well again.
    link_until: Option<Instant>,
    disk_until: Option<Instant>,
    evils: Evils,
    not_done: Vec<&'static str>,
}

impl Stage {
    /// A server, and an agent that has followed its settings once and goes through relays from now on.
    fn begin(seed: u64) -> Result<Self> {
        let house = House::start(Settings { sessions: 1, kbps: 6000, ports: (46_250, 46_259) })?;
        let folder = house.folder.path().join("sensor");
        std::fs::create_dir(&folder)?;
        let mut not_done = Vec::new();
        let disk = Disk::mount(&folder.join("state"))?;
        if disk.is_none() {
            not_done.push("the disk was not filled: mounting a file system is not allowed here");
        }
        let mut sensor = Sensor::new(&folder)?;
        if !sensor.has_clock() {
            not_done.push("the clock was not moved: `faketime` is missing (Debian: faketime)");
        }
        for sentence in &not_done {
            say(sentence);
        }
        let (id, code) = add(&house, &settings())?;
        let input = format!("virtual:seed={seed},people={PEOPLE},fps={RATE}");
        sensor.start(&input, &["--server", &house.origin, "--code", &code])?;
        follows(&house, &id)?;
        let witness = Witness::begin(&sensor.state().join("outbox"))?;
        sensor.stop();
        let doors = house.doors();
        let relays = [Relay::start(doors.mqtt)?, Relay::start(doors.https)?];
        sensor.go_through(Doors { mqtt: relays[0].port, https: relays[1].port })?;
        sensor.start(&input, &[])?;
        follows(&house, &id)?;
        let (link_until, disk_until, evils) = (None, None, Evils::default());
        Ok(Self { sensor, witness, relays, disk, house, input, link_until, disk_until, evils, not_done })
    }

    /// Breaks things for so long. From a third of it on there is no link for a [`DROUGHT`].
    fn rage(&mut self, fate: &mut Fate, length: Duration) -> Result<()> {
        let begin = Instant::now();
        let (mut drought, end) = (Some(begin + length / 3), begin + length);
        loop {
            let (pause, evil) = fate.draw();
            std::thread::sleep(pause.min(end.saturating_duration_since(Instant::now())));
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            self.mend(now)?;
            if drought.is_some_and(|from| now >= from) {
                drought = None;
                self.free()?;
                self.link(Way::Cut, DROUGHT.min(length / 4));
            }
            self.befall(evil)?;
        }
    }

    /// What was broken for a while is well again; an agent that ended is started again.
    fn mend(&mut self, now: Instant) -> Result<()> {
        if self.link_until.is_some_and(|until| now >= until) {
            self.link_until = None;
            self.set(Way::Open);
        }
        if self.disk_until.is_some_and(|until| now >= until) {
            self.free()?;
        }
        if self.sensor.ended()? {
            self.evils.agent_ended += 1;
            say(&format!("The agent ended by itself: {}", self.sensor.log(3)));
            self.sensor.stop();
            self.start()?;
        }
        Ok(())
    }

    fn free(&mut self) -> Result<()> {
        self.disk_until = None;
        self.disk.as_ref().map_or(Ok(()), Disk::free)
    }

    /// What a killed agent left is seen before the next one tidies it up.
    fn start(&mut self) -> Result<()> {
        drop(self.witness.seen());
        self.sensor.start(&self.input, &[])
    }

    fn link(&mut self, way: Way, lasts: Duration) {
        match way {
            Way::Cut => self.evils.link_cut += 1,
            Way::Held => self.evils.link_held += 1,
            Way::Mute => self.evils.link_mute += 1,
            Way::Open => {}
        }
        self.link_until = Some(Instant::now() + lasts);
        self.set(way);
    }

    fn set(&self, way: Way) {
        for relay in &self.relays {
            relay.set(way);
        }
    }

    fn befall(&mut self, evil: Evil) -> Result<()> {
        match evil {
            Evil::KillAgent(away) => {
                self.evils.agent_killed += 1;
                self.sensor.kill();
                std::thread::sleep(away);
                self.start()?;
            }
            Evil::KillServer(away) => {
                self.evils.server_killed += 1;
                self.house.kill();
                std::thread::sleep(away);
                self.house.revive()?;
            }
            Evil::KillBoth(away) => {
                self.evils.agent_killed += 1;
                self.evils.server_killed += 1;
                self.sensor.kill();
                self.house.kill();
                std::thread::sleep(away);
                self.start()?;
                self.house.revive()?;
            }
            // One at a time.
            Evil::Link(..) | Evil::Fill(_) if self.link_until.is_some() || self.disk_until.is_some() => {}
            // What is thrown away while the disk is full is told to the server alone, and would be taken for lost here.
            Evil::Fill(_) if self.witness.seen().bytes > CAP / 4 => {}
            Evil::Link(way, lasts) => self.link(way, lasts),
            Evil::Fill(lasts) => {
                let Some(disk) = &self.disk else { return Ok(()) };
                self.evils.disk_filled += 1;
                disk.fill()?;
                self.disk_until = Some(Instant::now() + lasts);
            }
            Evil::Clock(seconds) => {
                self.evils.clock_moved += u32::from(self.sensor.has_clock());
                self.sensor.set_clock(seconds)?;
            }
        }
        Ok(())
    }

    /// Everything is well again, and nobody is in the picture any more: waits until the server has all. How long that took.
    fn settle(&mut self) -> Result<Duration> {
        say("Everything is well again");
        self.free()?;
        self.link_until = None;
        self.set(Way::Open);
        self.sensor.set_clock(0)?;
        self.sensor.stop();
        "virtual:people=0,objects=0,fps=1".clone_into(&mut self.input);
        self.start()?;
        let begin = Instant::now();
        loop {
            std::thread::sleep(GLANCE);
            let waiting = self.witness.seen().waiting();
            if waiting == 0 {
                return Ok(begin.elapsed());
            }
            if begin.elapsed() > PATIENCE {
                say(&format!("{waiting} events still wait after {PATIENCE:?}"));
                return Ok(begin.elapsed());
            }
            ensure!(!self.sensor.ended()?, "the agent ended: {}", self.sensor.log(5));
        }
    }
}

/// Lines and zones that tell much.
fn settings() -> Value {
    let line = |id| Line { id, ..Scene::door() };
    let zone = |id: u16| {
        let left = if id.is_multiple_of(2) { 0.0 } else { 0.5 };
        let corners =
            [(left, 0.0), (left + 0.5, 0.0), (left + 0.5, 1.0), (left, 1.0)].map(|(x, y)| Point { x, y });
        Zone { id, name: format!("Side {id}"), corners: corners.into(), dwell_ms: Some(1_000) }
    };
    json!({
        "lines": (1..=LINES).map(line).collect::<Vec<_>>(), "zones": (1..=ZONES).map(zone).collect::<Vec<_>>(),
        "rate": RATE,
    })
}
