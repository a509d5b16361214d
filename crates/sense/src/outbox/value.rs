//! What an event is worth: which ones are told at once, and which ones go first where there is no room.

use crate::observation::What;

/// What an event is worth, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A statistic: the next one says nearly the same.
    Low,
    /// Somebody who looks wants it within seconds.
    Middle,
    /// Somebody acts on it: told at once, thrown away last.
    High,
}

/// All of them, the least first.
pub(super) const VALUES: [Value; 3] = [Value::Low, Value::Middle, Value::High];

impl Value {
    /// What this is worth.
    pub fn of(what: &What) -> Self {
        match what {
            What::Heat { .. } => Self::Low,
            What::Appeared { .. }
            | What::Left { .. }
            | What::Entered { .. }
            | What::Exited { .. }
            | What::Occupancy { .. } => Self::Middle,
            What::Crossed { .. }
            | What::Dwelt { .. }
            | What::Corrected { .. }
            | What::App { .. }
            | What::Lost { .. }
            | What::Camera { .. } => Self::High,
        }
    }
}
