//! Several pixels at a time, where all that they are made of lies inside of the image: fetched as
//! words, which may hold more than is needed.

mod avx2;
mod avx512;
mod cubic;

use super::Filter;
use super::positions::FRACTION;
use super::sample::Source;
use crate::simd::{Instructions, Level};

/// Makes a row, if there are such instructions.
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
pub(super) fn row<const C: usize>(
    level: Level,
    filter: Filter,
    source: &Source<'_>,
    x: &[i32],
    y: &[i32],
    to: &mut [[u8; C]],
) -> bool {
    // Words are fetched by offsets of 31 bits.
    let small = i32::try_from(source.data.len()).is_ok();
    match level.instructions() {
        // SAFETY: `Instructions::Avx512` exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) if small => unsafe { avx512::row(filter, source, x, y, to) },
        // SAFETY: `Instructions::Avx2` exists only where AVX2 was detected.
        Instructions::Avx2(_) if small => unsafe { avx2::row(filter, source, x, y, to) },
        _ => return false,
    }
    true
}

/// The positions for which pixels are computed in blocks.
struct Limits {
    /// Pixels needed to the left of and above a position, and to the right of and below it.
    before: i32,
    after: i32,
    /// Positions less `before` are below these, without a sign, if all words lie inside.
    inner: [i32; 2],
    /// Positions plus `after` are below these, without a sign, if anything lies inside.
    outer: [i32; 2],
    /// Fractional bits of positions.
    bits: u32,
}

impl Limits {
    fn of<const C: usize>(filter: Filter, source: &Source<'_>) -> Self {
        // Pixels on which words of that many bytes lie.
        let pixels_of = |bytes: usize| bytes.div_ceil(C);
        // The last is how far words reach.
        let (before, after, across) = match filter {
            Filter::Nearest => (0, 0, pixels_of(4)),
            Filter::Linear => (0, 1, pixels_of(if C == 1 { 4 } else { 8 })),
            Filter::Cubic => (1, 2, 1 + pixels_of(if C == 4 { 12 } else { 15 })),
        };
        let number = |value: usize| i32::try_from(value).unwrap_or(0);
        let (width, height) = (number(source.width), number(source.height));
        Self {
            before,
            after,
            inner: [(width + 1 - number(across) - before).max(0), (height - before - after).max(0)],
            outer: [width + before + after, height + before + after],
            bits: if filter == Filter::Nearest { 0 } else { FRACTION },
        }
    }
}
