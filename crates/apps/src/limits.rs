//! How much an app may take. What goes beyond is stopped with the reason, so that it neither starves what counts beside it
//! nor fills the outbox.

/// The largest module, in bytes: what the hub's registry takes.
pub const LARGEST_MODULE: usize = 4 << 20;

/// The most memory of a module, in bytes: 256 pages. One that counts needs a few; a small board has 512 MiB for all.
pub const MEMORY: usize = 16 << 20;

/// The most elements of all a module's tables, which hold functions that are called by number.
pub const TABLE: usize = 10_000;

/// The most memory of a module's own stack of calls, in bytes, which is the agent's memory.
pub const STACK: usize = 256 << 10;

/// How deep a module's calls may go into each other.
pub const DEPTH: usize = 500;

/// Fuel of one call, about one for each instruction: some ten milliseconds of a desktop and fifty of a small board, which is
/// how long a picture may be late because of a module that runs away.
pub const FUEL_PER_CALL: u64 = 5_000_000;

/// Fuel of all calls within a minute: a few hundredths of a small board's time.
pub const FUEL_PER_MINUTE: u64 = 200_000_000;

/// Events of one call. One observation makes one thing more or less; a few figures may follow from it.
pub const EVENTS_PER_CALL: usize = 16;

/// Events within a minute: ten a second, more than a crowded door makes itself.
pub const EVENTS_PER_MINUTE: u32 = 600;

/// The longest name of a figure, in bytes: names of lines and zones are no longer.
pub const LONGEST_NAME: usize = 60;

/// The longest line of a log, in bytes. What is longer is cut.
pub const LONGEST_LINE: usize = 200;

/// Lines of one call. More are passed over: nobody reads them.
pub const LINES_PER_CALL: usize = 4;

/// What a module exports and imports is of this version.
pub const ABI: i32 = 1;
