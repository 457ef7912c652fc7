//! Follows edges from strong pixels to the weak ones that they are connected with.
//!
//! The map has at least one column of zeros between rows, so that no edge goes on at the other
//! side.

use super::{STRONG, WEAK};
use crate::interrupt::Watch;

/// Pixels that are followed between two looks at the interrupt.
pub(super) const STEPS: usize = 1 << 14;

/// Makes weak pixels strong that are connected with strong ones of those rows, as far as the map
/// goes, and calls `found` with the place of each. Returns false if the stack had no room for some:
/// then weak pixels beside strong ones are left, anywhere in the map.
pub(super) fn follow(
    map: &mut [u8],
    stride: usize,
    rows: std::ops::Range<usize>,
    stack: &mut [u64],
    watch: &mut Watch<'_>,
    mut found: impl FnMut(usize),
) -> bool {
    /// The highest bit of each byte: strong pixels have it, others do not.
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    let (start, end) = (rows.start * stride, (rows.end * stride).min(map.len()));
    let (mut at, mut fits) = (start, true);
    while at < end {
        let Some(eight) = map.get(at..).and_then(<[u8]>::first_chunk::<8>) else { break };
        let mut strong = u64::from_le_bytes(*eight) & HIGHEST;
        while strong != 0 {
            let seed = at + strong.trailing_zeros() as usize / 8;
            strong &= strong - 1;
            if seed < end {
                fits &= flood(map, stride, seed, stack, watch, &mut found);
            }
        }
        at += 8;
    }
    for seed in at..end {
        if map.get(seed) == Some(&STRONG) {
            fits &= flood(map, stride, seed, stack, watch, &mut found);
        }
    }
    fits
}

fn flood(
    map: &mut [u8],
    stride: usize,
    seed: usize,
    stack: &mut [u64],
    watch: &mut Watch<'_>,
    found: &mut impl FnMut(usize),
) -> bool {
    let mut fits = true;
    let mut depth = widen(map, stride, seed, stack, 0, &mut fits);
    while depth > 0 {
        if watch.is_over() {
            return fits;
        }
        depth -= 1;
        let Some(next) = stack.get(depth) else { return fits };
        let next = *next as usize;
        found(next);
        depth = widen(map, stride, next, stack, depth, &mut fits);
    }
    fits
}

/// Makes the weak neighbours of a pixel strong and puts them on the stack; how many are there then.
#[inline(always)]
fn widen(
    map: &mut [u8],
    stride: usize,
    at: usize,
    stack: &mut [u64],
    mut depth: usize,
    fits: &mut bool,
) -> usize {
    for row in [at.wrapping_sub(stride), at, at + stride] {
        // The first pixel of all has none to its left.
        let left = row.wrapping_sub(1);
        for neighbour in [left, row, row.wrapping_add(1)] {
            if let Some(pixel) = map.get_mut(neighbour)
                && *pixel == WEAK
            {
                let Some(slot) = stack.get_mut(depth) else {
                    *fits = false;
                    continue;
                };
                *pixel = STRONG;
                *slot = neighbour as u64;
                depth += 1;
            }
        }
    }
    depth
}
