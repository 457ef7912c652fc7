//! Blocks of pixels turned in registers.
//!
//! A register of 16 bytes holds 16 grey pixels of a row, or four pixels of colours, which vectors
//! of 32 bytes do for two groups of rows at once. Such of 64 bytes were slower for grey pixels
//! (1080p: 228 instead of 170 µs): the rows of the result rarely start at a line of the cache, so
//! that nearly each of them straddles two.
//!
//! There is a copy for each set of instructions: later ones have more registers, and instructions
//! that do not overwrite what they read.

#![allow(unsafe_code, reason = "vector loads and stores")]
#![allow(clippy::indexing_slicing, reason = "halves of an index below 16")]

mod registers;

/// Shuffles that widen rows of four pixels from three bytes to four, and back.
const WIDEN: [i8; 16] = [0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1];
/// Like [`WIDEN`], for pixels that start at the fifth byte.
const WIDEN_LATE: [i8; 16] = [4, 5, 6, -1, 7, 8, 9, -1, 10, 11, 12, -1, 13, 14, 15, -1];
const NARROW: [i8; 16] = [0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1];

macro_rules! copy {
    ($name:ident $features:literal $registers:ident) => {
        pub(super) mod $name {
            use std::ops::Range;

            use super::super::turn::{Source, Turn};
            use super::registers::$registers::*;
            use super::{NARROW, WIDEN, WIDEN_LATE};
            use crate::simd::prefetch::prefetch_line;

            /// The number of rows of pixels of `bytes` bytes that are turned at once.
            pub(in super::super) const fn rows(bytes: usize) -> usize {
                GROUPS * if bytes == 1 { 16 } else { 4 }
            }

            /// Turns columns into the rows that start at `to`, `stride` bytes apart. Returns
            /// whether it did, which needs enough columns and rows for a block.
            #[target_feature(enable = $features)]
            pub(in super::super) fn turn<const N: usize>(
                turn: Turn,
                source: Source<'_>,
                columns: Range<usize>,
                to: &mut [u8],
                stride: usize,
            ) -> bool {
                let Source { data, stride: from_stride, width, height } = source;
                let (across, down) = (if N == 1 { 16 } else { 4 }, rows(N));
                let (lines, fits) = (columns.len(), columns.end <= width);
                let reads = (height.max(1) - 1) * from_stride + width * N;
                let writes = (lines.max(1) - 1) * stride + height * N;
                let large = lines >= across && height >= down && width * N >= 16;
                if !fits || !large || data.len() < reads || to.len() < writes {
                    return false;
                }
                for left in (0..height).step_by(down) {
                    // Blocks at the end overlap those before.
                    let left = left.min(height - down);
                    if left % (4 * across) == 0 {
                        // Each row of the result goes on in another place of memory.
                        let next = (0..lines).map(|line| line * stride + left * N + 64);
                        next.for_each(|at| prefetch_line(to.as_ptr().wrapping_add(at)));
                    }
                    // In the order of the rows of the result, as the strips are: columns from left
                    // to right within strips from right to left take 1.3 times as long.
                    for line in (0..lines).step_by(across) {
                        let line = line.min(lines - across);
                        let first = match turn {
                            Turn::Clockwise => columns.start + line,
                            Turn::CounterClockwise => columns.end - across - line,
                        };
                        // Vectors read up to four bytes more than they use: at the end of a row
                        // these are ones before.
                        let late = first * N + 16 > width * N;
                        let place = first * N - if late { 4 } else { 0 };
                        let below = from_stride.cast_signed();
                        let (row, from_step) = match turn {
                            Turn::Clockwise => (height - 1 - left, -below),
                            Turn::CounterClockwise => (left, below),
                        };
                        let (line, to_step) = match turn {
                            Turn::Clockwise => (line, stride.cast_signed()),
                            Turn::CounterClockwise => (line + across - 1, -stride.cast_signed()),
                        };
                        // SAFETY: the row is one of the source, and `place` is within it.
                        let from = unsafe { data.as_ptr().add(row * from_stride + place) };
                        // SAFETY: the line is one of `to`, and has `height` pixels.
                        let to = unsafe { to.as_mut_ptr().add(line * stride + left * N) };
                        // SAFETY: from the row on there are `down` rows in the direction of the
                        // step, with 16 bytes each at `place`; and from the line on `across`,
                        // with room for `down` pixels.
                        unsafe { block::<N>(late, from, from_step, to, to_step) };
                    }
                }
                true
            }

            /// # Safety
            /// There are that many rows in the direction of both steps: with 16 bytes each at
            /// `from`, and room for a block at `to`.
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn block<const N: usize>(
                late: bool,
                from: *const u8,
                from_step: isize,
                to: *mut u8,
                to_step: isize,
            ) {
                // SAFETY: the caller promises it.
                let row = |at: usize| unsafe { from.offset(at.cast_signed() * from_step) };
                // SAFETY: as above.
                let line = |at: usize| unsafe { to.offset(at.cast_signed() * to_step) };
                if N == 1 {
                    let mut rows = [zero(); 16];
                    for (at, to) in rows.iter_mut().enumerate() {
                        // SAFETY: all these rows have 16 bytes there.
                        *to = unsafe { load(row(at), 16 * from_step) };
                    }
                    // Each round interleaves the first half with the second; after four, the
                    // matrix is transposed.
                    for _ in 0..4 {
                        let mut next = rows;
                        for at in 0..8 {
                            next[2 * at] = low8(rows[at], rows[at + 8]);
                            next[2 * at + 1] = high8(rows[at], rows[at + 8]);
                        }
                        rows = next;
                    }
                    for (at, row) in rows.into_iter().enumerate() {
                        // SAFETY: each line has room for so many pixels.
                        unsafe { store(line(at), row) };
                    }
                    return;
                }
                let mut rows = [zero(); 4];
                for (at, to) in rows.iter_mut().enumerate() {
                    // SAFETY: all these rows have 16 bytes there.
                    *to = unsafe { load(row(at), 4 * from_step) };
                }
                if N == 3 {
                    let widen = repeated(if late { &WIDEN_LATE } else { &WIDEN });
                    rows = rows.map(|row| shuffle(row, widen));
                }
                let [a, b, c, d] = rows;
                let (left, right) = (low32(a, b), low32(c, d));
                let (more_left, more_right) = (high32(a, b), high32(c, d));
                let rows = [
                    low64(left, right),
                    high64(left, right),
                    low64(more_left, more_right),
                    high64(more_left, more_right),
                ];
                for (at, row) in rows.into_iter().enumerate() {
                    if N == 3 {
                        let row = shuffle(row, repeated(&NARROW));
                        // SAFETY: each line has room for so many pixels.
                        unsafe { store_threes(line(at), row) };
                    } else {
                        // SAFETY: as above.
                        unsafe { store(line(at), row) };
                    }
                }
            }
        }
    };
}
copy!(sse41 "sse4.1" one);
copy!(avx2 "avx2" two);
copy!(avx512 "avx512f,avx512bw,avx512vl" two);
