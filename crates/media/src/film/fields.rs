//! Numbers in a row of bytes, big-endian as boxes and sidecars have them; none where the bytes end too early.

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next bytes.
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// A box among others in memory: its name and contents.
    pub(crate) fn atom(&mut self) -> Option<([u8; 4], &'a [u8])> {
        let length = usize::try_from(self.u32()?).ok()?;
        let name = self.array()?;
        Some((name, self.take(length.checked_sub(8)?)?))
    }

    /// The contents of the first box of that name among what is left.
    pub(crate) fn find(mut self, name: [u8; 4]) -> Option<Fields<'a>> {
        while let Some((found, contents)) = self.atom() {
            if found == name {
                return Some(Self(contents));
            }
        }
        None
    }
}
