//! Why a module is not run, or no longer.

use wasmi::errors::{ErrorKind, InstantiationError, MemoryError, TableError};
use wasmi::{Error, TrapCode};

use crate::limits::{
    ABI, EVENTS_PER_CALL, EVENTS_PER_MINUTE, FUEL_PER_CALL, FUEL_PER_MINUTE, LARGEST_MODULE, LONGEST_NAME,
    MEMORY, TABLE,
};

/// Why a module does not become an app. Each is a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is too long.
    #[error("it has {0} bytes, and a module has {most} MiB at most", most = LARGEST_MODULE >> 20)]
    Long(usize),
    /// It is no module.
    #[error("it is no WebAssembly module that runs here ({0}): build it for `wasm32-unknown-unknown`")]
    Module(String),
    /// It wants something that is not offered.
    #[error(
        "it imports `{0}.{1}`, which is not offered: an app has `playhouse.emit`, `playhouse.log` and nothing else"
    )]
    Import(String, String),
    /// It wants something in another shape.
    #[error("it imports `playhouse.{0}` as something else than {1}")]
    Shape(String, &'static str),
    /// It lacks something.
    #[error("it does not export {0}")]
    Export(&'static str),
    /// It is of another time.
    #[error("it is made for version {0} of the interface of apps, and this agent knows version {ABI}")]
    Abi(i32),
    /// It was stopped while it was started.
    #[error("{0}, while it was started")]
    Start(Stopped),
}

/// Why an app is stopped. Each is a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// It trapped.
    #[error("it trapped ({0})")]
    Trap(String),
    /// It ran away.
    #[error("it ran for longer than an observation may take ({FUEL_PER_CALL} instructions)")]
    Fuel,
    /// It takes too much time, little by little.
    #[error("it took more of the device than an app may ({FUEL_PER_MINUTE} instructions within a minute)")]
    Minute,
    /// It wanted too much memory.
    #[error("it wanted more memory than the {} MiB that an app has", MEMORY >> 20)]
    Memory,
    /// It wanted too large a table.
    #[error("it wanted a table of more than {TABLE} elements")]
    Table,
    /// It called itself too often.
    #[error("its calls went too deep into each other")]
    Deep,
    /// It gave a place that is not in its memory.
    #[error("{0} gave a place that is not in its memory")]
    Place(&'static str),
    /// It gave a name that is none.
    #[error("it gave a figure a name that is none: 1 to {LONGEST_NAME} bytes of UTF-8 are one")]
    Name,
    /// It gave a figure that is none.
    #[error("it gave `{0}` a figure that is no number")]
    Figure(String),
    /// It says too much at once.
    #[error("it made more than {EVENTS_PER_CALL} events of one observation")]
    Often,
    /// It says too much.
    #[error("it made more than {EVENTS_PER_MINUTE} events within a minute")]
    Flood,
}

impl wasmi::errors::HostError for Stopped {}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        if let Some(stopped) = error.downcast_ref::<Self>() {
            return stopped.clone();
        }
        let memory = |error: &MemoryError| match error {
            MemoryError::ResourceLimiterDeniedAllocation | MemoryError::OutOfSystemMemory => {
                Some(Self::Memory)
            }
            _ => None,
        };
        let table = |error: &TableError| {
            matches!(error, TableError::ResourceLimiterDeniedAllocation).then_some(Self::Table)
        };
        let known = match error.kind() {
            ErrorKind::Memory(error)
            | ErrorKind::Instantiation(InstantiationError::FailedToInstantiateMemory(error)) => memory(error),
            ErrorKind::Table(error)
            | ErrorKind::Instantiation(InstantiationError::FailedToInstantiateTable(error)) => table(error),
            _ => None,
        };
        let trap = match error.as_trap_code() {
            Some(TrapCode::OutOfFuel) => Some(Self::Fuel),
            Some(TrapCode::StackOverflow) => Some(Self::Deep),
            Some(TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory) => Some(Self::Memory),
            _ => None,
        };
        known.or(trap).unwrap_or_else(|| Self::Trap(error.to_string()))
    }
}
