//! Tables of `FlatBuffers` in bytes that strangers sent: wherever they lie, each step is within bounds.
//!
//! By hand, because the format's own crate reads by `unsafe` code that its compiler generates, and this schema has four
//! tables. Nothing is followed that the schema does not have, and that has no way in a circle. Numbers may lie at any
//! address: they are read byte by byte.

use super::Error;

/// The place of a table in a buffer that was checked to hold it.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    /// The whole buffer.
    buffer: &'a [u8],
    /// Where the table begins in it.
    at: usize,
    /// Where its fields are, from its beginning: two bytes each.
    slots: &'a [u8],
    /// How many bytes it has.
    length: usize,
    /// What it is, for errors.
    name: &'static str,
}

/// `N` bytes at a place.
fn bytes<const N: usize>(buffer: &[u8], at: usize, name: &'static str) -> Result<[u8; N], Error> {
    buffer.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(Error::Short(name))
}

/// What the offset at a place leads to.
fn follow(buffer: &[u8], at: usize, name: &'static str) -> Result<usize, Error> {
    let offset = usize::try_from(u32::from_le_bytes(bytes(buffer, at, name)?)).ok();
    offset.and_then(|offset| at.checked_add(offset)).ok_or(Error::Short(name))
}

impl<'a> Table<'a> {
    /// The buffer's first table.
    pub(super) fn root(buffer: &'a [u8]) -> Result<Self, Error> {
        let name = "root";
        Self::at(buffer, follow(buffer, 0, name)?, name)
    }

    fn at(buffer: &'a [u8], at: usize, name: &'static str) -> Result<Self, Error> {
        let back = i64::from(i32::from_le_bytes(bytes(buffer, at, name)?));
        let from = i64::try_from(at)
            .ok()
            .and_then(|at| usize::try_from(at - back).ok())
            .ok_or(Error::Table(name))?;
        let [of_slots, length] = [from, from.saturating_add(2)]
            .map(|at| bytes(buffer, at, name).map(|two| usize::from(u16::from_le_bytes(two))));
        let (of_slots, length) = (of_slots?, length?);
        if of_slots < 4 || of_slots % 2 != 0 || length < 4 {
            return Err(Error::Table(name));
        }
        let slots = buffer.get(from + 4..from + of_slots).ok_or(Error::Short(name))?;
        if at.checked_add(length).is_none_or(|end| end > buffer.len()) {
            return Err(Error::Short(name));
        }
        Ok(Self { buffer, at, slots, length, name })
    }

    /// Where a field of so many bytes is in the buffer, if the table has it.
    fn field(&self, slot: usize, width: usize) -> Result<Option<usize>, Error> {
        let Some(two) = self.slots.get(2 * slot..2 * slot + 2) else { return Ok(None) };
        match usize::from(u16::from_le_bytes([two[0], two[1]])) {
            0 => Ok(None),
            from if from < 4 || from + width > self.length => Err(Error::Table(self.name)),
            from => Ok(Some(self.at + from)),
        }
    }

    /// A number's bytes; zeros where the table does not have it.
    pub(super) fn scalar<const N: usize>(&self, slot: usize) -> Result<[u8; N], Error> {
        self.field(slot, N)?.map_or(Ok([0; N]), |at| bytes(self.buffer, at, self.name))
    }

    /// The table that a field leads to.
    pub(super) fn table(&self, slot: usize, name: &'static str) -> Result<Option<Self>, Error> {
        let Some(at) = self.field(slot, 4)? else { return Ok(None) };
        Self::at(self.buffer, follow(self.buffer, at, name)?, name).map(Some)
    }

    /// The tables of the list that a field leads to; each is looked at when its turn comes.
    pub(super) fn tables(
        &self,
        slot: usize,
        name: &'static str,
    ) -> Result<Option<impl ExactSizeIterator<Item = Result<Self, Error>> + use<'a>>, Error> {
        let Some(at) = self.field(slot, 4)? else { return Ok(None) };
        let buffer = self.buffer;
        let at = follow(buffer, at, name)?;
        let count = u32::from_le_bytes(bytes(buffer, at, name)?);
        let rest = buffer.get(at + 4..).unwrap_or_default();
        // Not multiplied: the product might not fit into a number.
        let count =
            usize::try_from(count).ok().filter(|count| *count <= rest.len() / 4).ok_or(Error::Short(name))?;
        Ok(Some((0..count).map(move |index| {
            let name = "object";
            Self::at(buffer, follow(buffer, at + 4 + 4 * index, name)?, name)
        })))
    }
}
