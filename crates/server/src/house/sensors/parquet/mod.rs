//! Tables as Parquet files (parquet.apache.org/docs/file-format): plain, uncompressed, one page for each column of a group of
//! rows, so that a table is written as it is read. Pure.

mod thrift;

use thrift::Writer;

const MAGIC: &[u8] = b"PAR1";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole numbers.
    Integer,
    /// Milliseconds since 1970, UTC.
    Time,
    /// Numbers.
    Number,
    /// Text.
    Text,
    /// Yes or no.
    Flag,
}

/// A value, or none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    None,
    Integer(i64),
    Number(f64),
    Text(String),
    Flag(bool),
}

/// Writes one table.
pub(crate) struct Table {
    columns: &'static [(&'static str, Kind)],
    /// How many bytes were given out.
    written: i64,
    groups: Vec<Group>,
}

struct Group {
    rows: i64,
    chunks: Vec<Chunk>,
}

struct Chunk {
    offset: i64,
    bytes: i64,
}

impl Kind {
    /// The physical type (parquet.thrift, `Type`).
    fn physical(self) -> i32 {
        match self {
            Self::Flag => 0,
            Self::Integer | Self::Time => 2,
            Self::Number => 5,
            Self::Text => 6,
        }
    }

    /// The converted type (`ConvertedType`), which all readers know.
    fn converted(self) -> Option<i32> {
        match self {
            Self::Text => Some(0),
            Self::Time => Some(9),
            _ => None,
        }
    }
}

impl Table {
    /// A table of these columns; the bytes that it begins with.
    pub(crate) fn begin(columns: &'static [(&'static str, Kind)]) -> (Self, Vec<u8>) {
        (Self { columns, written: 4, groups: Vec::new() }, MAGIC.to_vec())
    }

    /// The bytes of some rows, each with a cell for every column; what does not fit its column is none.
    pub(crate) fn rows(&mut self, rows: &[Vec<Cell>]) -> Vec<u8> {
        let mut out = Vec::new();
        if rows.is_empty() {
            return out;
        }
        let count = i32::try_from(rows.len()).unwrap_or(i32::MAX);
        let mut chunks = Vec::new();
        for (place, (_, kind)) in self.columns.iter().enumerate() {
            let column = rows.iter().map(|row| row.get(place).unwrap_or(&Cell::None));
            let page = page(*kind, column);
            let head = page_head(page.len(), count);
            let offset = self.written + length(out.len());
            out.extend_from_slice(&head);
            out.extend_from_slice(&page);
            chunks.push(Chunk { offset, bytes: length(head.len() + page.len()) });
        }
        self.written += length(out.len());
        self.groups.push(Group { rows: i64::from(count), chunks });
        out
    }

    /// The bytes that it ends with.
    pub(crate) fn end(self) -> Vec<u8> {
        let mut footer = self.footer();
        let length = u32::try_from(footer.len()).unwrap_or(u32::MAX);
        footer.extend_from_slice(&length.to_le_bytes());
        footer.extend_from_slice(MAGIC);
        footer
    }

    /// `FileMetaData`.
    fn footer(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.i32(1, 1);
        writer.list(2, self.columns.len() + 1, |writer| {
            writer.item(|root| {
                root.binary(4, b"schema");
                root.i32(5, i32::try_from(self.columns.len()).unwrap_or(i32::MAX));
            });
            for (name, kind) in self.columns {
                writer.item(|column| {
                    column.i32(1, kind.physical());
                    column.i32(3, 1);
                    column.binary(4, name.as_bytes());
                    if let Some(converted) = kind.converted() {
                        column.i32(6, converted);
                    }
                });
            }
        });
        writer.i64(3, self.groups.iter().map(|group| group.rows).sum());
        writer.list(4, self.groups.len(), |writer| {
            for group in &self.groups {
                writer.item(|out| self.group(group, out));
            }
        });
        writer.binary(6, b"Playhouse");
        writer.end()
    }

    /// `RowGroup`.
    fn group(&self, group: &Group, out: &mut Writer) {
        out.list(1, group.chunks.len(), |out| {
            for (chunk, (name, kind)) in group.chunks.iter().zip(self.columns) {
                out.item(|column| {
                    column.i64(2, chunk.offset);
                    column.nested(3, |meta| {
                        meta.i32(1, kind.physical());
                        // PLAIN and RLE.
                        meta.integers(2, &[0, 3]);
                        meta.names(3, &[name.as_bytes()]);
                        meta.i32(4, 0);
                        meta.i64(5, group.rows);
                        meta.i64(6, chunk.bytes);
                        meta.i64(7, chunk.bytes);
                        meta.i64(9, chunk.offset);
                    });
                });
            }
        });
        out.i64(2, group.chunks.iter().map(|chunk| chunk.bytes).sum());
        out.i64(3, group.rows);
    }
}

fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// `PageHeader` of a data page of version 1.
fn page_head(bytes: usize, rows: i32) -> Vec<u8> {
    let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
    let mut writer = Writer::default();
    writer.i32(1, 0);
    writer.i32(2, bytes);
    writer.i32(3, bytes);
    writer.nested(5, |page| {
        page.i32(1, rows);
        page.i32(2, 0);
        page.i32(3, 3);
        page.i32(4, 3);
    });
    writer.end()
}

/// Which cells there are (definition levels, bit-packed), then those cells.
fn page<'a>(kind: Kind, cells: impl Iterator<Item = &'a Cell>) -> Vec<u8> {
    let (mut there, mut flags, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        let fits = match (kind, cell) {
            (Kind::Integer | Kind::Time, Cell::Integer(value)) => {
                values.extend_from_slice(&value.to_le_bytes());
                true
            }
            (Kind::Number, Cell::Number(value)) => {
                values.extend_from_slice(&value.to_le_bytes());
                true
            }
            (Kind::Text, Cell::Text(value)) => {
                let length = u32::try_from(value.len()).unwrap_or_default();
                values.extend_from_slice(&length.to_le_bytes());
                values.extend_from_slice(value.as_bytes());
                true
            }
            (Kind::Flag, Cell::Flag(value)) => {
                flags.push(*value);
                true
            }
            _ => false,
        };
        there.push(fits);
    }
    // One run of groups of eight (encodings, "RLE / bit-packing hybrid"), behind its length.
    let mut levels = Vec::new();
    thrift::varint(&mut levels, ((there.len().div_ceil(8) as u64) << 1) | 1);
    levels.extend(packed(&there));
    let mut page = u32::try_from(levels.len()).unwrap_or_default().to_le_bytes().to_vec();
    page.extend(levels);
    page.extend(values);
    page.extend(packed(&flags));
    page
}

/// Bits, the lowest first.
fn packed(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| (byte << 1) | u8::from(*bit));
    bits.chunks(8).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[(&str, Kind)] =
        &[("at", Kind::Time), ("kind", Kind::Text), ("value", Kind::Number), ("void", Kind::Flag)];

    #[test]
    fn a_table_begins_and_ends_as_readers_expect() {
        let (mut table, mut bytes) = Table::begin(COLUMNS);
        let row =
            |at| vec![Cell::Integer(at), Cell::Text("crossed".into()), Cell::None, Cell::Flag(at % 2 == 0)];
        bytes.extend(table.rows(&(0..10).map(row).collect::<Vec<_>>()));
        assert!(table.rows(&[]).is_empty());
        let written = table.written;
        assert_eq!(written, i64::try_from(bytes.len()).unwrap());
        let end = table.end();
        let footer = u32::from_le_bytes(end[end.len() - 8..end.len() - 4].try_into().unwrap()) as usize;
        assert_eq!((footer, &end[end.len() - 4..]), (end.len() - 8, MAGIC));
    }

    #[test]
    fn bits_are_packed_from_the_lowest() {
        assert_eq!(packed(&[true, false, true, true, false, false, false, false, true]), [0b0000_1101, 1]);
    }
}
