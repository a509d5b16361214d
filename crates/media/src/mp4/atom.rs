//! Boxes: a length, a name and what is in them (ISO/IEC 14496-12, section 4.2).

/// Appends a box whose contents `fill` appends.
///
/// What is made here are headers, far below 4 GiB, so that lengths of 32 bits do.
pub(crate) fn atom(out: &mut Vec<u8>, name: [u8; 4], fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&name);
    fill(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Appends a box with a version and 24 bits of flags.
pub(crate) fn full(
    out: &mut Vec<u8>,
    name: [u8; 4],
    version: u8,
    flags: u32,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    atom(out, name, |out| {
        put32(out, u32::from(version) << 24 | flags);
        fill(out);
    });
}

/// Appends a number of 16 bits.
pub(crate) fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a number of 32 bits.
pub(crate) fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a number of 64 bits.
pub(crate) fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends numbers of 32 bits.
pub(crate) fn put32s(out: &mut Vec<u8>, values: &[u32]) {
    for &value in values {
        put32(out, value);
    }
}

/// A count as a table has it; tables here are far shorter than 32 bits can count.
pub(crate) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
