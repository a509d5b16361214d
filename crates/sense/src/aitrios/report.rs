//! The message in which an app's metadata comes: JSON with device, model, and what was found at which times.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Error, Size};
use crate::detection::Detection;
use crate::observation::LARGEST_BATCH;

/// The most bytes of a report: what the broker takes in one message.
pub const LARGEST_REPORT: usize = LARGEST_BATCH;

/// The most inferences in one report: what the console of AITRIOS lets an app put into a message.
pub const MOST_INFERENCES: usize = 100;

/// The most bytes of a device's or a model's name.
pub const LONGEST_NAME: usize = 128;

/// What a device tells in one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What the device calls itself. Nobody vouches for it.
    pub device: String,
    /// What it calls the network that looked.
    pub model: String,
    /// Whether it keeps or sends pictures beside this.
    pub image: bool,
    /// What was found, picture by picture.
    pub inferences: Vec<Inference>,
}

/// What was found in one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Inference {
    /// When: milliseconds since 1970 by the device's own clock.
    pub at: u64,
    /// What.
    pub found: Vec<Detection>,
}

/// Why bytes are no report, or why one cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Too long.
    #[error(
        "a report of {0} bytes, and {LARGEST_REPORT} are taken; have the app send fewer inferences in a message"
    )]
    TooLarge(usize),
    /// Not JSON, or not with these members.
    #[error("a report has to be JSON with DeviceID, ModelID and Inferences with T and O")]
    Json(#[source] serde_json::Error),
    /// A name that is too long.
    #[error("{0} has {1} bytes, and {LONGEST_NAME} are taken")]
    Name(&'static str, usize),
    /// Too many inferences.
    #[error(
        "a report of {0} inferences, and {MOST_INFERENCES} are taken; have the app send fewer in a message"
    )]
    TooMany(usize),
    /// A time that is none.
    #[error("T of inference {0} is no time: 17 digits are expected, yyyyMMddHHmmssfff in UTC, from 1970 on")]
    Time(usize),
    /// Not base64.
    #[error("O of inference {0} is not base64; other formats of metadata are not understood")]
    Base64(usize, #[source] base64::DecodeError),
    /// Not metadata of detected objects.
    #[error("O of inference {0} cannot be read: {1}")]
    Metadata(usize, Error),
}

#[derive(Serialize, Deserialize)]
struct Message {
    #[serde(rename = "DeviceID")]
    device: String,
    #[serde(rename = "ModelID")]
    model: String,
    #[serde(rename = "Image", default)]
    image: bool,
    #[serde(rename = "Inferences")]
    inferences: Vec<Encoded>,
}

#[derive(Serialize, Deserialize)]
struct Encoded {
    #[serde(rename = "T")]
    time: String,
    #[serde(rename = "O")]
    metadata: String,
}

impl Report {
    /// What a device with a network whose input has `size` told. Members that are not known are passed over.
    ///
    /// # Errors
    /// What is wrong with the bytes; one inference that cannot be read refuses the whole report.
    pub fn read(bytes: &[u8], size: Size) -> Result<Self, Refused> {
        if bytes.len() > LARGEST_REPORT {
            return Err(Refused::TooLarge(bytes.len()));
        }
        let Message { device, model, image, inferences } =
            serde_json::from_slice(bytes).map_err(Refused::Json)?;
        check(&device, &model, inferences.len())?;
        let inferences = inferences
            .iter()
            .enumerate()
            .map(|(index, one)| {
                let at = read_time(&one.time).ok_or(Refused::Time(index))?;
                let metadata =
                    STANDARD.decode(&one.metadata).map_err(|error| Refused::Base64(index, error))?;
                let found = super::read(&metadata, size).map_err(|error| Refused::Metadata(index, error))?;
                Ok(Inference { at, found })
            })
            .collect::<Result<_, Refused>>()?;
        Ok(Self { device, model, image, inferences })
    }

    /// As such a device would tell it. Places are rounded to pixels ([`super::write`]).
    ///
    /// # Errors
    /// Where it is more than a report may have, or a time is not before the end of the year 9999.
    pub fn write(&self, size: Size) -> Result<Vec<u8>, Refused> {
        check(&self.device, &self.model, self.inferences.len())?;
        let inferences = self
            .inferences
            .iter()
            .enumerate()
            .map(|(index, one)| {
                let time = write_time(one.at).ok_or(Refused::Time(index))?;
                Ok(Encoded { time, metadata: STANDARD.encode(super::write(&one.found, size)) })
            })
            .collect::<Result<_, Refused>>()?;
        let (device, model, image) = (self.device.clone(), self.model.clone(), self.image);
        let bytes =
            serde_json::to_vec(&Message { device, model, image, inferences }).map_err(Refused::Json)?;
        if bytes.len() > LARGEST_REPORT { Err(Refused::TooLarge(bytes.len())) } else { Ok(bytes) }
    }
}

fn check(device: &str, model: &str, inferences: usize) -> Result<(), Refused> {
    for (member, name) in [("DeviceID", device), ("ModelID", model)] {
        if name.len() > LONGEST_NAME {
            return Err(Refused::Name(member, name.len()));
        }
    }
    if inferences > MOST_INFERENCES { Err(Refused::TooMany(inferences)) } else { Ok(()) }
}

/// `yyyyMMddHHmmssfff` in UTC, as milliseconds since 1970.
fn read_time(text: &str) -> Option<u64> {
    if text.len() != 17 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize| i8::try_from(part(from, from + 2)?).ok();
    let nanoseconds = i32::from(part(14, 17)?) * 1_000_000;
    let time =
        DateTime::new(part(0, 4)?, small(4)?, small(6)?, small(8)?, small(10)?, small(12)?, nanoseconds)
            .ok()?;
    let time = TimeZone::UTC.to_timestamp(time).ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

fn write_time(at: u64) -> Option<String> {
    let time = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(i64::try_from(at).ok()?).ok()?);
    let (date, time) = (time.date(), time.time());
    Some(format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{:03}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    ))
}
