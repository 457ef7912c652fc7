//! Counts of a square in two vectors, or in one where there is AVX2.
#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::{BINS, Column, Square};

/// A sample comes in, another goes out.
#[inline(always)]
pub(in super::super) fn exchange(counts: &mut Column, new: &Column, old: &Column) {
    // SAFETY: every x86-64 processor has SSE2.
    let more = unsafe { _mm_add_epi8(load(counts), load(new)) };
    // SAFETY: as above.
    let counted = unsafe { _mm_sub_epi8(more, load(old)) };
    // SAFETY: a column has as many bytes as the vector.
    unsafe { _mm_storeu_si128(counts.as_mut_ptr().cast(), counted) };
}

#[inline(always)]
fn load(column: &Column) -> __m128i {
    // SAFETY: a column has as many bytes as the vector.
    unsafe { _mm_loadu_si128(column.as_ptr().cast()) }
}

/// The one of the counts after that many; zero comes before them.
#[inline(always)]
fn counted(counts: &[u16; BINS + 1], after: usize) -> u16 {
    counts.get(after).copied().unwrap_or(0)
}

/// With what every processor has.
#[derive(Clone, Copy)]
pub(in super::super) struct Baseline([__m128i; 2]);

impl Baseline {
    /// The counts of no samples.
    pub(in super::super) fn none() -> Self {
        // SAFETY: every x86-64 processor has SSE2.
        Self([unsafe { _mm_setzero_si128() }; 2])
    }
}

impl Square for Baseline {
    #[inline(always)]
    fn slide(&mut self, new: &Column, old: &Column) {
        // SAFETY: every x86-64 processor has SSE2.
        self.0 = unsafe { slide(self.0, load(new), load(old)) };
    }

    #[inline(always)]
    fn bins_up_to(self, most: u16) -> usize {
        // SAFETY: every x86-64 processor has SSE2.
        unsafe { bins_up_to(self.0, most) }
    }

    #[inline(always)]
    fn before(self, bin: usize) -> u16 {
        let mut counts = [0; BINS + 1];
        let to: *mut __m128i = counts.as_mut_ptr().wrapping_add(1).cast();
        // SAFETY: after the first count, the array has room for two vectors.
        unsafe { _mm_storeu_si128(to, self.0[0]) };
        // SAFETY: as above.
        unsafe { _mm_storeu_si128(to.wrapping_add(1), self.0[1]) };
        counted(&counts, bin)
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn slide([low, high]: [__m128i; 2], new: __m128i, old: __m128i) -> [__m128i; 2] {
    let zero = _mm_setzero_si128();
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

/// A value proves that AVX2 may be used.
#[derive(Clone, Copy)]
pub(in super::super) struct Avx2(__m256i);

impl Avx2 {
    /// The counts of no samples.
    #[target_feature(enable = "avx2")]
    pub(in super::super) fn none() -> Self {
        Self(_mm256_setzero_si256())
    }
}

impl Square for Avx2 {
    #[inline(always)]
    fn slide(&mut self, new: &Column, old: &Column) {
        // SAFETY: `self` exists only where there is AVX2.
        self.0 = unsafe { slide_wide(self.0, load(new), load(old)) };
    }

    #[inline(always)]
    fn bins_up_to(self, most: u16) -> usize {
        // SAFETY: `self` exists only where there is AVX2.
        unsafe { bins_up_to_wide(self.0, most) }
    }

    #[inline(always)]
    fn before(self, bin: usize) -> u16 {
        let mut counts = [0; BINS + 1];
        let to: *mut __m256i = counts.as_mut_ptr().wrapping_add(1).cast();
        // SAFETY: after the first count, the array has room for the vector; `self` exists only
        // where there is AVX2.
        unsafe { _mm256_storeu_si256(to, self.0) };
        counted(&counts, bin)
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn slide_wide(counts: __m256i, new: __m128i, old: __m128i) -> __m256i {
    let more = _mm256_add_epi16(counts, _mm256_cvtepu8_epi16(new));
    _mm256_sub_epi16(more, _mm256_cvtepu8_epi16(old))
}

#[inline]
#[target_feature(enable = "avx2")]
fn bins_up_to_wide(counts: __m256i, most: u16) -> usize {
    let above = _mm256_subs_epu16(counts, _mm256_set1_epi16(most.cast_signed()));
    let bytes = _mm256_movemask_epi8(_mm256_cmpeq_epi16(above, _mm256_setzero_si256()));
    (!bytes).trailing_zeros() as usize / 2
}
