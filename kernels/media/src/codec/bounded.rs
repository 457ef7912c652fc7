//! The memory that a file is written to.

use std::io::{self, Write};

use bytes::Bytes;

/// A file in memory that refuses to grow beyond a limit.
#[derive(Debug)]
pub(super) struct Bounded {
    file: Vec<u8>,
    most: usize,
    /// The most for this attempt.
    limit: usize,
    full: bool,
}

impl Bounded {
    /// With room for so many bytes at first, but at most `most` ever.
    pub(super) fn new(room: usize, most: usize) -> Self {
        Self { file: Vec::with_capacity(room.min(most)), most, limit: most, full: false }
    }

    /// Begins again. Bytes are refused beyond `limit` as well.
    pub(super) fn restart(&mut self, limit: usize) {
        self.file.clear();
        self.full = false;
        self.limit = self.most.min(limit);
    }

    /// Whether a file of so many bytes is allowed.
    pub(super) const fn may_have(&self, bytes: usize) -> bool {
        bytes <= self.most
    }

    /// Whether more bytes were written than fit.
    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.file.into()
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.file.len().saturating_add(bytes.len());
        if needed > self.limit {
            self.full = true;
            return Err(io::Error::other("the file is too large"));
        }
        if needed > self.file.capacity() {
            // As vectors do, but not beyond the limit.
            let room = (2 * self.file.capacity()).clamp(needed, self.limit);
            self.file.try_reserve_exact(room - self.file.len())?;
        }
        self.file.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
