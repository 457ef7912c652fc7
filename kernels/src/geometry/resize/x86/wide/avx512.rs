//! 64 bytes in one register of AVX-512.

use std::arch::x86_64::*;

use super::{THREES_OF_FOUR, Wide};
use crate::simd::Avx512;

/// Selects words from sixteen numbers of 32 bits: the lower words of the first three of each four.
const THREES: [u16; 32] = [
    0, 2, 4, 8, 10, 12, 16, 18, 20, 24, 26, 28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0,
];

impl Wide for Avx512 {
    type V = __m512i;

    #[inline(always)]
    fn splat(self, value: i32) -> __m512i {
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm512_set1_epi32(value) }
    }

    #[inline(always)]
    fn load(self, from: &[i32; 16]) -> __m512i {
        // SAFETY: `self` proves the instruction; 64 bytes are read from an array of 16 times 4.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn load_words(self, from: &[i16; 32]) -> __m512i {
        // SAFETY: `self` proves the instruction; 64 bytes are read from an array of 32 times 2.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn lanes_of(self, [a, b, c, d]: [__m128i; 4]) -> __m512i {
        // SAFETY: `self` proves that the CPU has this instruction.
        let one = unsafe { _mm512_castsi128_si512(a) };
        // SAFETY: as above.
        let two = unsafe { _mm512_inserti32x4::<1>(one, b) };
        // SAFETY: as above.
        let three = unsafe { _mm512_inserti32x4::<2>(two, c) };
        // SAFETY: as above.
        unsafe { _mm512_inserti32x4::<3>(three, d) }
    }

    #[inline(always)]
    unsafe fn gather(self, from: &[u8], starts: __m512i) -> __m512i {
        // SAFETY: `self` proves the instruction; the caller promises the bytes.
        unsafe { _mm512_i32gather_epi32::<1>(starts, from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn shuffle(self, bytes: __m512i, order: __m512i) -> __m512i {
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm512_shuffle_epi8(bytes, order) }
    }

    #[inline(always)]
    fn add(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    fn multiply_add(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm512_madd_epi16(a, b) }
    }

    #[inline(always)]
    fn shift_down(self, a: __m512i, by: __m128i) -> __m512i {
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm512_sra_epi32(a, by) }
    }

    #[inline(always)]
    fn zip(self, a: __m512i, b: __m512i) -> [__m512i; 2] {
        // SAFETY: `self` proves that the CPU has this instruction.
        let low = unsafe { _mm512_unpacklo_epi16(a, b) };
        // SAFETY: as above.
        [low, unsafe { _mm512_unpackhi_epi16(a, b) }]
    }

    #[inline(always)]
    fn lanes(self, from: &[i16; 8]) -> __m512i {
        // SAFETY: 16 bytes are read from an array of 8 times 2.
        let lane = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm512_broadcast_i32x4(lane) }
    }

    #[inline(always)]
    fn sum_up(self, [a, b, c, d]: [__m512i; 4]) -> __m512i {
        let neighbours = |a, b| {
            // SAFETY: `self` proves that the CPU has this instruction.
            let low = unsafe { _mm512_unpacklo_epi32(a, b) };
            // SAFETY: as above.
            self.add(low, unsafe { _mm512_unpackhi_epi32(a, b) })
        };
        let (a, b) = (neighbours(a, b), neighbours(c, d));
        // SAFETY: as above.
        let low = unsafe { _mm512_unpacklo_epi64(a, b) };
        // SAFETY: as above.
        self.add(low, unsafe { _mm512_unpackhi_epi64(a, b) })
    }

    #[inline(always)]
    fn store_words(self, a: __m512i, to: &mut [i16; 32]) {
        // SAFETY: `self` proves the instruction; 64 bytes are written to an array of 32 times 2.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), a) };
    }

    #[inline(always)]
    unsafe fn store_lanes(self, [a, b]: [__m512i; 2], to: *mut i16, places: [usize; 4]) {
        // SAFETY: `self` proves that the CPU has this instruction.
        let words = unsafe { _mm512_packs_epi32(a, b) };
        // SAFETY: as above; the caller promises the room.
        unsafe { store_four(self, words, to, places) };
    }

    #[inline(always)]
    unsafe fn store_lane_threes(self, [a, b]: [__m512i; 2], to: *mut i16, places: [usize; 4]) {
        // SAFETY: `self` proves that the CPU has this instruction.
        let words = unsafe { _mm512_packs_epi32(a, b) };
        let words = self.shuffle(words, self.load(&THREES_OF_FOUR));
        // SAFETY: the caller promises the room.
        unsafe { store_four(self, words, to, places) };
    }

    #[inline(always)]
    fn store(self, a: __m512i, to: &mut [i16; 16]) {
        // SAFETY: `self` proves that the CPU has this instruction.
        let words = unsafe { _mm512_cvtepi32_epi16(a) };
        // SAFETY: `self` proves the instruction; 32 bytes are written to an array of 16 times 2.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), words) };
    }

    #[inline(always)]
    fn store_threes(self, a: __m512i, to: &mut [i16; 16]) {
        // SAFETY: `self` proves the instruction; 64 bytes are read from an array of 32 times 2.
        let order = unsafe { _mm512_loadu_si512(THREES.as_ptr().cast()) };
        // SAFETY: `self` proves that the CPU has this instruction.
        let words = unsafe { _mm512_permutexvar_epi16(order, a) };
        // SAFETY: as above.
        let words = unsafe { _mm512_castsi512_si256(words) };
        // SAFETY: `self` proves the instruction; 32 bytes are written to an array of 16 times 2.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), words) };
    }

    #[inline(always)]
    fn store_bytes(self, [low, high]: [__m512i; 2], to: &mut [u8; 32]) {
        // SAFETY: `self` proves that the CPU has this instruction.
        let words = unsafe { _mm512_packs_epi32(low, high) };
        // SAFETY: as above.
        let words = unsafe { _mm512_max_epi16(words, self.splat(0)) };
        // SAFETY: as above.
        let bytes = unsafe { _mm512_cvtusepi16_epi8(words) };
        // SAFETY: `self` proves the instruction; 32 bytes are written to an array of 32.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), bytes) };
    }
}

/// Each lane to one place.
///
/// # Safety
/// There is room for eight elements at each.
#[inline(always)]
unsafe fn store_four(_: Avx512, words: __m512i, to: *mut i16, [p, q, r, s]: [usize; 4]) {
    // SAFETY: the proof says that the CPU has this instruction.
    let a = unsafe { _mm512_castsi512_si128(words) };
    // SAFETY: as above.
    let b = unsafe { _mm512_extracti32x4_epi32::<1>(words) };
    // SAFETY: as above.
    let c = unsafe { _mm512_extracti32x4_epi32::<2>(words) };
    // SAFETY: as above.
    let d = unsafe { _mm512_extracti32x4_epi32::<3>(words) };
    for (words, place) in [(a, p), (b, q), (c, r), (d, s)] {
        // SAFETY: the caller promises the room.
        let to = unsafe { to.add(place) };
        // SAFETY: as above. SSE2 is part of x86-64.
        unsafe { _mm_storeu_si128(to.cast(), words) };
    }
}
