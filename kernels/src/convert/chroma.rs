//! Rows of chroma: distributing them to the pixels that they belong to, and collecting them.

#![allow(clippy::indexing_slicing, reason = "positions are below half a block, doubled")]

use crate::colour::spaces::block::{BLOCK, Block, Channel};
use crate::colour::spaces::ycbcr::Matrix;
use crate::simd::{Level, simd_levels};

/// A row of chroma samples.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chroma<'a> {
    /// Cb and Cr alternate.
    Pairs(&'a [u8]),
    /// Cb and Cr are in separate slices.
    Planes(&'a [u8], &'a [u8]),
}

/// Room for one or more rows of chroma samples.
#[derive(Debug)]
pub(super) enum ChromaMut<'a> {
    /// Cb and Cr alternate.
    Pairs(&'a mut [u8]),
    /// Cb and Cr are in separate slices.
    Planes(&'a mut [u8], &'a mut [u8]),
}

impl Chroma<'_> {
    /// The part from pixel `start` on, which must be in an even column.
    pub(super) fn from(self, start: usize) -> Self {
        match self {
            Self::Pairs(pairs) => Self::Pairs(after(pairs, start)),
            Self::Planes(cb, cr) => Self::Planes(after(cb, start / 2), after(cr, start / 2)),
        }
    }

    /// The chroma of each pixel of a block.
    pub(super) fn spread(self, level: Level, cb: &mut Channel, cr: &mut Channel) {
        match self {
            Self::Pairs(pairs) => spread_pairs(level, pairs, cb, cr),
            Self::Planes(from_cb, from_cr) => {
                spread_plane(level, from_cb, cb);
                spread_plane(level, from_cr, cr);
            }
        }
    }
}

impl ChromaMut<'_> {
    /// Row `at`, where a row has `bytes` bytes in each plane.
    pub(super) fn row(&mut self, at: usize, bytes: usize) -> ChromaMut<'_> {
        let row = at * bytes..(at + 1) * bytes;
        match self {
            Self::Pairs(pairs) => ChromaMut::Pairs(pairs.get_mut(row).unwrap_or_default()),
            Self::Planes(cb, cr) => ChromaMut::Planes(
                cb.get_mut(row.clone()).unwrap_or_default(),
                cr.get_mut(row).unwrap_or_default(),
            ),
        }
    }

    /// Writes pairs from pixel `start` on, which must be in an even column; as many as fit.
    pub(super) fn put(&mut self, level: Level, start: usize, pairs: &[u8]) {
        match self {
            Self::Pairs(to) => {
                let to = to.get_mut(start..).unwrap_or_default();
                to.iter_mut().zip(pairs).for_each(|(to, from)| *to = *from);
            }
            Self::Planes(cb, cr) => {
                let (cb, cr) = (cb.get_mut(start / 2..), cr.get_mut(start / 2..));
                apart(level, pairs, cb.unwrap_or_default(), cr.unwrap_or_default());
            }
        }
    }

    /// Copies a row.
    pub(super) fn copy(&mut self, level: Level, from: Chroma<'_>) {
        match (from, self) {
            (Chroma::Pairs(pairs), to) => to.put(level, 0, pairs),
            (Chroma::Planes(cb, cr), Self::Pairs(to)) => interleave(level, cb, cr, to),
            (Chroma::Planes(cb, cr), Self::Planes(to_cb, to_cr)) => {
                to_cb.copy_from_slice(cb);
                to_cr.copy_from_slice(cr);
            }
        }
    }
}

fn after(plane: &[u8], at: usize) -> &[u8] {
    plane.get(at..).unwrap_or_default()
}

simd_levels! {
    /// Repeats each pair for two pixels.
    fn spread_pairs(from: &[u8], cb: &mut Channel, cr: &mut Channel) {
        let pixels = cb.as_chunks_mut::<2>().0.iter_mut().zip(cr.as_chunks_mut::<2>().0);
        for ((to_cb, to_cr), &[cb, cr]) in pixels.zip(from.as_chunks::<2>().0) {
            // Not `[cb; 2]`: the compiler makes a `memset` of it, and no vectors, a tenth as fast.
            *to_cb = [cb, cb];
            *to_cr = [cr, cr];
        }
    }
}

simd_levels! {
    /// Repeats each sample for two pixels.
    fn spread_plane(from: &[u8], to: &mut Channel) {
        for (to, &from) in to.as_chunks_mut::<2>().0.iter_mut().zip(from) {
            *to = [from, from];
        }
    }
}

simd_levels! {
    /// Interleaves Cb and Cr.
    fn interleave(cb: &[u8], cr: &[u8], to: &mut [u8]) {
        for ((to, cb), cr) in to.as_chunks_mut::<2>().0.iter_mut().zip(cb).zip(cr) {
            *to = [*cb, *cr];
        }
    }
}

simd_levels! {
    /// Separates pairs into Cb and Cr.
    fn apart(pairs: &[u8], cb: &mut [u8], cr: &mut [u8]) {
        for (([from_cb, from_cr], cb), cr) in pairs.as_chunks::<2>().0.iter().zip(cb).zip(cr) {
            (*cb, *cr) = (*from_cb, *from_cr);
        }
    }
}

simd_levels! {
    /// The chroma of every other pixel of red, green and blue: Cb and Cr alternate.
    pub(super) fn of(matrix: &Matrix, block: &Block, to: &mut Channel) {
        let matrix = *matrix;
        let [red, green, blue, _] = &block.0;
        let mut colours = [[0_u8; BLOCK / 2]; 3];
        for (half, full) in colours.iter_mut().zip([red, green, blue]) {
            for (half, [first, _]) in half.iter_mut().zip(full.as_chunks::<2>().0) {
                *half = *first;
            }
        }
        let [red, green, blue] = &colours;
        let mut pair = [[0_u8; BLOCK / 2]; 2];
        for at in 0..BLOCK / 2 {
            let rgb = [red[at], green[at], blue[at]];
            pair[0][at] = matrix.cb_of(rgb);
            pair[1][at] = matrix.cr_of(rgb);
        }
        for ((to, cb), cr) in to.as_chunks_mut::<2>().0.iter_mut().zip(&pair[0]).zip(&pair[1]) {
            *to = [*cb, *cr];
        }
    }
}
