//! What devices of AITRIOS say: detections as the metadata that their apps send, and as the tensor that an IMX500 gives.
//!
//! Metadata is a [FlatBuffers](https://flatbuffers.dev/internals) buffer in the schema `SmartCamera` for detected objects
//! (`tests/foreign/objectdetection.fbs` has it), whose edges are pixels of the network's input. It comes in a [`Report`].
//! Fields that a later schema appends are passed over. What is broken is refused as a whole; single things whose numbers
//! make no detection ([`Detection::clipped`]) are passed over, as for any other model.

mod follow;
mod layout;
mod report;
mod table;
pub mod tensor;

use self::layout::{LIST_FROM, OBJECT};
use self::table::Table;
use crate::detection::{Detection, Label};
use crate::observation::LARGEST_BATCH;

pub use follow::{EPOCH, Follower, MOST_EVENTS, MOST_FOUND, News, PER_INFERENCE, Unusable};
pub use report::{Inference, LARGEST_REPORT, LONGEST_NAME, MOST_INFERENCES, Refused, Report};

/// The most bytes of metadata: what fits into a message in any case.
pub const LARGEST: usize = LARGEST_BATCH;

/// The most objects in one buffer. As [`write()`] lays them out, so many fit into [`LARGEST`].
pub const MOST: usize = 1000;

/// The kind of a bounding box of two dimensions in the schema's union; the only one there is.
const BOX_2D: u8 = 1;

/// Width and height of a network's input, in pixels.
pub type Size = (u16, u16);

/// Why bytes are no metadata of detected objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too long.
    #[error(
        "the metadata has {0} bytes, which is more than the {LARGEST} that are taken; send fewer objects at a time"
    )]
    TooLarge(usize),
    /// Too many objects.
    #[error(
        "the metadata has {0} objects, which is more than the {MOST} that are taken; raise the app's threshold"
    )]
    TooMany(usize),
    /// Something lies beyond the end.
    #[error("the metadata ends before its {0}: it was cut short, or is no FlatBuffers buffer")]
    Short(&'static str),
    /// A table contradicts itself.
    #[error("the {0} of the metadata is no table of FlatBuffers: the buffer is damaged, or is none")]
    Table(&'static str),
    /// An object without a bounding box that is known.
    #[error(
        "object {object} of the metadata has a bounding box of kind {kind}, and only BoundingBox2d (1) is known; is it of \
         another schema than that for detected objects?"
    )]
    Box {
        /// Which, counted from 0.
        object: usize,
        /// What the union says it is; 0 where there is none.
        kind: u8,
    },
    /// A class beyond all labels.
    #[error("object {object} of the metadata has the class {class}, and labels end at {}", Label::MAX)]
    Class {
        /// Which, counted from 0.
        object: usize,
        /// Its class.
        class: u32,
    },
}

/// What metadata says was found in one picture, in its order, by a network with an input of `size`.
///
/// The first pixel is 0 and the last one 1, as the apps of the SDK reckon. Places are clipped to the picture.
///
/// # Errors
/// What is wrong with the bytes.
pub fn read(bytes: &[u8], size: Size) -> Result<Vec<Detection>, Error> {
    if bytes.len() > LARGEST {
        return Err(Error::TooLarge(bytes.len()));
    }
    let top = Table::root(bytes)?;
    let Some(data) = top.table(0, "perception")? else { return Ok(Vec::new()) };
    let Some(objects) = data.tables(0, "list of objects")? else { return Ok(Vec::new()) };
    if objects.len() > MOST {
        return Err(Error::TooMany(objects.len()));
    }
    let mut found = Vec::with_capacity(objects.len());
    for (object, table) in objects.enumerate() {
        found.extend(read_object(table?, object, size)?);
    }
    Ok(found)
}

fn read_object(table: Table<'_>, object: usize, (width, height): Size) -> Result<Option<Detection>, Error> {
    let class = u32::from_le_bytes(table.scalar(0)?);
    let [kind] = table.scalar(1)?;
    let place = match table.table(2, "bounding box")? {
        Some(place) if kind == BOX_2D => place,
        found => return Err(Error::Box { object, kind: if found.is_some() { kind } else { 0 } }),
    };
    let score = f32::from_le_bytes(table.scalar(3)?);
    let mut edges = [0.0; 4];
    for ((slot, edge), pixels) in (0..).zip(&mut edges).zip([width, height, width, height]) {
        *edge = i32::from_le_bytes(place.scalar(slot)?) as f32 / last(pixels);
    }
    let label = Label::try_from(class).ok().ok_or(Error::Class { object, class })?;
    Ok(Detection::clipped(edges, label, score))
}

/// Metadata that says what was found in one picture by a network with an input of `size`, which [`read`] and readers that
/// `flatc` generates understand.
///
/// Edges are rounded to pixels; what would be narrower than one becomes one pixel wide. Of more than [`MOST`] detections the
/// first ones are written, and none that [`read`] would pass over.
pub fn write(found: &[Detection], (width, height): Size) -> Vec<u8> {
    let found: Vec<_> = found
        .iter()
        .filter_map(|one| {
            let Detection { place, label, score } = *one;
            Detection::clipped([place.left, place.top, place.right, place.bottom], label, score)
        })
        .take(MOST)
        .collect();
    let mut bytes = layout::head(found.len());
    for index in 0..found.len() {
        // From the entry itself to its object.
        let entry = LIST_FROM + 4 * index;
        layout::put(&mut bytes, LIST_FROM + 4 * found.len() + OBJECT * index - entry);
    }
    for Detection { place, label, score } in found {
        let (left, right) = pixels(place.left, place.right, width);
        let (top, bottom) = pixels(place.top, place.bottom, height);
        layout::put_object(&mut bytes, u32::from(label), BOX_2D, score, [left, top, right, bottom]);
    }
    bytes
}

/// The last pixel of so many.
fn last(pixels: u16) -> f32 {
    f32::from(pixels.saturating_sub(1).max(1))
}

/// Two edges (0 to 1) in pixels, one apart at least.
#[expect(clippy::cast_possible_truncation, reason = "a fraction of a u16")]
fn pixels(from: f32, to: f32, pixels: u16) -> (i32, i32) {
    let last = last(pixels);
    let [from, to] = [from, to].map(|edge| (edge * last).round() as i32);
    match (from < to, from) {
        (true, _) => (from, to),
        (false, 0) => (0, 1),
        (false, _) => (from - 1, from),
    }
}

#[cfg(test)]
mod tests;
