//! What a detector found in one picture.

use crate::geometry::Rect;

/// The index of a kind of thing among a model's labels.
pub type Label = u16;

/// One thing in one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Where it is.
    pub place: Rect,
    /// What it is.
    pub label: Label,
    /// How sure the detector is, 0 to 1.
    pub score: f32,
}

impl Detection {
    /// One with these edges (left, top, right, bottom in widths and heights of the picture), clipped to the picture.
    ///
    /// `None` where that leaves no area, where an edge is no number, or where the score is not from 0 to 1; what is above 1 by
    /// a thousandth, as arithmetic of 8 or 16 bits gives, counts as 1.
    pub fn clipped(edges: [f32; 4], label: Label, score: f32) -> Option<Self> {
        if !(0.0..=1.0 + 1e-3).contains(&score) || edges.iter().any(|edge| edge.is_nan()) {
            return None;
        }
        let [left, top, right, bottom] = edges.map(|edge| edge.clamp(0.0, 1.0));
        let place = Rect { left, top, right, bottom };
        (right > left && bottom > top).then_some(Self { place, label, score: score.min(1.0) })
    }
}
