//! Weighted sums of rows.

use super::shift_by;
use super::wide::{Wide, two_words, wide_levels};

/// Samples that are made at once.
const BLOCK: usize = 32;

wide_levels! {
    /// Returns whether there are instructions for it. There has to be room for whole blocks behind
    /// each start.
    pub(in super::super) fn convolve<W>(
        wide,
        rows: &[i16],
        starts: &[u32],
        weights: &[i16],
        bits: u32,
        to: &mut [u8],
    ) -> bool {
        let room = to.len().next_multiple_of(BLOCK);
        if starts.iter().any(|start| *start as usize + room > rows.len()) {
            return false;
        }
        let (twos, rest) = to.as_chunks_mut::<{ 2 * BLOCK }>();
        let mut at = 0;
        for to in twos {
            // SAFETY: `at` and both blocks are within the room that was looked at above.
            let [a, b] = unsafe { sums::<W, 2>(wide, rows, starts, weights, bits, at) };
            let (low, high) = to.split_at_mut(BLOCK);
            if let (Some(low), Some(high)) = (low.first_chunk_mut(), high.first_chunk_mut()) {
                wide.store_bytes(a, low);
                wide.store_bytes(b, high);
            }
            at += 2 * BLOCK;
        }
        for to in rest.chunks_mut(BLOCK) {
            // SAFETY: as above, with one block.
            let [sums] = unsafe { sums::<W, 1>(wide, rows, starts, weights, bits, at) };
            let mut bytes = [0; BLOCK];
            wide.store_bytes(sums, &mut bytes);
            to.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
            at += BLOCK;
        }
        true
    }
}

/// Of `N` blocks.
///
/// # Safety
/// Behind each start there are `at` elements and `N` blocks.
#[inline(always)]
unsafe fn sums<W: Wide, const N: usize>(
    wide: W,
    rows: &[i16],
    starts: &[u32],
    weights: &[i16],
    bits: u32,
    at: usize,
) -> [[W::V; 2]; N] {
    let mut sums = [[wide.splat(1 << (bits - 1)); 2]; N];
    let pairs = starts.as_chunks::<2>().0.iter().zip(weights.as_chunks::<2>().0);
    for (starts, weights) in pairs {
        let weights = wide.splat(two_words(*weights));
        for (block, [low, high]) in sums.iter_mut().enumerate() {
            let [a, b] = starts.map(|start| {
                let start = start as usize + at + block * BLOCK;
                debug_assert!(start + BLOCK <= rows.len());
                // SAFETY: the caller promises it.
                let words = unsafe { rows.as_ptr().add(start) };
                // SAFETY: as above.
                wide.load_words(unsafe { &*words.cast() })
            });
            let [a, b] = wide.zip(a, b);
            *low = wide.add(*low, wide.multiply_add(a, weights));
            *high = wide.add(*high, wide.multiply_add(b, weights));
        }
    }
    let shift = shift_by(bits);
    // Not `map`: the compiler may leave that a function of its own, which has no vectors.
    for [low, high] in &mut sums {
        *low = wide.shift_down(*low, shift);
        *high = wide.shift_down(*high, shift);
    }
    sums
}
