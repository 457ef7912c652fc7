//! Blocks of pixels turned in registers of 16 bytes. There is a copy for each set of instructions:
//! later ones have more registers, and instructions that do not overwrite what they read.

#![allow(unsafe_code, reason = "vector loads and stores")]
#![allow(clippy::indexing_slicing, reason = "halves of an index below 16")]

macro_rules! copy {
    ($name:ident $features:literal) => {
        pub(super) mod $name {
            use std::arch::x86_64::*;
            use std::ops::Range;

            /// Those columns of the sources become rows, `stride` bytes apart; with `backwards`
            /// the last column the first row. There are 16 sources for pixels of one byte, 4 for
            /// such of three or four. How many columns were done: vectors read up to four bytes
            /// more than they use, and those may not be there.
            #[target_feature(enable = $features)]
            pub(in super::super) fn turn<const N: usize>(
                backwards: bool,
                sources: &[&[u8]],
                columns: Range<usize>,
                to: &mut [u8],
                stride: usize,
            ) -> usize {
                let side = if N == 1 { 16 } else { 4 };
                let shortest = sources.iter().map(|source| source.len()).min().unwrap_or(0);
                let room = columns.len().saturating_sub(1) * stride + side * N <= to.len();
                if sources.len() != side || !room {
                    return 0;
                }
                let mut first = columns.start;
                while first + side <= columns.end && first * N + 16 <= shortest {
                    let line =
                        if backwards { columns.end - first - side } else { first - columns.start };
                    // SAFETY: line + side <= columns.len(), and `to` has as many rows, each as far
                    // as the last pixel of a block.
                    let place = unsafe { to.as_mut_ptr().add(line * stride) };
                    // SAFETY: all sources have 16 bytes there, `place` has `side` rows.
                    unsafe { block::<N>(backwards, sources, first * N, place, stride) };
                    first += side;
                }
                first - columns.start
            }

            /// # Safety
            /// All sources have 16 bytes there; there are as many rows at `to` as sources.
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn block<const N: usize>(
                backwards: bool,
                sources: &[&[u8]],
                from: usize,
                to: *mut u8,
                stride: usize,
            ) {
                if N == 1 {
                    let mut rows = [_mm_setzero_si128(); 16];
                    for (row, source) in rows.iter_mut().zip(sources) {
                        // SAFETY: all sources have 16 bytes there.
                        let bytes = unsafe { source.as_ptr().add(from) };
                        // SAFETY: as above.
                        *row = unsafe { _mm_loadu_si128(bytes.cast()) };
                    }
                    // Each round interleaves the first half with the second; after four, the
                    // matrix is transposed.
                    for _ in 0..4 {
                        let mut next = rows;
                        for at in 0..8 {
                            next[2 * at] = _mm_unpacklo_epi8(rows[at], rows[at + 8]);
                            next[2 * at + 1] = _mm_unpackhi_epi8(rows[at], rows[at + 8]);
                        }
                        rows = next;
                    }
                    for (at, row) in rows.into_iter().enumerate() {
                        let line = if backwards { 15 - at } else { at };
                        // SAFETY: there are 16 rows.
                        let to = unsafe { to.add(line * stride) };
                        // SAFETY: each has 16 bytes there.
                        unsafe { _mm_storeu_si128(to.cast(), row) };
                    }
                    return;
                }
                let mut rows = [_mm_setzero_si128(); 4];
                for (row, source) in rows.iter_mut().zip(sources) {
                    // SAFETY: all sources have 16 bytes there.
                    let bytes = unsafe { source.as_ptr().add(from) };
                    // SAFETY: as above.
                    *row = unsafe { _mm_loadu_si128(bytes.cast()) };
                }
                if N == 3 {
                    let widen = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
                    rows = rows.map(|row| _mm_shuffle_epi8(row, widen));
                }
                let [a, b, c, d] = rows;
                let (left, right) = (_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
                let (more_left, more_right) = (_mm_unpackhi_epi32(a, b), _mm_unpackhi_epi32(c, d));
                let rows = [
                    _mm_unpacklo_epi64(left, right),
                    _mm_unpackhi_epi64(left, right),
                    _mm_unpacklo_epi64(more_left, more_right),
                    _mm_unpackhi_epi64(more_left, more_right),
                ];
                for (at, row) in rows.into_iter().enumerate() {
                    let line = if backwards { 3 - at } else { at };
                    // SAFETY: there are 4 rows.
                    let to = unsafe { to.add(line * stride) };
                    if N == 3 {
                        let narrow =
                            _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
                        let row = _mm_shuffle_epi8(row, narrow);
                        // SAFETY: the row has 12 bytes there, of which these are the first eight.
                        unsafe { _mm_storel_epi64(to.cast(), row) };
                        let end = _mm_extract_epi32::<2>(row);
                        // SAFETY: as above.
                        let rest = unsafe { to.add(8) };
                        // SAFETY: and these the last four.
                        unsafe { rest.cast::<i32>().write_unaligned(end) };
                    } else {
                        // SAFETY: the row has 16 bytes there.
                        unsafe { _mm_storeu_si128(to.cast(), row) };
                    }
                }
            }
        }
    };
}
copy!(sse41 "sse4.1");
copy!(avx2 "avx2");
copy!(avx512 "avx512f,avx512bw,avx512vl");
