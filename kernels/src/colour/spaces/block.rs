//! A block of pixels with separate channels, which suit vector instructions best.

#![allow(clippy::indexing_slicing, reason = "all positions are below BLOCK")]

use crate::simd::{Level, simd_levels};

/// Pixels of a block.
pub(crate) const BLOCK: usize = 256;

/// The same channel of the pixels of a block.
pub(crate) type Channel = [u8; BLOCK];

/// Up to [`BLOCK`] pixels, up to four channels. What lies behind the last pixel is any value.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Block(pub(crate) [Channel; 4]);

impl Block {
    /// A black block.
    pub(crate) const fn new() -> Self {
        Self([[0; BLOCK]; 4])
    }

    /// Takes interleaved pixels apart; at most a block of them.
    pub(crate) fn split(&mut self, level: Level, channels: usize, from: &[u8]) {
        match channels {
            1 => {
                let count = from.len().min(BLOCK);
                self.0[0][..count].copy_from_slice(&from[..count]);
            }
            3 => split3(level, from, self),
            _ => split4(level, from, self),
        }
    }

    /// Puts pixels together; as many as there is room for, at most a block of them.
    pub(crate) fn join(&self, level: Level, channels: usize, to: &mut [u8]) {
        match channels {
            1 => {
                let count = to.len().min(BLOCK);
                to[..count].copy_from_slice(&self.0[0][..count]);
            }
            3 => join3(level, self, to),
            _ => join4(level, self, to),
        }
    }
}

fn split3(level: Level, from: &[u8], block: &mut Block) {
    let done = super::x86::split3(level, from, block);
    split3_plain(level, done, from, block);
}

fn join3(level: Level, block: &Block, to: &mut [u8]) {
    let done = super::x86::join3(level, block, to);
    join3_plain(level, done, block, to);
}

simd_levels! {
    fn split3_plain(done: usize, from: &[u8], block: &mut Block) {
        let [a, b, c, _] = &mut block.0;
        let from = from.get(3 * done..).unwrap_or_default().as_chunks::<3>().0;
        let channels = a[done..].iter_mut().zip(&mut b[done..]).zip(&mut c[done..]);
        for (from, ((a, b), c)) in from.iter().zip(channels) {
            [*a, *b, *c] = *from;
        }
    }
}

simd_levels! {
    fn split4(from: &[u8], block: &mut Block) {
        let [a, b, c, d] = &mut block.0;
        let channels = a.iter_mut().zip(b).zip(c).zip(d);
        for (from, (((a, b), c), d)) in from.as_chunks::<4>().0.iter().zip(channels) {
            [*a, *b, *c, *d] = *from;
        }
    }
}

simd_levels! {
    fn join3_plain(done: usize, block: &Block, to: &mut [u8]) {
        let [a, b, c, _] = &block.0;
        let to = to.get_mut(3 * done..).unwrap_or_default().as_chunks_mut::<3>().0;
        let channels = a[done..].iter().zip(&b[done..]).zip(&c[done..]);
        for (to, ((a, b), c)) in to.iter_mut().zip(channels) {
            *to = [*a, *b, *c];
        }
    }
}

simd_levels! {
    fn join4(block: &Block, to: &mut [u8]) {
        let [a, b, c, d] = &block.0;
        let channels = a.iter().zip(b).zip(c).zip(d);
        for (to, (((a, b), c), d)) in to.as_chunks_mut::<4>().0.iter_mut().zip(channels) {
            *to = [*a, *b, *c, *d];
        }
    }
}
