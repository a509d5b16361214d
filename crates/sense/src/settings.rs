//! What a sensor is told to do: its lines, zones, model and thresholds. The desired half of its twin.

use serde::{Deserialize, Serialize};

use crate::geometry::Point;

/// The most lines, and the most zones, of a sensor.
pub const MOST_AREAS: usize = 32;

/// The most corners of a zone.
pub const MOST_CORNERS: usize = 32;

/// The longest name of a line, a zone or a model, in characters.
pub const LONGEST_NAME: usize = 60;

/// The most pixels of a network's input, each way.
pub const LARGEST_INPUT: u16 = 8192;

/// The most apps of a sensor: each takes a part of its time and memory.
pub const MOST_APPS: usize = 8;

/// What a sensor is told to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Lines whose crossings are told.
    pub lines: Vec<Line>,
    /// Zones in which things are counted.
    pub zones: Vec<Zone>,
    /// The model that looks; `None`: the one that came with the agent.
    pub model: Option<ModelRef>,
    /// From which score on something is followed, 0 to 1. Below it, nothing is begun.
    pub low: f32,
    /// From which score on something is believed without asking, 0 to 1. At least `low`.
    pub high: f32,
    /// Pictures a second that are looked at, at most; 1 to 60.
    pub rate: f32,
    /// Whether the detector is spared where nothing moves.
    pub gate: bool,
    /// Apps that run on the sensor.
    pub apps: Vec<AppRef>,
    /// The input of the network that looks, for devices that tell places in its pixels ([`crate::aitrios`]); `None`: as
    /// with [`InputSize::default`]. Nobody else asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_size: Option<InputSize>,
    /// Whether crops of tracks of which the sensor is unsure may be sent to the house's larger model. Not told where it is
    /// not so, since agents before it do not know the word.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub crops: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            zones: Vec::new(),
            model: None,
            // With the detector that comes with the agent, 0.3 follows ghosts: half as many crossings again as there were.
            low: 0.45,
            high: 0.6,
            rate: 15.0,
            gate: true,
            apps: Vec::new(),
            input_size: None,
            crops: false,
        }
    }
}

/// Width and height of a network's input, in pixels, 2 to [`LARGEST_INPUT`] each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSize {
    /// Its width.
    pub width: u16,
    /// Its height.
    pub height: u16,
}

impl Default for InputSize {
    /// That of the detector in the public examples of AITRIOS.
    fn default() -> Self {
        Self { width: 300, height: 300 }
    }
}

/// A directed line. Going from its left side (seen from `from` towards `to`) to its right side is *in*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number, unique among the lines.
    pub id: u16,
    /// What people call it.
    pub name: String,
    /// Where it begins.
    pub from: Point,
    /// Where it ends.
    pub to: Point,
}

/// A part of the picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Its number, unique among the zones.
    pub id: u16,
    /// What people call it.
    pub name: String,
    /// Its corners in order, three at least; it may be concave but does not cross itself.
    pub corners: Vec<Point>,
    /// After how long in it a stay is told of, in milliseconds; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dwell_ms: Option<u32>,
}

/// A model of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRef {
    /// Its name.
    pub name: String,
    /// Its bytes' BLAKE3 hash, 64 hexadecimal digits.
    pub hash: String,
}

/// An app of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppRef {
    /// Its name.
    pub name: String,
    /// Its bytes' BLAKE3 hash, 64 hexadecimal digits.
    pub hash: String,
}

/// Why settings cannot be followed. Each says which part of them, and what to do.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Invalid {
    /// A point outside the picture.
    #[error("{0} lies outside the picture: each of its points has to be between 0 and 1 both ways")]
    Outside(String),
    /// Two with one number.
    #[error("two {0} have the number {1}; each needs one of its own")]
    Twice(&'static str, u16),
    /// Too many.
    #[error("{0} {1}, and a sensor has {MOST_AREAS} at most")]
    TooMany(usize, &'static str),
    /// A zone without an inside.
    #[error("the zone {0} has {1} corners; it needs 3 to {MOST_CORNERS}")]
    Corners(String, usize),
    /// A zone whose edges cross.
    #[error("the edges of the zone {0} cross each other; draw it again without crossing")]
    Crosses(String),
    /// A line without a length.
    #[error("the line {0} begins where it ends; drag its two ends apart")]
    NoLength(String),
    /// A name that is missing or too long.
    #[error("a name of {0} characters; 1 to {LONGEST_NAME} are possible")]
    Name(usize),
    /// Thresholds that make no sense.
    #[error("the thresholds {0} and {1} do not fit: both lie between 0 and 1, and the lower one first")]
    Thresholds(f32, f32),
    /// A rate that makes no sense.
    #[error("{0} pictures a second; 1 to 60 are possible")]
    Rate(f32),
    /// An input that no network has.
    #[error("an input of {0} × {1} pixels; 2 to {LARGEST_INPUT} each way are possible")]
    InputSize(u16, u16),
    /// Too many apps.
    #[error("{0} apps, and a sensor has {MOST_APPS} at most")]
    Apps(usize),
    /// Two apps of one name.
    #[error("two apps are called {0}; each needs a name of its own")]
    Same(String),
    /// A hash that is none.
    #[error("{0} is no hash: 64 hexadecimal digits are expected")]
    Hash(String),
}

impl Settings {
    /// Whether they can be followed.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn check(&self) -> Result<(), Invalid> {
        if !(0.0..=1.0).contains(&self.low) || !(self.low..=1.0).contains(&self.high) {
            return Err(Invalid::Thresholds(self.low, self.high));
        }
        if !(1.0..=60.0).contains(&self.rate) {
            return Err(Invalid::Rate(self.rate));
        }
        if let Some(InputSize { width, height }) = self.input_size
            && ![width, height].iter().all(|pixels| (2..=LARGEST_INPUT).contains(pixels))
        {
            return Err(Invalid::InputSize(width, height));
        }
        check_numbers("lines", self.lines.iter().map(|line| line.id))?;
        check_numbers("zones", self.zones.iter().map(|zone| zone.id))?;
        self.lines.iter().try_for_each(Line::check)?;
        self.zones.iter().try_for_each(Zone::check)?;
        let models = self.model.iter().map(|model| (&model.name, &model.hash));
        for (name, hash) in models.chain(self.apps.iter().map(|app| (&app.name, &app.hash))) {
            check_name(name)?;
            if hash.len() != 64 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(Invalid::Hash(hash.clone()));
            }
        }
        if self.apps.len() > MOST_APPS {
            return Err(Invalid::Apps(self.apps.len()));
        }
        for (at, app) in self.apps.iter().enumerate() {
            if self.apps[..at].iter().any(|before| before.name == app.name) {
                return Err(Invalid::Same(app.name.clone()));
            }
        }
        Ok(())
    }
}

impl Line {
    fn check(&self) -> Result<(), Invalid> {
        check_name(&self.name)?;
        check_inside(&self.name, &[self.from, self.to])?;
        if self.from == self.to { Err(Invalid::NoLength(self.name.clone())) } else { Ok(()) }
    }
}

impl Zone {
    fn check(&self) -> Result<(), Invalid> {
        check_name(&self.name)?;
        let count = self.corners.len();
        if !(3..=MOST_CORNERS).contains(&count) {
            return Err(Invalid::Corners(self.name.clone(), count));
        }
        check_inside(&self.name, &self.corners)?;
        let edge = |n: usize| (self.corners[n], self.corners[(n + 1) % count]);
        let apart = |a: usize, b: usize| a.abs_diff(b) > 1 && a.abs_diff(b) < count - 1;
        let pairs = (0..count).flat_map(|a| (0..a).map(move |b| (a, b)));
        if pairs.filter(|&(a, b)| apart(a, b)).any(|(a, b)| cross(edge(a), edge(b))) {
            return Err(Invalid::Crosses(self.name.clone()));
        }
        Ok(())
    }
}

/// Twice the signed area of the triangle: positive where `c` lies to the right of the way from `a` to `b` (y points down).
pub(crate) fn side(a: Point, b: Point, c: Point) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// Whether two segments cross at an inner point of both.
pub(crate) fn cross(one: (Point, Point), other: (Point, Point)) -> bool {
    side(one.0, one.1, other.0) * side(one.0, one.1, other.1) < 0.0
        && side(other.0, other.1, one.0) * side(other.0, other.1, one.1) < 0.0
}

fn check_name(name: &str) -> Result<(), Invalid> {
    let length = name.trim().chars().count();
    if (1..=LONGEST_NAME).contains(&length) { Ok(()) } else { Err(Invalid::Name(length)) }
}

fn check_inside(name: &str, points: &[Point]) -> Result<(), Invalid> {
    let inside = |point: &Point| (0.0..=1.0).contains(&point.x) && (0.0..=1.0).contains(&point.y);
    if points.iter().all(inside) { Ok(()) } else { Err(Invalid::Outside(name.to_owned())) }
}

fn check_numbers(what: &'static str, numbers: impl Iterator<Item = u16>) -> Result<(), Invalid> {
    let mut numbers: Vec<u16> = numbers.collect();
    if numbers.len() > MOST_AREAS {
        return Err(Invalid::TooMany(numbers.len(), what));
    }
    numbers.sort_unstable();
    match numbers.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Invalid::Twice(what, pair[0])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(corners: &[(f32, f32)]) -> Settings {
        let corners = corners.iter().map(|&(x, y)| Point { x, y }).collect();
        Settings {
            zones: vec![Zone { id: 1, name: "door".into(), corners, dwell_ms: None }],
            ..Settings::default()
        }
    }

    #[test]
    fn what_comes_with_the_agent_is_valid() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn an_agent_of_another_time_is_told_of_crops_only_where_they_are_wanted() {
        let told = |crops| serde_json::to_string(&Settings { crops, ..Settings::default() }).unwrap();
        assert!(!told(false).contains("crops"));
        let read: Settings = serde_json::from_str(&told(true)).unwrap();
        assert!(read.crops && !Settings::default().crops);
    }

    #[test]
    fn a_zone_outside_the_picture_is_named() {
        let error = zone(&[(0.1, 0.1), (1.2, 0.1), (0.5, 0.9)]).check().unwrap_err();
        assert_eq!(error, Invalid::Outside("door".into()));
    }

    #[test]
    fn a_zone_that_crosses_itself_is_refused() {
        let error = zone(&[(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)]).check().unwrap_err();
        assert_eq!(error, Invalid::Crosses("door".into()));
        assert_eq!(zone(&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)]).check(), Ok(()));
    }

    #[test]
    fn an_input_without_pixels_is_refused() {
        let with = |width, height| {
            let input_size = Some(InputSize { width, height });
            Settings { input_size, ..Settings::default() }.check()
        };
        assert_eq!((with(300, 300), with(2, LARGEST_INPUT)), (Ok(()), Ok(())));
        assert_eq!(with(300, 1), Err(Invalid::InputSize(300, 1)));
        assert_eq!(with(LARGEST_INPUT + 1, 300), Err(Invalid::InputSize(LARGEST_INPUT + 1, 300)));
    }

    #[test]
    fn apps_are_few_and_have_names_of_their_own() {
        let with = |names: &[&str]| {
            let app = |name: &&str| AppRef { name: (*name).into(), hash: "0".repeat(64) };
            Settings { apps: names.iter().map(app).collect(), ..Settings::default() }.check()
        };
        assert_eq!(with(&["queue", "bags"]), Ok(()));
        assert_eq!(with(&["queue", "bags", "queue"]), Err(Invalid::Same("queue".into())));
        assert_eq!(with(&["a", "b", "c", "d", "e", "f", "g", "h", "i"]), Err(Invalid::Apps(9)));
    }

    #[test]
    fn numbers_that_are_no_numbers_are_refused() {
        assert!(matches!(zone(&[(f32::NAN, 0.1), (0.9, 0.1), (0.9, 0.9)]).check(), Err(Invalid::Outside(_))));
        let settings = Settings { low: f32::NAN, ..Settings::default() };
        assert!(matches!(settings.check(), Err(Invalid::Thresholds(..))));
    }
}
