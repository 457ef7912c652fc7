//! Rows of chroma: to the pixels that they belong to, and back.

#![allow(clippy::indexing_slicing, reason = "positions are below half a block, doubled")]

use crate::colour::spaces::block::{BLOCK, Block, Channel};
use crate::colour::spaces::ycbcr::Matrix;
use crate::simd::simd_levels;

/// What a row of chroma has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Cb.
    Cb,
    /// Cr.
    Cr,
    /// Cb and Cr by turns.
    Both,
}

simd_levels! {
    /// Each pair for two pixels.
    pub(super) fn spread_pairs(from: &[u8], cb: &mut Channel, cr: &mut Channel) {
        let pixels = cb.as_chunks_mut::<2>().0.iter_mut().zip(cr.as_chunks_mut::<2>().0);
        for ((to_cb, to_cr), [cb, cr]) in pixels.zip(from.as_chunks::<2>().0) {
            *to_cb = [*cb; 2];
            *to_cr = [*cr; 2];
        }
    }
}

simd_levels! {
    /// By turns.
    pub(super) fn interleave(cb: &[u8], cr: &[u8], to: &mut [u8]) {
        for ((to, cb), cr) in to.as_chunks_mut::<2>().0.iter_mut().zip(cb).zip(cr) {
            *to = [*cb, *cr];
        }
    }
}

simd_levels! {
    /// One of each pair.
    pub(super) fn every_other(part: Part, from: &[u8], to: &mut [u8]) {
        let pairs = to.iter_mut().zip(from.as_chunks::<2>().0);
        if part == Part::Cr {
            pairs.for_each(|(to, pair)| *to = pair[1]);
        } else {
            pairs.for_each(|(to, pair)| *to = pair[0]);
        }
    }
}

simd_levels! {
    /// Chroma of every other pixel of red, green and blue: Cb and Cr by turns.
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
