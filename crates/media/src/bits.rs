//! Single bits of headers, read from the highest of each byte on.

/// Bits of some bytes; nothing where they end.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    /// Whether bytes that keep start codes out of a NAL unit are left out (ITU-T H.264, section 7.4.1).
    escaped: bool,
    /// Zeros in a row before the next byte.
    zeros: u8,
    current: u8,
    left: u8,
}

impl<'a> Bits<'a> {
    /// Of bytes as they are.
    pub(crate) fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes, escaped: false, zeros: 0, current: 0, left: 0 }
    }

    /// Of a NAL unit.
    pub(crate) fn escaped(bytes: &'a [u8]) -> Self {
        Self { escaped: true, ..Self::plain(bytes) }
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        if self.left == 0 {
            let mut byte = self.take()?;
            if self.escaped && self.zeros >= 2 && byte == 3 {
                self.zeros = 0;
                byte = self.take()?;
            }
            self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
            (self.current, self.left) = (byte, 8);
        }
        self.left -= 1;
        Some(self.current >> self.left & 1 == 1)
    }

    /// A number of at most 32 bits.
    pub(crate) fn number(&mut self, bits: u32) -> Option<u32> {
        let mut value = 0_u32;
        for _ in 0..bits {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// A byte that may begin at any bit.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let mut value = 0;
        for _ in 0..8 {
            value = value << 1 | u8::from(self.flag()?);
        }
        Some(value)
    }

    pub(crate) fn skip(&mut self, bits: u32) -> Option<()> {
        (0..bits).try_for_each(|_| self.flag().map(drop))
    }

    fn take(&mut self) -> Option<u8> {
        let (&byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(byte)
    }

    /// An unsigned Exp-Golomb code of at most 32 bits (section 9.1).
    pub(crate) fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let mut value = 1_u32;
        for _ in 0..zeros {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value - 1)
    }

    /// A signed Exp-Golomb code (section 9.1.1).
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let code = i64::from(self.golomb()?);
        Some(if code % 2 == 0 { -code / 2 } else { (code + 1) / 2 })
    }
}
