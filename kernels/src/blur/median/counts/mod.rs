//! Sixteen counts at a time, as vectors.
//!
//! The compiler makes vectors of such short loops only here and there, so on x86 they are written
//! out, which takes half the time.
#![allow(clippy::indexing_slicing, reason = "arrays of as many counts as there are bins")]

#[cfg(not(target_arch = "x86_64"))]
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use portable::{Baseline, exchange};
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Baseline, exchange};

/// Four bits of a sample.
pub(super) const BINS: usize = 16;

/// Counts of a column: in how many samples four bits are at most that.
pub(super) type Column = [u8; BINS];

/// The counts of no samples.
pub(super) const NONE: Column = [0; BINS];

/// What a sample adds to the counts, by its four bits.
pub(super) const ONE: [Column; BINS] = {
    let mut all = [[0; BINS]; BINS];
    let mut bits = 0;
    while bits < BINS {
        let mut bin = bits;
        while bin < BINS {
            all[bits][bin] = 1;
            bin += 1;
        }
        bits += 1;
    }
    all
};

/// Counts of a square.
pub(super) trait Square: Copy {
    /// A column comes in, another goes out.
    fn slide(&mut self, new: &Column, old: &Column);

    /// How many bins have so few samples up to them; the counts never fall.
    fn bins_up_to(self, most: u16) -> usize;

    /// How many samples lie before that bin.
    fn before(self, bin: usize) -> u16;
}
