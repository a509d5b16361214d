//! A title's manifest: `titles/<id>/title.toml`.
//!
//! A mistake is a sentence that names the title, the line where there is one, and what is allowed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use playhouse_media::frame::Size;

use crate::control::Host;

/// Longest manifest: a long one has some 4 KB.
pub const MAX_LEN: usize = 64 << 10;

const DEFAULT_SIZE: Size = Size::new(1280, 720);
const DEFAULT_RATE: u32 = 60;
const DEFAULT_MEMORY_MIB: u32 = 2048;
const DEFAULT_PROCESSES: u32 = 256;

/// A day: long enough for anybody who plays, and a session that nobody ends does not stay for ever.
const DEFAULT_MINUTES: u32 = 24 * 60;

/// A title as its folder describes it; everything checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// The folder's name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// In one or two words, or empty.
    pub genre: String,
    /// Of its first release.
    pub year: Option<u16>,
    /// Where it comes from.
    pub homepage: Option<String>,
    /// SPDX expression, or empty where unknown.
    pub licence: String,
    /// How it draws.
    pub host: Host,
    /// Program and arguments; never empty.
    pub command: Vec<String>,
    /// Debian packages that it needs.
    pub packages: Vec<String>,
    /// Picture of a session.
    pub size: Size,
    /// Frames per second at most, 1 to 120.
    pub rate: u32,
    /// Seats for players, 1 to 4.
    pub seats: u8,
    /// What a player can do.
    pub controls: Vec<Control>,
    /// Folders and files within the home that hold progress.
    pub saves: Vec<String>,
    /// Whether it asks for the network.
    pub network: bool,
    /// Variables of its environment.
    pub env: BTreeMap<String, String>,
    /// What it may use.
    pub limits: Limits,
    /// How it uses the mouse.
    pub pointer: Pointer,
}

/// One thing that a player can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// "Jump".
    pub action: String,
    /// On the keyboard or mouse.
    #[serde(default)]
    pub keys: Vec<String>,
    /// On a gamepad.
    #[serde(default)]
    pub pad: Vec<String>,
}

/// What a game may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Memory in MiB, 64 to 65,536.
    pub memory_mib: u32,
    /// Processes and threads, 1 to 4,096.
    pub processes: u32,
    /// How long one session of it may last, in minutes, 1 to 10,080 (a week).
    pub minutes: u32,
}

/// How a game uses the mouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pointer {
    /// It points at things.
    #[default]
    Absolute,
    /// It turns a view: the page locks the pointer when the game does.
    Locked,
}

/// Why a text is not a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The folder's name cannot be an id.
    #[error("`{0}` cannot be a title's name: allowed are 1 to 40 lower-case letters, digits and dashes")]
    Id(String),
    /// The text is too long.
    #[error("title.toml of `{id}` has {len} bytes, allowed are {MAX_LEN}")]
    TooLong {
        /// The title.
        id: String,
        /// Bytes.
        len: usize,
    },
    /// The text is not TOML, or has a field that no manifest has.
    #[error("title.toml of `{id}`, line {line}: {message}")]
    Syntax {
        /// The title.
        id: String,
        /// From 1.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// A field is out of its range.
    #[error("title.toml of `{id}`, line {line}: `{field}` is {value}; {allowed}")]
    Value {
        /// The title.
        id: String,
        /// From 1.
        line: usize,
        /// The field.
        field: &'static str,
        /// What was written.
        value: String,
        /// What may be written.
        allowed: &'static str,
    },
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    summary: String,
    #[serde(default)]
    genre: String,
    year: Option<u16>,
    homepage: Option<String>,
    #[serde(default)]
    licence: String,
    host: Host,
    command: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
    width: Option<u32>,
    height: Option<u32>,
    rate: Option<u32>,
    seats: Option<u8>,
    #[serde(default)]
    controls: Vec<Control>,
    #[serde(default)]
    saves: Vec<String>,
    #[serde(default)]
    network: bool,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    pointer: Pointer,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    memory_mib: Option<u32>,
    processes: Option<u32>,
    minutes: Option<u32>,
}

impl Manifest {
    /// Reads the manifest of the title `id`.
    ///
    /// # Errors
    /// [`ManifestError`], whose text can be shown to the owner as it is.
    pub fn parse(id: &str, text: &str) -> Result<Self, ManifestError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || id.len() > 40 || !id.chars().all(plain) {
            return Err(ManifestError::Id(id.chars().take(80).collect()));
        }
        if text.len() > MAX_LEN {
            return Err(ManifestError::TooLong { id: id.to_owned(), len: text.len() });
        }
        let raw: Raw = toml::from_str(text).map_err(|error| ManifestError::Syntax {
            id: id.to_owned(),
            line: error
                .span()
                .map_or(1, |span| 1 + text.bytes().take(span.start).filter(|b| *b == b'\n').count()),
            message: error.message().to_owned(),
        })?;
        let manifest = Self {
            id: id.to_owned(),
            name: raw.name,
            summary: raw.summary,
            genre: raw.genre,
            year: raw.year,
            homepage: raw.homepage,
            licence: raw.licence,
            host: raw.host,
            command: raw.command,
            packages: raw.packages,
            size: Size::new(
                raw.width.unwrap_or(DEFAULT_SIZE.width),
                raw.height.unwrap_or(DEFAULT_SIZE.height),
            ),
            rate: raw.rate.unwrap_or(DEFAULT_RATE),
            seats: raw.seats.unwrap_or(1),
            controls: raw.controls,
            saves: raw.saves,
            network: raw.network,
            env: raw.env,
            limits: Limits {
                memory_mib: raw.limits.memory_mib.unwrap_or(DEFAULT_MEMORY_MIB),
                processes: raw.limits.processes.unwrap_or(DEFAULT_PROCESSES),
                minutes: raw.limits.minutes.unwrap_or(DEFAULT_MINUTES),
            },
            pointer: raw.pointer,
        };
        manifest.check(text)?;
        Ok(manifest)
    }

    fn check(&self, text: &str) -> Result<(), ManifestError> {
        let refuse = |field, value: String, allowed| {
            let value = value.chars().take(100).collect();
            Err(ManifestError::Value { id: self.id.clone(), line: line(text, field), field, value, allowed })
        };
        let quote = |text: &str| format!("`{text}`");
        if !(1..=80).contains(&self.name.trim().len()) {
            return refuse("name", quote(&self.name), "allowed are 1 to 80 characters");
        }
        if self.summary.len() > 400 {
            return refuse("summary", quote(&self.summary), "allowed are up to 400 characters");
        }
        if self.genre.len() > 40 {
            return refuse("genre", quote(&self.genre), "allowed are up to 40 characters");
        }
        if self.licence.len() > 200 {
            return refuse("licence", quote(&self.licence), "allowed are up to 200 characters");
        }
        if let Some(homepage) = &self.homepage
            && (homepage.len() > 400
                || !(homepage.starts_with("https://") || homepage.starts_with("http://")))
        {
            return refuse("homepage", quote(homepage), "write an address that begins with https://");
        }
        if self.command.first().is_none_or(String::is_empty) {
            return refuse("command", "empty".to_owned(), "write the program and its arguments");
        }
        if self.command.len() > 64 || self.command.iter().any(|part| part.len() > 4096 || part.contains('\0'))
        {
            return refuse("command", "too long".to_owned(), "allowed are 64 parts of 4096 characters");
        }
        if let Some(package) = self.packages.iter().find(|package| !is_package(package)) {
            return refuse("packages", quote(package), "write names of Debian packages");
        }
        let Size { width, height } = self.size;
        if !(320..=3840).contains(&width) || width % 2 != 0 {
            return refuse("width", width.to_string(), "allowed are even numbers from 320 to 3840");
        }
        if !(240..=2160).contains(&height) || height % 2 != 0 {
            return refuse("height", height.to_string(), "allowed are even numbers from 240 to 2160");
        }
        if !(1..=120).contains(&self.rate) {
            return refuse("rate", self.rate.to_string(), "allowed are 1 to 120");
        }
        if !(1..=4).contains(&self.seats) {
            return refuse("seats", self.seats.to_string(), "allowed are 1 to 4");
        }
        if self.controls.len() > 40 {
            return refuse("controls", self.controls.len().to_string(), "allowed are up to 40");
        }
        if let Some(save) = self.saves.iter().find(|save| !is_inside(save)) {
            return refuse("saves", quote(save), "write paths within the home, without `..`");
        }
        if let Some(name) = self.env.keys().find(|name| !is_variable(name)) {
            return refuse("env", quote(name), "names have letters, digits and underscores, no digit first");
        }
        if self.env.values().any(|value| value.len() > 4096 || value.contains('\0')) {
            return refuse("env", "too long".to_owned(), "allowed are values of 4096 characters");
        }
        if !(64..=65_536).contains(&self.limits.memory_mib) {
            let value = self.limits.memory_mib.to_string();
            return refuse("limits.memory_mib", value, "allowed are 64 to 65536");
        }
        if !(1..=4096).contains(&self.limits.processes) {
            return refuse("limits.processes", self.limits.processes.to_string(), "allowed are 1 to 4096");
        }
        if !(1..=10_080).contains(&self.limits.minutes) {
            return refuse("limits.minutes", self.limits.minutes.to_string(), "allowed are 1 to 10080");
        }
        Ok(())
    }
}

/// The line that speaks of a field, counted from 1.
fn line(text: &str, field: &str) -> usize {
    let name = field.rsplit('.').next().unwrap_or(field);
    let begins = |line: &str| line.trim_start().trim_start_matches(['[', '"']).starts_with(name);
    let found = text.lines().position(begins).or_else(|| text.lines().position(|line| line.contains(name)));
    found.map_or(1, |index| index + 1)
}

/// Debian policy, section 5.6.1.
fn is_package(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    (2..=100).contains(&name.len())
        && name.chars().all(plain)
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
}

fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 400
        && !path.starts_with('/')
        && !path.contains('\0')
        && path.split('/').all(|part| part != ".." && part != ".")
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALLEST: &str = "name = \"A\"\nsummary = \"B.\"\nhost = \"x11\"\ncommand = [\"a\"]\n";

    #[test]
    fn the_smallest_manifest_has_sensible_defaults() {
        let manifest = Manifest::parse("a-game", SMALLEST).unwrap();
        assert_eq!((manifest.size, manifest.rate, manifest.seats), (Size::new(1280, 720), 60, 1));
        assert!(!manifest.network);
    }

    fn complaint(line: &str) -> String {
        Manifest::parse("a-game", &format!("{SMALLEST}{line}\n")).unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_a_sentence_that_says_where_and_what() {
        assert_eq!(
            complaint("# a comment\nrate = 500"),
            "title.toml of `a-game`, line 6: `rate` is 500; allowed are 1 to 120"
        );
        assert!(complaint("limits = { memory_mib = 1 }").contains("line 5: `limits.memory_mib` is 1;"));
        assert!(
            complaint("limits = { minutes = 0 }").contains("line 5: `limits.minutes` is 0; allowed are 1 to")
        );
        assert!(complaint("raet = 50").starts_with("title.toml of `a-game`, line 5: unknown field `raet`"));
        assert!(complaint("saves = [\"../etc\"]").contains("`../etc`; write paths within the home"));
        assert!(complaint("packages = [\"a b\"]").contains("names of Debian packages"));
        assert!(complaint("[env]\n\"A=B\" = \"c\"").contains("`env` is `A=B`"));
        assert!(complaint("[limits]\nmemory_mib = 1").contains("limits.memory_mib"));
    }

    #[test]
    fn a_folder_with_a_strange_name_is_refused() {
        for id in ["", "..", "A", "a b", &"a".repeat(41)] {
            assert!(matches!(Manifest::parse(id, SMALLEST), Err(ManifestError::Id(_))), "{id}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,400}") {
            drop(Manifest::parse("a", &text));
        }

        #[test]
        fn no_value_gets_past_the_limits(width in 0..9000_u32, rate in 0..500_u32, seats in 0..9_u8) {
            let text = format!("{SMALLEST}width = {width}\nrate = {rate}\nseats = {seats}\n");
            if let Ok(manifest) = Manifest::parse("a", &text) {
                prop_assert!((320..=3840).contains(&manifest.size.width));
                prop_assert!((1..=120).contains(&manifest.rate) && (1..=4).contains(&manifest.seats));
            }
        }
    }
}
