//! The memory that the bytes of a server are read into.

use bytes::{BufMut as _, buf::Limit};

/// The size of the read buffer.
const SIZE: usize = 64 * 1024;
/// With less room than this behind the unread bytes, they are moved to the front.
const ROOM: usize = 16 * 1024;

/// The bytes that were read and are not yet understood.
///
/// No message keeps a part of it, so its memory is used again and again, and a small message that
/// waits does not keep a large buffer alive.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    /// How many of the unread bytes are known to hold no end of a line.
    searched: usize,
}

impl Buffer {
    pub(super) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Passes over bytes that were understood.
    pub(super) fn advance(&mut self, length: usize) {
        self.start += length;
        self.searched = 0;
    }

    /// The line that comes next, without its end, and its length with it.
    pub(super) fn line(&mut self) -> Option<(&[u8], usize)> {
        let start = self.start + self.searched;
        let unsearched = self.bytes.get(start..).unwrap_or_default();
        let Some(position) = memchr::memchr(b'\n', unsearched) else {
            self.searched += unsearched.len();
            return None;
        };
        let end = self.searched + position;
        let line = self.unread().get(..end).unwrap_or_default();
        Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
    }

    /// Makes room if a line fills the whole buffer; `None` if it is as long as `most` already.
    pub(super) fn grow(&mut self, most: usize) -> Option<()> {
        let unread = self.unread().len();
        if unread >= most {
            return None;
        }
        if unread >= SIZE && unread == self.bytes.capacity() {
            self.bytes.reserve(unread);
        }
        Some(())
    }

    /// The memory behind the unread bytes. It is not empty, because a message that would fill the
    /// buffer gets memory of its own, and for a line it [grows](Self::grow).
    pub(super) fn space(&mut self) -> Limit<&mut Vec<u8>> {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start > 0 && self.bytes.capacity() - self.bytes.len() < ROOM {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.capacity() < SIZE {
            self.bytes.reserve_exact(SIZE - self.bytes.len());
        }
        let room = self.bytes.capacity() - self.bytes.len();
        (&mut self.bytes).limit(room)
    }
}

/// Memory for as many bytes as were announced.
#[derive(Debug)]
pub(super) struct Exact {
    bytes: Vec<u8>,
    length: usize,
}

impl Exact {
    pub(super) fn new(length: usize) -> Self {
        Self { bytes: Vec::with_capacity(length), length }
    }

    pub(super) const fn missing(&self) -> usize {
        self.length - self.bytes.len()
    }

    /// Copies what it can use from the front of `bytes`, and returns how much that was.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.get(..self.missing()).unwrap_or(bytes);
        self.bytes.extend_from_slice(taken);
        taken.len()
    }

    pub(super) fn space(&mut self) -> Limit<&mut Vec<u8>> {
        let missing = self.missing();
        (&mut self.bytes).limit(missing)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
