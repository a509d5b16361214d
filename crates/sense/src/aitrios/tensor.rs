//! The output tensor of a detector on an IMX500 whose network ends with its own suppression (SSD).
//!
//! For `n` places it has `6 × n + 1` numbers, `f32`, little-endian: `n` upper edges, `n` left ones, `n` lower ones, `n` right
//! ones, in heights and widths of the input; then `n` classes, `n` scores, and how many of the places are filled. So do the
//! samples of the SDK (`post_process/objectdetection`) read it.

use super::MOST;
use crate::detection::{Detection, Label};
use crate::geometry::Rect;

/// Numbers for each place.
const EACH: usize = 6;

/// Why a tensor cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// Another length than any count of places has.
    #[error(
        "the output tensor has {0} bytes, which is not 4 for each of 6 × n + 1 numbers with n from 1 to {MOST}; only detectors \
         with suppression of their own are understood"
    )]
    Length(usize),
    /// The number of filled places is none.
    #[error("the output tensor says that {0} of its places are filled")]
    Count(f32),
    /// More detections than places.
    #[error("{found} detections do not fit into an output tensor with {places} places")]
    Places {
        /// Detections.
        found: usize,
        /// Places.
        places: usize,
    },
}

/// What the tensor says was found, in its order, clipped to the picture.
///
/// A count above the number of places means all of them. Count and classes are rounded: the chip reckons with 8 bits. What
/// has numbers that make no detection ([`Detection::clipped`]), or a class that is no label, is passed over.
///
/// # Errors
/// [`Unfit::Length`], [`Unfit::Count`].
pub fn read(bytes: &[u8]) -> Result<Vec<Detection>, Unfit> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    let places = numbers.len().saturating_sub(1) / EACH;
    if !rest.is_empty() || numbers.len() != EACH * places + 1 || !(1..=MOST).contains(&places) {
        return Err(Unfit::Length(bytes.len()));
    }
    let at = |column: usize, place: usize| f32::from_le_bytes(numbers[column * places + place]);
    let count = at(EACH, 0);
    let filled = whole(count).ok_or(Unfit::Count(count))?;
    Ok((0..places.min(filled))
        .filter_map(|place| {
            let [top, left, bottom, right, class, score] = std::array::from_fn(|column| at(column, place));
            let label = Label::try_from(whole(class)?).ok()?;
            Detection::clipped([left, top, right, bottom], label, score)
        })
        .collect())
}

/// A number that counts, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 or more; what is too large ends at the type's end"
)]
fn whole(number: f32) -> Option<usize> {
    let rounded = number.round();
    (rounded >= 0.0 && rounded.is_finite()).then_some(rounded as usize)
}

/// A tensor with so many places; those that are not filled have zeros.
///
/// # Errors
/// [`Unfit::Places`], also where there is no place or more than [`MOST`].
pub fn write(found: &[Detection], places: usize) -> Result<Vec<u8>, Unfit> {
    if found.len() > places || !(1..=MOST).contains(&places) {
        return Err(Unfit::Places { found: found.len(), places });
    }
    let mut numbers = vec![0.0; EACH * places + 1];
    for (place, one) in found.iter().enumerate() {
        let Rect { left, top, right, bottom } = one.place;
        for (column, number) in
            [top, left, bottom, right, f32::from(one.label), one.score].into_iter().enumerate()
        {
            numbers[column * places + place] = number;
        }
    }
    numbers[EACH * places] = found.len() as f32;
    Ok(numbers.into_iter().flat_map(f32::to_le_bytes).collect())
}
