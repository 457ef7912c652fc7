//! The pass down columns: rows of sums to rows of the result. The rows lie in one slice, each at
//! its start.

#![allow(clippy::indexing_slicing, reason = "all slices are cut to the same length first")]

#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::simd::{Level, simd_levels};

/// OpenCV's bilinear rounding: each product is cut off on its own.
pub(super) fn linear(
    level: Level,
    rows: &[i16],
    [first, second]: [u32; 2],
    weights: [i16; 2],
    to: &mut [u8],
) {
    let of = |start: u32| rows.get(start as usize..start as usize + to.len()).unwrap_or_default();
    let (first, second) = (of(first), of(second));
    linear_rows(level, first, second, weights, to);
}

simd_levels! {
    fn linear_rows(first: &[i16], second: &[i16], weights: [i16; 2], to: &mut [u8]) {
        let len = to.len().min(first.len()).min(second.len());
        let (first, second, to) = (&first[..len], &second[..len], &mut to[..len]);
        let [u, v] = weights.map(i32::from);
        for at in 0..len {
            let high = ((i32::from(first[at]) * u) >> 16) as i16;
            let low = ((i32::from(second[at]) * v) >> 16) as i16;
            // At most 255: the weights sum up to 2^11, and sums have 7 bits after the point.
            to[at] = ((high + low + 2) >> 2) as u8;
        }
    }
}

/// Weighted sums, rounded to nearest and cut to the range of a sample. `starts` and `weights` are
/// as many, and even.
pub(super) fn convolve(
    level: Level,
    rows: &[i16],
    starts: &[u32],
    weights: &[i16],
    bits: u32,
    to: &mut [u8],
) {
    #[cfg(target_arch = "x86_64")]
    if x86::convolve(level, rows, starts, weights, bits, to) == Some(true) {
        return;
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = level;
    for (at, to) in to.iter_mut().enumerate() {
        let mut sum = 1 << (bits - 1);
        for (start, weight) in starts.iter().zip(weights) {
            let sample = rows.get(*start as usize + at).copied().unwrap_or(0);
            sum += i32::from(sample) * i32::from(*weight);
        }
        *to = (sum >> bits).clamp(0, 255) as u8;
    }
}
