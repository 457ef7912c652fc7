//! Registers with one or two groups of rows, and the instructions on them under one name.

/// Vectors of 16 bytes: one group.
pub(super) mod one {
    use std::arch::x86_64::*;
    pub(in super::super) use std::arch::x86_64::{
        _mm_setzero_si128 as zero, _mm_shuffle_epi8 as shuffle, _mm_unpackhi_epi8 as high8,
        _mm_unpackhi_epi32 as high32, _mm_unpackhi_epi64 as high64, _mm_unpacklo_epi8 as low8,
        _mm_unpacklo_epi32 as low32, _mm_unpacklo_epi64 as low64,
    };

    /// The number of groups of rows that fit into the registers.
    pub(in super::super) const GROUPS: usize = 1;

    /// Repeats the bytes for each group.
    #[inline]
    #[target_feature(enable = "sse4.1")]
    pub(in super::super) fn repeated(bytes: &[i8; 16]) -> __m128i {
        // SAFETY: 16 bytes are there.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    /// # Safety
    /// There are 16 bytes.
    #[inline]
    #[target_feature(enable = "sse4.1")]
    pub(in super::super) unsafe fn load(from: *const u8, _: isize) -> __m128i {
        // SAFETY: the caller promises it.
        unsafe { _mm_loadu_si128(from.cast()) }
    }

    /// # Safety
    /// There is room for 16 bytes.
    #[inline]
    #[target_feature(enable = "sse4.1")]
    pub(in super::super) unsafe fn store(to: *mut u8, row: __m128i) {
        // SAFETY: the caller promises it.
        unsafe { _mm_storeu_si128(to.cast(), row) };
    }

    /// The first twelve bytes of each group.
    ///
    /// # Safety
    /// There is room for them.
    #[inline]
    #[target_feature(enable = "sse4.1")]
    pub(in super::super) unsafe fn store_threes(to: *mut u8, row: __m128i) {
        let end = _mm_extract_epi32::<2>(row);
        // SAFETY: the caller promises it.
        unsafe { _mm_storel_epi64(to.cast(), row) };
        // SAFETY: as above.
        let rest = unsafe { to.add(8) };
        // SAFETY: as above.
        unsafe { rest.cast::<i32>().write_unaligned(end) };
    }
}

/// Vectors of 32 bytes: two groups, the second in the upper half.
pub(super) mod two {
    use std::arch::x86_64::*;
    pub(in super::super) use std::arch::x86_64::{
        _mm256_setzero_si256 as zero, _mm256_shuffle_epi8 as shuffle,
        _mm256_unpackhi_epi8 as high8, _mm256_unpackhi_epi32 as high32,
        _mm256_unpackhi_epi64 as high64, _mm256_unpacklo_epi8 as low8,
        _mm256_unpacklo_epi32 as low32, _mm256_unpacklo_epi64 as low64,
    };

    /// The number of groups of rows that fit into the registers.
    pub(in super::super) const GROUPS: usize = 2;

    /// Repeats the bytes for each group.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in super::super) fn repeated(bytes: &[i8; 16]) -> __m256i {
        // SAFETY: 16 bytes are there.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
    }

    /// A row of the first group, and the one of the second that is `apart` bytes away.
    ///
    /// # Safety
    /// There are 16 bytes in both places.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in super::super) unsafe fn load(from: *const u8, apart: isize) -> __m256i {
        // SAFETY: the caller promises it.
        let second = unsafe { from.offset(apart) };
        // SAFETY: as above.
        unsafe { _mm256_loadu2_m128i(second.cast(), from.cast()) }
    }

    /// # Safety
    /// There is room for 32 bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in super::super) unsafe fn store(to: *mut u8, row: __m256i) {
        // SAFETY: the caller promises it.
        unsafe { _mm256_storeu_si256(to.cast(), row) };
    }

    /// The first twelve bytes of each group.
    ///
    /// # Safety
    /// There is room for them.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in super::super) unsafe fn store_threes(to: *mut u8, row: __m256i) {
        let row = _mm256_permutevar8x32_epi32(row, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
        let (start, end) = (_mm256_castsi256_si128(row), _mm256_extracti128_si256::<1>(row));
        // SAFETY: the caller promises it.
        unsafe { _mm_storeu_si128(to.cast(), start) };
        // SAFETY: as above.
        let rest = unsafe { to.add(16) };
        // SAFETY: as above.
        unsafe { _mm_storel_epi64(rest.cast(), end) };
    }
}
