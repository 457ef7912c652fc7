//! Rows of wider integers in memory of a pool.

use crate::{Pool, PooledBuffer};

/// `u16`s that are taken from a [`Pool`] and go back to it.
#[derive(Debug)]
pub(crate) struct Row16 {
    buffer: PooledBuffer,
    len: usize,
}

impl Row16 {
    /// Of that many elements, with whatever was left there.
    pub(crate) fn take(pool: &Pool, len: usize) -> Self {
        // One byte more, to align within.
        Self { buffer: pool.take(len * 2 + 1), len }
    }

    #[allow(unsafe_code, reason = "a pool hands out bytes; copying them would defeat it")]
    pub(crate) fn as_mut(&mut self) -> &mut [u16] {
        // SAFETY: any two initialised bytes are a valid u16, and a u16 is two initialised bytes.
        let (_, aligned, _) = unsafe { self.buffer.align_to_mut::<u16>() };
        aligned.get_mut(..self.len).unwrap_or_default()
    }
}
