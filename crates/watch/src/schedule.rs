//! What plays on a channel that is made of the library: at any moment the same for everybody who asks.
//!
//! A [`Definition`] says what an owner wants: blocks at certain hours, something for the rest of the time, filler
//! between. A [`Plan`] is a definition together with the films that it names and the moment from which it holds. From
//! that moment films follow one another without a gap; nothing is drawn or measured anew, so that two servers, or one
//! that was restarted, agree on what plays at which offset.
//!
//! Films are never cut off. One that does not fit before the next block waits for later, filler comes in its place,
//! and a block begins with the end of the filler that comes nearest to its hour.

mod order;
mod plan;
mod slot;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use plan::{Begin, Cursor, Item, KINDS, Plan, Reel, Resolved};
pub use slot::Slots;

/// Blocks of one channel: a week of two-hour slots, each different, has 84.
pub const MOST_BLOCKS: usize = 100;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the days of the week need no words")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    /// The days from Monday on.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}

/// A time of day as clocks on the wall show it, in minutes since midnight: 0 to 1439.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minute(u16);

impl Minute {
    /// The time of day of an hour and a minute; none beyond 23:59.
    pub const fn new(hour: u16, minute: u16) -> Option<Self> {
        if hour < 24 && minute < 60 { Some(Self(hour * 60 + minute)) } else { None }
    }

    /// Hour, 0 to 23, and minute, 0 to 59.
    pub const fn parts(self) -> (u16, u16) {
        (self.0 / 60, self.0 % 60)
    }
}

impl From<Minute> for String {
    fn from(minute: Minute) -> Self {
        let (hour, minute) = minute.parts();
        format!("{hour:02}:{minute:02}")
    }
}

impl TryFrom<String> for Minute {
    type Error = NoMinute;

    fn try_from(text: String) -> Result<Self, NoMinute> {
        let (hour, minute) = text.split_once(':').ok_or(NoMinute)?;
        let number = |text: &str| {
            let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| plain)
        };
        number(hour).zip(number(minute)).and_then(|(hour, minute)| Self::new(hour, minute)).ok_or(NoMinute)
    }
}

/// What is no time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time of day is written as `20:15`")]
pub struct NoMinute;

/// In which order films of a rotation come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// In an order that is drawn anew each time all have been shown; none comes twice before.
    #[default]
    Shuffle,
    /// By show, season, episode and title, from the beginning again after the last.
    InOrder,
}

/// Films that take turns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// Films by id.
    pub films: Vec<String>,
    /// All episodes of these shows, those too that come later.
    pub shows: Vec<String>,
    /// The whole library.
    pub everything: bool,
    /// In which order.
    pub order: Order,
}

impl Rotation {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.films.is_empty() && self.shows.is_empty() && !self.everything
    }
}

/// Hours of the week with something of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What the guide calls it.
    pub name: String,
    /// The days on which it begins.
    pub days: Vec<Day>,
    /// When it begins.
    pub from: Minute,
    /// When it ends: on the next day where that is not after its beginning.
    pub to: Minute,
    /// What plays.
    pub what: Rotation,
}

/// What an owner wants a channel to play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The time zone of its hours, as the IANA database names it (`Europe/Berlin`).
    pub zone: String,
    /// From which shuffled orders are drawn.
    #[serde(default)]
    pub seed: u64,
    /// What plays while no block does.
    #[serde(default)]
    pub always: Rotation,
    /// Hours with something of their own; of two that overlap, the first counts.
    #[serde(default)]
    pub blocks: Vec<Block>,
    /// What comes where no film fits: best short.
    #[serde(default)]
    pub filler: Rotation,
}

/// What is wrong with a definition, in a sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The zone is unknown.
    #[error("There is no time zone `{0}`; write it like `Europe/Berlin`.")]
    Zone(String),
    /// Nothing to play.
    #[error("Say what plays while no block does: some films, a show, or everything.")]
    Nothing,
    /// Too many blocks.
    #[error("A channel has at most {MOST_BLOCKS} blocks.")]
    Blocks,
    /// A block without a day or film.
    #[error("The block “{0}” needs at least one day, and something to play.")]
    Block(String),
}

impl Definition {
    /// Whether it can be followed.
    ///
    /// # Errors
    /// [`Wrong`], a sentence for whoever wrote it.
    pub fn check(&self) -> Result<(), Wrong> {
        if !slot::known(&self.zone) {
            return Err(Wrong::Zone(self.zone.clone()));
        }
        if self.always.is_empty() {
            return Err(Wrong::Nothing);
        }
        if self.blocks.len() > MOST_BLOCKS {
            return Err(Wrong::Blocks);
        }
        match self.blocks.iter().find(|block| block.days.is_empty() || block.what.is_empty()) {
            Some(block) => Err(Wrong::Block(block.name.clone())),
            None => Ok(()),
        }
    }
}
