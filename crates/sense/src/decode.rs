//! What the raw outputs of a detector mean: tensors of numbers in, detections out.
//!
//! Understands our own layout and those of the YOLO family as they are commonly exported to ONNX. Outputs come from models
//! that strangers bring: wrong shapes are refused, and numbers that are none (or make no place) are passed over.

use serde::{Deserialize, Serialize};

mod centre;
mod overlap;
mod yolo;

pub use overlap::suppress;

use crate::detection::{Detection, Label};

/// The most detections of one picture: the surest are kept.
pub const MOST: usize = 100;

/// The most candidates that are held against each other; the surest are. Bounds the work, which grows with its square.
pub const MOST_CANDIDATES: usize = 1000;

/// The most numbers in one output: eight times what a YOLO of 1280 x 1280 pixels with 80 labels gives.
pub const MOST_NUMBERS: usize = 25_000_000;

/// The most labels of a model.
pub const MOST_LABELS: usize = 1000;

/// How a model writes down what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Ours: `1 × (labels + 4) × rows × columns`. For each cell how sure it is that the middle of a thing of each label lies in
    /// it, 0 to 1, then how far the thing's left, upper, right and lower edges are from the cell's middle, in cells.
    Centre,
    /// `1 × places × (5 + labels)`: middle, width and height in pixels of the input, how sure it is that there is anything, and
    /// for each label how sure it would be that (`YOLOv5`, `YOLOv7`).
    Yolov5,
    /// `1 × (4 + labels) × places`: middle, width and height in pixels of the input, then how sure for each label (`YOLOv8`,
    /// `YOLOv9`, `YOLO11`, `YOLO12`).
    Yolov8,
    /// `1 × places × 6`: left, upper, right and lower edge in pixels of the input, how sure, and the label's number (`YOLOv10`,
    /// `YOLO26`, and others with suppression built in).
    Yolov10,
}

/// Numbers with their shape, the last dimension varying fastest.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// The length of each dimension.
    pub shape: &'a [usize],
    /// As many numbers as the product of those lengths.
    pub values: &'a [f32],
}

/// How the outputs of a certain model are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoder {
    /// How they are written.
    pub layout: Layout,
    /// How many labels the model knows, 1 to [`MOST_LABELS`].
    pub labels: usize,
    /// Width and height of the model's input, in pixels.
    pub input: (usize, usize),
    /// What is less sure is left out, 0 to 1.
    pub score: f32,
    /// Of two things with one label that overlap more than this (intersection over union), the surer one is kept.
    pub overlap: f32,
}

/// Why outputs cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// More or fewer outputs than one.
    #[error(
        "the model has {0} outputs and one is expected; export it with its detections as the only output"
    )]
    Outputs(usize),
    /// Another shape than the layout has.
    #[error(
        "the model's output has the shape {got:?}, and {wanted} is expected for {labels} labels in the layout `{layout}`; \
             check the card's labels and output"
    )]
    Shape {
        /// What it has.
        got: Vec<usize>,
        /// What it should have, in words.
        wanted: &'static str,
        /// Labels that the card names.
        labels: usize,
        /// The layout's name.
        layout: &'static str,
    },
    /// Shape and numbers do not belong together, or there are too many.
    #[error(
        "the model's output has {0} numbers, which is not what its shape says or more than {MOST_NUMBERS}"
    )]
    Numbers(usize),
}

impl Layout {
    /// Its name in cards.
    pub fn name(self) -> &'static str {
        match self {
            Self::Centre => "centre",
            Self::Yolov5 => "yolov5",
            Self::Yolov8 => "yolov8",
            Self::Yolov10 => "yolov10",
        }
    }

    /// Its shape in words.
    fn wanted(self) -> &'static str {
        match self {
            Self::Centre => "[1, labels + 4, rows, columns]",
            Self::Yolov5 => "[1, places, labels + 5]",
            Self::Yolov8 => "[1, labels + 4, places]",
            Self::Yolov10 => "[1, places, 6]",
        }
    }
}

impl Decoder {
    /// What was found, the surest first, [`MOST`] at most. Places are fractions of the input, clipped to it.
    ///
    /// # Errors
    /// Where the outputs are not such as the layout has them.
    pub fn decode(&self, outputs: &[Tensor<'_>]) -> Result<Vec<Detection>, Unfit> {
        let [output] = outputs else { return Err(Unfit::Outputs(outputs.len())) };
        self.check(output.shape)?;
        let count = output.shape.iter().try_fold(1_usize, |count, length| count.checked_mul(*length));
        if count != Some(output.values.len()) || output.values.len() > MOST_NUMBERS {
            return Err(Unfit::Numbers(output.values.len()));
        }
        let mut found = match self.layout {
            Layout::Centre => centre::read(self, output),
            Layout::Yolov5 | Layout::Yolov8 => yolo::read(self, output),
            Layout::Yolov10 => yolo::read_finished(self, output),
        };
        surest(&mut found, MOST_CANDIDATES);
        suppress(&mut found, self.overlap);
        found.truncate(MOST);
        Ok(found)
    }

    /// Whether a model whose output has this shape fits, before it has looked at anything.
    ///
    /// # Errors
    /// [`Unfit::Shape`].
    pub fn check(&self, shape: &[usize]) -> Result<(), Unfit> {
        let fits = match (self.layout, shape) {
            (Layout::Centre, [1, channels, _, _]) | (Layout::Yolov8, [1, channels, _]) => {
                *channels == self.labels + 4
            }
            (Layout::Yolov5, [1, _, channels]) => *channels == self.labels + 5,
            (Layout::Yolov10, [1, _, 6]) => true,
            _ => false,
        };
        if fits && (1..=MOST_LABELS).contains(&self.labels) && !shape.contains(&0) {
            return Ok(());
        }
        let (wanted, layout) = (self.layout.wanted(), self.layout.name());
        Err(Unfit::Shape { got: shape.to_vec(), wanted, labels: self.labels, layout })
    }

    /// A detection, if it is sure enough, its label is known, and its edges make a place within the picture.
    fn detection(&self, edges: [f32; 4], label: usize, score: f32) -> Option<Detection> {
        // Not the other way round: what is no number is not sure enough either.
        let sure = score >= self.score;
        if !sure || label >= self.labels {
            return None;
        }
        Detection::clipped(edges, Label::try_from(label).ok()?, score)
    }
}

/// Sorts from the surest to the least sure, and leaves so many.
fn surest(found: &mut Vec<Detection>, most: usize) {
    let order = |one: &Detection, other: &Detection| other.score.total_cmp(&one.score);
    if found.len() > most {
        found.select_nth_unstable_by(most, order);
        found.truncate(most);
    }
    found.sort_by(order);
}

#[cfg(test)]
mod tests;
