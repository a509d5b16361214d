//! What an app is offered: to say a figure, and to write a line. That is all.

use playhouse_media::time::Timestamp;
use wasmi::{Caller, Error, Extern, Linker, Memory, StoreLimits, StoreLimitsBuilder};

use crate::limits::{
    EVENTS_PER_CALL, EVENTS_PER_MINUTE, FUEL_PER_MINUTE, LINES_PER_CALL, LONGEST_LINE, LONGEST_NAME, MEMORY,
    TABLE,
};
use crate::refused::Stopped;

/// Where the functions are imported from.
pub(crate) const MODULE: &str = "playhouse";

/// A minute, in microseconds.
const MINUTE: u64 = 60_000_000;

/// An event of an app's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Emitted {
    /// What it calls the figure.
    pub name: String,
    /// The figure, a finite one.
    pub value: f64,
}

/// What an app said in one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Its events.
    pub events: Vec<Emitted>,
    /// Lines for whoever looks after it.
    pub lines: Vec<String>,
}

/// What stands behind a module's imports.
pub(crate) struct Host {
    pub(crate) limits: StoreLimits,
    pub(crate) said: Said,
}

impl Host {
    pub(crate) fn new() -> Self {
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY).table_elements(TABLE).instances(1);
        let limits = limits.memories(1).tables(8).trap_on_grow_failure(true).build();
        Self { limits, said: Said::default() }
    }
}

/// What is told of a function that is offered: its name and what it looks like.
pub(crate) const OFFERED: [(&str, &str); 2] =
    [("emit", "`(name: i32, length: i32, value: f64)`"), ("log", "`(line: i32, length: i32)`")];

/// Offers them.
pub(crate) fn offer(linker: &mut Linker<Host>) -> Result<(), Error> {
    linker.func_wrap(MODULE, OFFERED[0].0, emit)?;
    linker.func_wrap(MODULE, OFFERED[1].0, log)?;
    Ok(())
}

fn emit(mut caller: Caller<'_, Host>, name: i32, length: i32, value: f64) -> Result<(), Error> {
    let count = caller.data().said.events.len();
    let emitted = memory(&caller, "`emit`").and_then(|memory| {
        let bytes = part(memory.data(&caller), name, length).ok_or(Stopped::Place("`emit`"))?;
        if !(1..=LONGEST_NAME).contains(&bytes.len()) {
            return Err(Stopped::Name);
        }
        let name = std::str::from_utf8(bytes).ok().ok_or(Stopped::Name)?.to_owned();
        if !value.is_finite() {
            return Err(Stopped::Figure(name));
        }
        if count >= EVENTS_PER_CALL { Err(Stopped::Often) } else { Ok(Emitted { name, value }) }
    });
    caller.data_mut().said.events.push(emitted.map_err(Error::host)?);
    Ok(())
}

fn log(mut caller: Caller<'_, Host>, line: i32, length: i32) -> Result<(), Error> {
    let line = memory(&caller, "`log`").and_then(|memory| {
        let bytes = part(memory.data(&caller), line, length).ok_or(Stopped::Place("`log`"))?;
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_LINE)]).into_owned())
    });
    let line = line.map_err(Error::host)?;
    let lines = &mut caller.data_mut().said.lines;
    if lines.len() < LINES_PER_CALL {
        lines.push(line);
    }
    Ok(())
}

fn memory(caller: &Caller<'_, Host>, of: &'static str) -> Result<Memory, Stopped> {
    caller.get_export("memory").and_then(Extern::into_memory).ok_or(Stopped::Place(of))
}

/// A part of a memory. Places and lengths are unsigned, as WebAssembly has them.
pub(crate) fn part(memory: &[u8], place: i32, length: i32) -> Option<&[u8]> {
    let place = usize::try_from(place.cast_unsigned()).ok()?;
    let length = usize::try_from(length.cast_unsigned()).ok()?;
    memory.get(place..place.checked_add(length)?)
}

/// What an app took in the minute that runs.
#[derive(Debug, Default)]
pub(crate) struct Minute {
    since: Option<Timestamp>,
    fuel: u64,
    events: u32,
}

impl Minute {
    /// It took so much more, and said so many events.
    pub(crate) fn count(&mut self, now: Timestamp, fuel: u64, events: usize) -> Result<(), Stopped> {
        let runs = self.since.is_some_and(|since| now.as_micros().saturating_sub(since.as_micros()) < MINUTE);
        if !runs {
            *self = Self { since: Some(now), ..Self::default() };
        }
        self.fuel = self.fuel.saturating_add(fuel);
        self.events = self.events.saturating_add(u32::try_from(events).unwrap_or(u32::MAX));
        if self.fuel > FUEL_PER_MINUTE {
            return Err(Stopped::Minute);
        }
        if self.events > EVENTS_PER_MINUTE { Err(Stopped::Flood) } else { Ok(()) }
    }
}
