//! What the outbox's files consist of: records with a length and a checksum.
//!
//! | bytes | what |
//! | --- | --- |
//! | 2 | length of the body, little endian; never zero |
//! | 4 | CRC-32 (IEEE) of length and body, little endian |
//! | length | body: the [`Record`] in postcard |
//!
//! The first record of a file is a [`Record::Head`]. All that records say of the state as a whole is absolute, so that the
//! newest one counts and a file can go without one that comes later losing its meaning.

use serde::{Deserialize, Serialize};

use crate::observation::Event;

/// The version that [`Record::Head`] says.
pub const VERSION: u8 = 1;

/// Bytes in front of a body.
const FRAME: usize = 6;

/// The largest body: an event of [`super::LARGEST_EVENT`] with what goes around it.
const LARGEST_BODY: usize = super::LARGEST_EVENT + 64;

/// A place in the order of all events of an outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Which start of the agent numbered it.
    pub life: u64,
    /// The event's number.
    pub seq: u64,
}

/// How far things are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Up to here the hub has everything.
    pub taken: Key,
    /// Up to here something was sent at least once, so that the hub may have it.
    pub sent: Key,
    /// Events that were thrown away and not yet told of.
    pub lost: u32,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// How a file begins.
    Head {
        /// [`VERSION`].
        version: u8,
        /// An epoch is this plus a life.
        base: u64,
        /// The life that wrote the file.
        life: u64,
        /// How far things were when the file began.
        marks: Marks,
    },
    /// An event that waits. It may stand in the files twice.
    Event {
        /// Which life numbered it.
        life: u64,
        /// The event.
        event: Event,
        /// [`Marks::lost`] from here on; of fixed length, so that the record takes as many bytes wherever it is written.
        #[serde(with = "postcard::fixint::le")]
        lost: u32,
    },
    /// An event was thrown away.
    Dropped {
        /// Which.
        key: Key,
        /// [`Marks::lost`] from here on.
        lost: u32,
    },
    /// How far things are from here on.
    Marks(Marks),
}

impl Record {
    /// As bytes; `None` where they would be more than a record may have.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut bytes = postcard::to_extend(self, vec![0; FRAME]).ok()?;
        let length = bytes.len() - FRAME;
        if length > LARGEST_BODY {
            return None;
        }
        bytes[..2].copy_from_slice(&u16::try_from(length).ok()?.to_le_bytes());
        let sum = checksum(&bytes);
        bytes[2..FRAME].copy_from_slice(&sum);
        Some(bytes)
    }

    /// The record that `bytes` begin with, and how many of them it takes; `None` where there is no whole one.
    pub fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let length = usize::from(u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?));
        if length == 0 || length > LARGEST_BODY {
            return None;
        }
        let whole = bytes.get(..FRAME + length)?;
        if whole[2..FRAME] != checksum(whole) {
            return None;
        }
        let (record, rest) = postcard::take_from_bytes(&whole[FRAME..]).ok()?;
        rest.is_empty().then_some((record, whole.len()))
    }
}

fn checksum(whole: &[u8]) -> [u8; 4] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&whole[..2]);
    sum.update(&whole[FRAME..]);
    sum.finalize().to_le_bytes()
}
