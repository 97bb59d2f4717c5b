//! Bits of a byte slice, most significant first: reading, and writing into another slice.

/// Reads bits; remembers if it was asked for more than there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// From the first bit of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bit's number.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The next bit.
    pub(crate) fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1 != 0;
        self.at += 1;
        Some(bit)
    }

    /// The next `n` bits, at most 32.
    pub(crate) fn bits(&mut self, n: usize) -> Option<u32> {
        if self.at + n > self.bytes.len() * 8 {
            return None;
        }
        let mut value = 0;
        for _ in 0..n {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value)
    }

    /// The next number below `n` in the form that AV1 calls `ns(n)`.
    pub(crate) fn below(&mut self, n: u32) -> Option<u32> {
        let width = 32 - n.leading_zeros() as usize;
        let short = (1u32 << width).wrapping_sub(n);
        let value = self.bits(width.saturating_sub(1))?;
        if value < short {
            return Some(value);
        }
        let extra = u32::from(self.bit()?);
        Some((value << 1) + extra - short)
    }
}

/// Writes bits; what has no room is lost, and told at the end.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    /// From the first bit of `bytes`.
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Writes the low `n` bits of `value`.
    pub(crate) fn bits(&mut self, value: u32, n: usize) {
        for bit in (0..n).rev() {
            if let Some(byte) = self.bytes.get_mut(self.at / 8) {
                let mask = 0x80 >> (self.at % 8);
                *byte = if value >> bit & 1 != 0 { *byte | mask } else { *byte & !mask };
            }
            self.at += 1;
        }
    }

    /// Copies the bits `from..to` of `source`.
    pub(crate) fn copy(&mut self, source: &[u8], from: usize, to: usize) {
        let mut reader = Reader { bytes: source, at: from };
        while reader.at < to {
            let n = (to - reader.at).min(32);
            let Some(value) = reader.bits(n) else { return };
            self.bits(value, n);
        }
    }

    /// Fills the last byte with zeros. The number of bytes, or `None` if there was not room for all.
    pub(crate) fn finish(mut self) -> Option<usize> {
        self.bits(0, self.at.next_multiple_of(8) - self.at);
        (self.at <= self.bytes.len() * 8).then_some(self.at / 8)
    }
}
