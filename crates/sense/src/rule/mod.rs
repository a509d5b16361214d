//! Rules: when something is seen, something is done.
//!
//! A rule is data; [`Engine`] holds it against what sensors tell, by the time at which things happened. So a rule can be
//! tried on what was recorded before it goes live ([`dry_run`]): it is the same code that decides.

mod condition;
mod engine;
mod hours;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::engine::{Engine, Firing, MOST_STATES, STALE, dry_run};
pub use self::hours::{DAY, Hours};

use crate::observation::Direction;

/// The most rules of a hub.
pub const MOST_RULES: usize = 256;

/// The most things that one rule does, and the most sensors that it names.
pub const MOST_PARTS: usize = 32;

/// The longest time that a rule waits for or looks back, in seconds: a day.
pub const LONGEST: u32 = 24 * 60 * 60;

/// The most crossings that a rule waits for.
pub const MOST_CROSSINGS: u32 = 1000;

/// The longest text in a rule, in characters.
const LONGEST_TEXT: usize = 500;

/// When something is seen, something is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub on: bool,
    /// The sensors that it is about, by id; none: all of them.
    #[serde(default)]
    pub sensors: Vec<String>,
    /// What has to be seen.
    pub when: When,
    /// What is done then.
    pub then: Vec<Then>,
    /// When it keeps quiet. What is so still when that is over is told then.
    #[serde(default)]
    pub quiet: Vec<Hours>,
    /// For how long it does nothing more for a sensor once it did something, in seconds.
    #[serde(default)]
    pub cooldown_s: u32,
}

fn yes() -> bool {
    true
}

/// What has to be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum When {
    /// More than so many are in a zone, or fewer.
    Count {
        /// The zone.
        zone: u16,
        /// Over or under which number.
        level: Level,
        /// For so long.
        #[serde(default)]
        for_s: u32,
    },
    /// A line is crossed so often within a time.
    Crossings {
        /// The line.
        line: u16,
        /// Which way; `None`: either.
        #[serde(default)]
        direction: Option<Direction>,
        /// How often.
        count: u32,
        /// Within so many seconds.
        within_s: u32,
    },
    /// Something stays in a zone for so long.
    Dwell {
        /// The zone.
        zone: u16,
        /// How long.
        for_s: u32,
    },
    /// Nothing is in a zone, or crosses a line, for so long.
    Absence {
        /// The zone.
        #[serde(default)]
        zone: Option<u16>,
        /// The line.
        #[serde(default)]
        line: Option<u16>,
        /// How long.
        for_s: u32,
    },
    /// It is that time.
    Schedule {
        /// On which days, Monday first.
        days: [bool; 7],
        /// At which minute of the day, 0 to 1439.
        minute: u16,
    },
    /// An app says something, or a figure that is over or under a number.
    App {
        /// The app.
        app: String,
        /// What it says.
        name: String,
        /// Over or under which number; `None`: each time that it says so.
        #[serde(default)]
        level: Option<Level>,
    },
}

/// A number that is passed, and how far it has to go back before that counts again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// More than.
    Over(Limit),
    /// Less than.
    Under(Limit),
}

/// See [`Level`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The number.
    pub limit: f64,
    /// How far back: so much below what was passed upwards, or above what was passed downwards.
    #[serde(default)]
    pub slack: f64,
}

impl Level {
    /// Whether a figure is past the limit; `None`: past where it began, but not back.
    fn is_past(self, figure: f64) -> Option<bool> {
        let (past, back) = match self {
            Self::Over(Limit { limit, slack }) => (figure > limit, figure <= limit - slack),
            Self::Under(Limit { limit, slack }) => (figure < limit, figure >= limit + slack),
        };
        if past || back { Some(past) } else { None }
    }

    fn limit(self) -> Limit {
        match self {
            Self::Over(limit) | Self::Under(limit) => limit,
        }
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub enum Then {
    /// A page says so.
    Notice {
        /// What it says; empty: what was seen.
        #[serde(default)]
        text: String,
    },
    /// An address is called by `POST`.
    Webhook {
        /// The address.
        url: String,
    },
    /// It is published by MQTT.
    Mqtt {
        /// The topic.
        topic: String,
    },
    /// The sensor is asked for a clip.
    Clip {
        /// How long, in seconds.
        seconds: u16,
    },
}

/// Why a rule cannot be. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// No name, or a long one.
    #[error("a rule needs a name of 1 to {} characters", crate::settings::LONGEST_NAME)]
    Name,
    /// Nothing is done, or too much.
    #[error("a rule does 1 to {MOST_PARTS} things; this one does {0}")]
    Then(usize),
    /// Too many sensors or quiet times.
    #[error(
        "a rule names {MOST_PARTS} sensors and quiet times at most; leave the sensors out to mean all of them"
    )]
    Parts,
    /// A time that is none.
    #[error("{0} is no time here: 1 second to {LONGEST} (a day) is possible")]
    Seconds(u32),
    /// Times of a day that are none.
    #[error("the times of a day go from minute 0 to minute {DAY}")]
    Hours,
    /// Too many crossings, or none.
    #[error("{0} crossings; 1 to {MOST_CROSSINGS} are possible")]
    Crossings(u32),
    /// An absence of what?
    #[error("an absence is one from a zone or from a line: name one of the two")]
    Absence,
    /// A number that is none.
    #[error("a limit is a number, and its slack is not negative")]
    Level,
    /// A text that is missing or too long.
    #[error("{0} has 1 to {LONGEST_TEXT} characters")]
    Text(&'static str),
    /// An address that is none.
    #[error("{0} is no address: it begins with http:// or https://")]
    Address(String),
    /// A topic for subscribers only.
    #[error("{0} is no topic to publish to: it has no + and no #")]
    Topic(String),
}

impl Rule {
    /// Whether it can be.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        let named = 1..=crate::settings::LONGEST_NAME;
        if !named.contains(&self.name.trim().chars().count()) {
            return Err(Invalid::Name);
        }
        if !(1..=MOST_PARTS).contains(&self.then.len()) {
            return Err(Invalid::Then(self.then.len()));
        }
        if self.sensors.len() > MOST_PARTS || self.quiet.len() > MOST_PARTS {
            return Err(Invalid::Parts);
        }
        if !self.quiet.iter().all(Hours::is_sane) {
            return Err(Invalid::Hours);
        }
        if self.cooldown_s > LONGEST {
            return Err(Invalid::Seconds(self.cooldown_s));
        }
        self.when.check()?;
        self.then.iter().try_for_each(Then::check)
    }

    /// Whether it is about this sensor.
    pub fn is_about(&self, sensor: &str) -> bool {
        self.sensors.is_empty() || self.sensors.iter().any(|known| known == sensor)
    }
}

impl When {
    fn check(&self) -> Result<(), Invalid> {
        let time = |seconds: u32| {
            if (1..=LONGEST).contains(&seconds) { Ok(()) } else { Err(Invalid::Seconds(seconds)) }
        };
        match self {
            Self::Count { level, for_s, .. } => {
                if *for_s > LONGEST {
                    return Err(Invalid::Seconds(*for_s));
                }
                level.check()
            }
            Self::Crossings { count, within_s, .. } => {
                if !(1..=MOST_CROSSINGS).contains(count) {
                    return Err(Invalid::Crossings(*count));
                }
                time(*within_s)
            }
            Self::Dwell { for_s, .. } => time(*for_s),
            Self::Absence { zone, line, for_s } => {
                if zone.is_some() == line.is_some() {
                    return Err(Invalid::Absence);
                }
                time(*for_s)
            }
            Self::Schedule { minute, .. } => {
                if *minute < DAY {
                    Ok(())
                } else {
                    Err(Invalid::Hours)
                }
            }
            Self::App { app, name, level } => {
                text("an app's name", app)?;
                text("what an app says", name)?;
                level.map_or(Ok(()), Level::check)
            }
        }
    }
}

impl Level {
    fn check(self) -> Result<(), Invalid> {
        let Limit { limit, slack } = self.limit();
        if limit.is_finite() && slack.is_finite() && slack >= 0.0 { Ok(()) } else { Err(Invalid::Level) }
    }
}

impl Then {
    fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::Notice { text } if text.chars().count() > LONGEST_TEXT => Err(Invalid::Text("a notice")),
            Self::Notice { .. } => Ok(()),
            Self::Webhook { url } => {
                text("an address", url)?;
                let is_web = url.starts_with("http://") || url.starts_with("https://");
                if is_web { Ok(()) } else { Err(Invalid::Address(url.clone())) }
            }
            Self::Mqtt { topic } => {
                text("a topic", topic)?;
                if topic.contains(['+', '#', '\0']) { Err(Invalid::Topic(topic.clone())) } else { Ok(()) }
            }
            Self::Clip { seconds } => {
                if (1..=600).contains(seconds) {
                    Ok(())
                } else {
                    Err(Invalid::Seconds(u32::from(*seconds)))
                }
            }
        }
    }
}

fn text(what: &'static str, text: &str) -> Result<(), Invalid> {
    if (1..=LONGEST_TEXT).contains(&text.chars().count()) { Ok(()) } else { Err(Invalid::Text(what)) }
}
