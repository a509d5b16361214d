//! A model's card: what a detector takes, what it gives, who made it, and how good it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decode::{Decoder, Layout, MOST_LABELS};
use crate::settings::LONGEST_NAME;

/// The longest card, in bytes: eighty labels with their figures take a tenth of it.
pub const LARGEST: usize = 64 * 1024;

/// The largest width or height of a model's input, in pixels.
pub const LARGEST_INPUT: usize = 2048;

/// What is known of a model. Written as TOML or JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What it is called.
    pub name: String,
    /// Which one of that name.
    pub version: String,
    /// Under which licence it may be used: an SPDX expression, or words.
    pub licence: String,
    /// How it was made.
    #[serde(default)]
    pub trained_by: String,
    /// BLAKE3 of the model's bytes, 64 hexadecimal digits.
    pub hash: String,
    /// What its labels are called, in the model's order.
    pub labels: Vec<String>,
    /// How it writes down what it found.
    pub output: Layout,
    /// What is less sure is left out, 0 to 1.
    #[serde(default = "score")]
    pub score: f32,
    /// Of two things with one label that overlap more than this, the surer one is kept, 0 to 1.
    #[serde(default = "overlap")]
    pub overlap: f32,
    /// What it takes.
    pub input: Input,
    /// How good it is on pictures that it was not trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
}

/// What a model takes: one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// The order of its dimensions.
    #[serde(default)]
    pub order: Order,
    /// What white is.
    #[serde(default)]
    pub values: Values,
    /// How a picture of other proportions is brought in.
    #[serde(default)]
    pub fit: Fit,
}

/// The order of a picture's dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// `1 × 3 × height × width`.
    #[default]
    Nchw,
    /// `1 × height × width × 3`.
    Nhwc,
}

/// What black and white are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Values {
    /// 0 to 1.
    #[default]
    Unit,
    /// 0 to 255.
    Byte,
}

/// How a picture of other proportions is brought in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Stretched.
    #[default]
    Stretch,
    /// With grey bars, as the YOLO family is trained.
    Letterbox,
}

/// Mean average precision, 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precision {
    /// mAP@0.5.
    pub half: f32,
    /// mAP@0.5:0.95.
    pub strict: f32,
    /// On what.
    #[serde(default)]
    pub judged_on: String,
    /// mAP@0.5 of each label.
    #[serde(default)]
    pub labels: BTreeMap<String, f32>,
}

/// Why a card cannot be used. Each says which part of it, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Invalid {
    /// Not a card.
    #[error("this is no card of a model: {0}")]
    Text(String),
    /// Too long.
    #[error("a card of {0} bytes, and {LARGEST} are possible")]
    TooLong(usize),
    /// A name that is missing or too long.
    #[error("the card's {0} has {1} characters; 1 to {LONGEST_NAME} are possible")]
    Name(&'static str, usize),
    /// No labels, or too many.
    #[error(
        "the card names {0} labels; 1 to {MOST_LABELS} are possible, in the order of the model's outputs"
    )]
    Labels(usize),
    /// Two labels of one name.
    #[error("the card names the label {0} twice; each needs a name of its own")]
    Twice(String),
    /// An input that no model has.
    #[error("the card says that the model takes {0} x {1} pixels; 8 to {LARGEST_INPUT} each are possible")]
    Input(usize, usize),
    /// A threshold that makes no sense.
    #[error("the card's {0} is {1}; it has to lie between 0 and 1")]
    Threshold(&'static str, f32),
    /// A hash that is none.
    #[error(
        "the card's hash is {0:?}: 64 hexadecimal digits are expected, the BLAKE3 hash of the model's bytes"
    )]
    Hash(String),
}

fn score() -> f32 {
    0.25
}

fn overlap() -> f32 {
    0.5
}

impl Card {
    /// Reads a card that was written as TOML, or as JSON where it begins with a brace, and checks it.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > LARGEST {
            return Err(Invalid::TooLong(text.len()));
        }
        let card: Self = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| Invalid::Text(error.to_string()))?
        } else {
            toml::from_str(text).map_err(|error| Invalid::Text(error.to_string()))?
        };
        card.check()?;
        Ok(card)
    }

    /// As TOML, which [`Self::parse`] reads.
    ///
    /// # Errors
    /// [`Invalid::Text`] where it cannot be written.
    pub fn to_toml(&self) -> Result<String, Invalid> {
        toml::to_string(self).map_err(|error| Invalid::Text(error.to_string()))
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        for (what, name) in [("name", &self.name), ("version", &self.version), ("licence", &self.licence)] {
            check_name(what, name)?;
        }
        if !(1..=MOST_LABELS).contains(&self.labels.len()) {
            return Err(Invalid::Labels(self.labels.len()));
        }
        let mut sorted: Vec<&String> = self.labels.iter().collect();
        sorted.sort_unstable();
        sorted.iter().try_for_each(|label| check_name("label", label))?;
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Invalid::Twice(pair[0].clone()));
        }
        let sizes = 8..=LARGEST_INPUT;
        if !sizes.contains(&self.input.width) || !sizes.contains(&self.input.height) {
            return Err(Invalid::Input(self.input.width, self.input.height));
        }
        for (what, value) in [("score", self.score), ("overlap", self.overlap)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Invalid::Threshold(what, value));
            }
        }
        if self.hash.len() != 64 || !self.hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Invalid::Hash(self.hash.clone()));
        }
        Ok(())
    }

    /// How the model's output is read.
    pub fn decoder(&self) -> Decoder {
        Decoder {
            layout: self.output,
            labels: self.labels.len(),
            input: (self.input.width, self.input.height),
            score: self.score,
            overlap: self.overlap,
        }
    }
}

impl Input {
    /// The shape of the model's input.
    pub fn shape(&self) -> [usize; 4] {
        match self.order {
            Order::Nchw => [1, 3, self.height, self.width],
            Order::Nhwc => [1, self.height, self.width, 3],
        }
    }
}

fn check_name(what: &'static str, name: &str) -> Result<(), Invalid> {
    let length = name.trim().chars().count();
    if (1..=LONGEST_NAME).contains(&length) { Ok(()) } else { Err(Invalid::Name(what, length)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = r#"
name = "door"
version = "3"
licence = "Apache-2.0"
hash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
labels = ["person", "trolley"]
output = "yolov8"

[input]
width = 320
height = 240
fit = "letterbox"
"#;

    #[test]
    fn a_card_is_read_as_toml_and_as_json() {
        let card = Card::parse(CARD).unwrap();
        assert_eq!((card.input.shape(), card.input.fit), ([1, 3, 240, 320], Fit::Letterbox));
        assert_eq!(card.decoder().labels, 2);
        assert_eq!(Card::parse(&card.to_toml().unwrap()).unwrap(), card);
        assert_eq!(Card::parse(&serde_json::to_string(&card).unwrap()).unwrap(), card);
    }

    #[test]
    fn what_is_wrong_with_a_card_is_said() {
        let with = |from: &str, to: &str| Card::parse(&CARD.replace(from, to)).unwrap_err();
        assert_eq!(with("\"trolley\"", "\"person\""), Invalid::Twice("person".into()));
        assert_eq!(with("[\"person\", \"trolley\"]", "[]"), Invalid::Labels(0));
        assert_eq!(with("width = 320", "width = 32000"), Invalid::Input(32000, 240));
        assert_eq!(with("\"door\"", "\" \""), Invalid::Name("name", 0));
        assert!(matches!(with("hash = \"00", "hash = \"zz"), Invalid::Hash(_)));
        assert!(matches!(with("[input]", "score = nan\n[input]"), Invalid::Threshold("score", _)));
        let sentence = with("yolov8", "yolov99").to_string();
        assert!(sentence.contains("yolov99") && sentence.contains("centre"), "{sentence}");
        assert!(with("licence", "colour").to_string().contains("colour"));
        assert_eq!(Card::parse(&" ".repeat(70_000)), Err(Invalid::TooLong(70_000)));
    }
}
