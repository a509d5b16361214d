//! The layouts of the YOLO family.

use super::{Decoder, Layout, Tensor};
use crate::detection::Detection;

/// `YOLOv5` and `YOLOv8`: middles and sizes in pixels, one certainty for each label. The shape has been checked.
pub(super) fn read(decoder: &Decoder, output: &Tensor<'_>) -> Vec<Detection> {
    let (places, channels, by_place) = match decoder.layout {
        Layout::Yolov5 => (output.shape[1], output.shape[2], true),
        _ => (output.shape[2], output.shape[1], false),
    };
    let at = |place: usize, channel: usize| {
        output.values[if by_place { place * channels + channel } else { channel * places + place }]
    };
    let first = channels - decoder.labels;
    let mut found = Vec::new();
    for place in 0..places {
        let anything = if by_place { at(place, 4) } else { 1.0 };
        if anything.is_nan() || anything < decoder.score {
            continue;
        }
        let mut best = (0, f32::NEG_INFINITY);
        for label in 0..decoder.labels {
            let score = at(place, first + label);
            if score > best.1 {
                best = (label, score);
            }
        }
        let score = best.1 * anything;
        if score.is_nan() || score < decoder.score {
            continue;
        }
        let [x, y, width, height] = [0, 1, 2, 3].map(|channel| at(place, channel));
        let edges = [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0];
        found.extend(decoder.detection(fractions(decoder, edges), best.0, score));
    }
    found
}

/// `YOLOv10`: edges, certainty and label, finished. The shape has been checked.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the number of labels"
)]
pub(super) fn read_finished(decoder: &Decoder, output: &Tensor<'_>) -> Vec<Detection> {
    let read = |row: &[f32]| {
        let &[left, top, right, bottom, score, label] = row else { return None };
        let known = label >= 0.0 && label < decoder.labels as f32;
        let label = known.then_some(label as usize)?;
        decoder.detection(fractions(decoder, [left, top, right, bottom]), label, score)
    };
    output.values.chunks_exact(6).filter_map(read).collect()
}

/// Edges in pixels as fractions of the input.
fn fractions(decoder: &Decoder, [left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
    let (width, height) = (decoder.input.0.max(1) as f32, decoder.input.1.max(1) as f32);
    [left / width, top / height, right / width, bottom / height]
}
