//! As much of Thrift's compact protocol as a footer needs
//! (github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).

const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Writes a struct, whose fields come in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    last: u8,
}

/// A number of any size, seven bits a byte, the lowest first.
pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Small numbers become small, whatever their sign.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

impl Writer {
    /// Fields have numbers below 16, each more than the one before.
    fn field(&mut self, number: u8, kind: u8) {
        self.bytes.push(((number - self.last) << 4) | kind);
        self.last = number;
    }

    pub(super) fn i32(&mut self, number: u8, value: i32) {
        self.field(number, I32);
        varint(&mut self.bytes, zigzag(i64::from(value)));
    }

    pub(super) fn i64(&mut self, number: u8, value: i64) {
        self.field(number, I64);
        varint(&mut self.bytes, zigzag(value));
    }

    fn bare(&mut self, value: &[u8]) {
        varint(&mut self.bytes, value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    pub(super) fn binary(&mut self, number: u8, value: &[u8]) {
        self.field(number, BINARY);
        self.bare(value);
    }

    fn list_head(&mut self, number: u8, count: usize, kind: u8) {
        self.field(number, LIST);
        if let Ok(few @ 0..15) = u8::try_from(count) {
            self.bytes.push((few << 4) | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            varint(&mut self.bytes, count as u64);
        }
    }

    pub(super) fn integers(&mut self, number: u8, values: &[i32]) {
        self.list_head(number, values.len(), I32);
        for value in values {
            varint(&mut self.bytes, zigzag(i64::from(*value)));
        }
    }

    pub(super) fn names(&mut self, number: u8, values: &[&[u8]]) {
        self.list_head(number, values.len(), BINARY);
        for value in values {
            self.bare(value);
        }
    }

    /// A list of structs, each of which `write` gives to [`Self::item`].
    pub(super) fn list(&mut self, number: u8, count: usize, write: impl FnOnce(&mut Self)) {
        self.list_head(number, count, STRUCT);
        write(self);
    }

    /// A struct of a list.
    pub(super) fn item(&mut self, write: impl FnOnce(&mut Self)) {
        let last = std::mem::take(&mut self.last);
        write(self);
        self.bytes.push(0);
        self.last = last;
    }

    /// A struct in a field.
    pub(super) fn nested(&mut self, number: u8, write: impl FnOnce(&mut Self)) {
        self.field(number, STRUCT);
        self.item(write);
    }

    /// The bytes of the struct.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_protocol_has_them() {
        assert_eq!([0, -1, 1, i64::MIN].map(zigzag), [0, 1, 2, u64::MAX]);
        let mut writer = Writer::default();
        writer.i32(1, 300);
        writer.nested(4, |inner| inner.i32(2, -1));
        assert_eq!(writer.end(), [0x15, 0xd8, 0x04, 0x3c, 0x25, 0x01, 0x00, 0x00]);
    }
}
