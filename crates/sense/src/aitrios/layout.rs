//! Where the tables lie in metadata that is written here: the shapes of all first, then the tables in the order of the schema.
//!
//! A shape (the format says vtable) has its own length, the length of its tables, and where in them each field is. Numbers
//! lie at multiples of their size, as generated verifiers want it.

/// Of the root and of its data: where the next table is.
const ONE_FIELD: [u16; 3] = [6, 8, 4];
/// Of an object: class, kind of bounding box (one byte, which lies last), bounding box, score.
const OBJECT_FIELDS: [u16; 6] = [12, 20, 4, 16, 8, 12];
/// Of a bounding box: left, top, right, bottom.
const BOX_FIELDS: [u16; 6] = [12, 20, 4, 8, 12, 16];

const ONE_FIELD_AT: usize = 4;
const OBJECT_FIELDS_AT: usize = ONE_FIELD_AT + 2 * ONE_FIELD.len();
const BOX_FIELDS_AT: usize = OBJECT_FIELDS_AT + 2 * OBJECT_FIELDS.len();
/// Two bytes after the last shape, so that numbers lie at multiples of four.
const TOP_AT: usize = BOX_FIELDS_AT + 2 * BOX_FIELDS.len() + 2;
const DATA_AT: usize = TOP_AT + 8;
const LIST_AT: usize = DATA_AT + 8;

/// Where the list's entries begin, after its length.
pub(super) const LIST_FROM: usize = LIST_AT + 4;

/// How many bytes an object takes with its bounding box.
pub(super) const OBJECT: usize = 40;

/// Appends a number of 32 bits.
pub(super) fn put(bytes: &mut Vec<u8>, number: usize) {
    // Places within a buffer of `LARGEST` bytes.
    bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
}

/// All that comes before the entries of a list with so many objects.
pub(super) fn head(objects: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LIST_FROM + (4 + OBJECT) * objects);
    put(&mut bytes, TOP_AT);
    for half in ONE_FIELD.iter().chain(&OBJECT_FIELDS).chain(&BOX_FIELDS).chain(&[0]) {
        bytes.extend(half.to_le_bytes());
    }
    put(&mut bytes, TOP_AT - ONE_FIELD_AT);
    put(&mut bytes, DATA_AT - (TOP_AT + 4));
    put(&mut bytes, DATA_AT - ONE_FIELD_AT);
    put(&mut bytes, LIST_AT - (DATA_AT + 4));
    put(&mut bytes, objects);
    bytes
}

/// Appends an object and its bounding box.
pub(super) fn put_object(bytes: &mut Vec<u8>, class: u32, kind: u8, score: f32, edges: [i32; 4]) {
    let at = bytes.len();
    put(bytes, at - OBJECT_FIELDS_AT);
    bytes.extend(class.to_le_bytes());
    put(bytes, 12);
    bytes.extend(score.to_le_bytes());
    bytes.extend([kind, 0, 0, 0]);
    let at = bytes.len();
    put(bytes, at - BOX_FIELDS_AT);
    bytes.extend(edges.iter().flat_map(|edge| edge.to_le_bytes()));
}
