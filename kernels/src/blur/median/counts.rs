//! Sixteen counts at a time, as vectors.
//!
//! On x86 with instructions that every processor has, so that one text serves all levels: these
//! vectors are as long as there are counts. The compiler does not find them by itself.
#![allow(clippy::indexing_slicing, reason = "arrays of as many counts as there are bins")]

/// Four bits of a sample.
pub(super) const BINS: usize = 16;

/// Counts of a column: in how many samples four bits are at most that.
pub(super) type Column = [u8; BINS];

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

/// A sample comes in, another goes out.
#[inline(always)]
pub(super) fn exchange(counts: &mut Column, new: &Column, old: &Column) {
    for bin in 0..BINS {
        counts[bin] = counts[bin].wrapping_add(new[bin]).wrapping_sub(old[bin]);
    }
}

pub(super) use square::Square;

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector loads and stores")]
mod square {
    use std::arch::x86_64::*;

    use super::{BINS, Column};

    /// Counts of a square: two vectors.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Square([__m128i; 2]);

    impl Square {
        #[inline(always)]
        pub(in super::super) fn zero() -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            Self([unsafe { _mm_setzero_si128() }; 2])
        }

        /// A column comes in, another goes out.
        #[inline(always)]
        pub(in super::super) fn slide(&mut self, new: &Column, old: &Column) {
            // SAFETY: every x86-64 processor has SSE2.
            self.0 = unsafe { slide(self.0, new, old) };
        }

        /// How many bins have so few samples up to them; the counts never fall.
        #[inline(always)]
        pub(in super::super) fn bins_up_to(self, most: u16) -> usize {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { bins_up_to(self.0, most) }
        }

        /// The counts one by one.
        #[inline(always)]
        pub(in super::super) fn counts(self) -> [u16; BINS] {
            let mut counts = [0; BINS];
            let to: *mut __m128i = counts.as_mut_ptr().cast();
            // SAFETY: the array has room for two vectors.
            unsafe { _mm_storeu_si128(to, self.0[0]) };
            // SAFETY: the array has room for two vectors.
            let to = unsafe { to.add(1) };
            // SAFETY: the array has room for two vectors.
            unsafe { _mm_storeu_si128(to, self.0[1]) };
            counts
        }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn slide([low, high]: [__m128i; 2], new: &Column, old: &Column) -> [__m128i; 2] {
        let zero = _mm_setzero_si128();
        // SAFETY: a column has as many bytes as the vector.
        let new = unsafe { _mm_loadu_si128(new.as_ptr().cast()) };
        // SAFETY: a column has as many bytes as the vector.
        let old = unsafe { _mm_loadu_si128(old.as_ptr().cast()) };
        let low_new = _mm_add_epi16(low, _mm_unpacklo_epi8(new, zero));
        let high_new = _mm_add_epi16(high, _mm_unpackhi_epi8(new, zero));
        let low = _mm_sub_epi16(low_new, _mm_unpacklo_epi8(old, zero));
        [low, _mm_sub_epi16(high_new, _mm_unpackhi_epi8(old, zero))]
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn bins_up_to([low, high]: [__m128i; 2], most: u16) -> usize {
        let (most, zero) = (_mm_set1_epi16(most.cast_signed()), _mm_setzero_si128());
        let low = _mm_cmpeq_epi16(_mm_subs_epu16(low, most), zero);
        let high = _mm_cmpeq_epi16(_mm_subs_epu16(high, most), zero);
        let bits = _mm_movemask_epi8(_mm_packs_epi16(low, high));
        (!bits).trailing_zeros() as usize
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod square {
    use super::{BINS, Column};

    /// Counts of a square.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Square([u16; BINS]);

    impl Square {
        #[inline(always)]
        pub(in super::super) fn zero() -> Self {
            Self([0; BINS])
        }

        /// A column comes in, another goes out.
        #[inline(always)]
        pub(in super::super) fn slide(&mut self, new: &Column, old: &Column) {
            for bin in 0..BINS {
                let change = u16::from(new[bin]).wrapping_sub(u16::from(old[bin]));
                self.0[bin] = self.0[bin].wrapping_add(change);
            }
        }

        /// How many bins have so few samples up to them; the counts never fall.
        #[inline(always)]
        pub(in super::super) fn bins_up_to(self, most: u16) -> usize {
            self.0.iter().map(|count| u8::from(*count <= most)).sum::<u8>().into()
        }

        /// The counts one by one.
        #[inline(always)]
        pub(in super::super) fn counts(self) -> [u16; BINS] {
            self.0
        }
    }
}
