//! The bits of a lossless WebP image.

/// Reads bits, the lowest of each byte first.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    buffer: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { rest: data, buffer: 0, count: 0 }
    }

    /// Takes whole bytes until at least 56 bits are there, or the data ends.
    pub(super) fn fill(&mut self) {
        while self.count < 56
            && let Some((byte, rest)) = self.rest.split_first()
        {
            self.buffer |= u64::from(*byte) << self.count;
            self.count += 8;
            self.rest = rest;
        }
    }

    /// The next bits, which stay where they are; zeros after the end.
    pub(super) const fn peek(&self) -> u64 {
        self.buffer
    }

    /// Steps over up to 56 bits, or returns `None` if the data ends before.
    pub(super) fn skip(&mut self, count: u32) -> Option<()> {
        if self.count < count {
            self.fill();
        }
        self.count = self.count.checked_sub(count)?;
        self.buffer >>= count;
        Some(())
    }

    /// Takes a number of up to 32 bits, or returns `None` if the data ends before.
    pub(super) fn take(&mut self, count: u32) -> Option<usize> {
        if self.count < count {
            self.fill();
        }
        let value = self.buffer & ((1 << count) - 1);
        self.skip(count)?;
        usize::try_from(value).ok()
    }
}
