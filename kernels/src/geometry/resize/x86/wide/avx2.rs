//! 64 bytes in two registers of AVX2.

use std::arch::x86_64::*;

use super::{THREES_OF_FOUR, Wide};
use crate::simd::Avx2;

impl Wide for Avx2 {
    type V = [__m256i; 2];

    #[inline(always)]
    fn splat(self, value: i32) -> [__m256i; 2] {
        // SAFETY: `self` proves that the CPU has this instruction.
        [unsafe { _mm256_set1_epi32(value) }; 2]
    }

    #[inline(always)]
    fn load(self, from: &[i32; 16]) -> [__m256i; 2] {
        // SAFETY: `self` proves the instruction; 32 bytes are read from an array of 16 times 4.
        let low = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
        // SAFETY: the same array, from the middle on.
        let from = unsafe { from.as_ptr().add(8) };
        // SAFETY: as above.
        [low, unsafe { _mm256_loadu_si256(from.cast()) }]
    }

    #[inline(always)]
    fn load_words(self, from: &[i16; 32]) -> [__m256i; 2] {
        // SAFETY: `self` proves the instruction; 32 bytes are read from an array of 32 times 2.
        let low = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
        // SAFETY: the same array, from the middle on.
        let from = unsafe { from.as_ptr().add(16) };
        // SAFETY: as above.
        [low, unsafe { _mm256_loadu_si256(from.cast()) }]
    }

    #[inline(always)]
    fn lanes_of(self, [a, b, c, d]: [__m128i; 4]) -> [__m256i; 2] {
        [(a, b), (c, d)].map(|(low, high)| {
            // SAFETY: `self` proves that the CPU has this instruction.
            let low = unsafe { _mm256_castsi128_si256(low) };
            // SAFETY: as above.
            unsafe { _mm256_inserti128_si256::<1>(low, high) }
        })
    }

    #[inline(always)]
    unsafe fn gather(self, from: &[u8], starts: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` proves the instruction; the caller promises the bytes.
        starts.map(|starts| unsafe { _mm256_i32gather_epi32::<1>(from.as_ptr().cast(), starts) })
    }

    #[inline(always)]
    fn shuffle(self, bytes: [__m256i; 2], order: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` proves that the CPU has this instruction.
        both(bytes, order, |a, b| unsafe { _mm256_shuffle_epi8(a, b) })
    }

    #[inline(always)]
    fn add(self, a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` proves that the CPU has this instruction.
        both(a, b, |a, b| unsafe { _mm256_add_epi32(a, b) })
    }

    #[inline(always)]
    fn multiply_add(self, a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` proves that the CPU has this instruction.
        both(a, b, |a, b| unsafe { _mm256_madd_epi16(a, b) })
    }

    #[inline(always)]
    fn shift_down(self, a: [__m256i; 2], by: __m128i) -> [__m256i; 2] {
        // SAFETY: `self` proves that the CPU has this instruction.
        a.map(|a| unsafe { _mm256_sra_epi32(a, by) })
    }

    #[inline(always)]
    fn zip(self, a: [__m256i; 2], b: [__m256i; 2]) -> [[__m256i; 2]; 2] {
        // SAFETY: `self` proves that the CPU has this instruction.
        let low = both(a, b, |a, b| unsafe { _mm256_unpacklo_epi16(a, b) });
        // SAFETY: as above.
        [low, both(a, b, |a, b| unsafe { _mm256_unpackhi_epi16(a, b) })]
    }

    #[inline(always)]
    fn lanes(self, from: &[i16; 8]) -> [__m256i; 2] {
        // SAFETY: 16 bytes are read from an array of 8 times 2.
        let lane = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
        // SAFETY: `self` proves that the CPU has this instruction.
        [unsafe { _mm256_broadcastsi128_si256(lane) }; 2]
    }

    #[inline(always)]
    fn sum_up(self, [a, b, c, d]: [[__m256i; 2]; 4]) -> [__m256i; 2] {
        // SAFETY: `self` proves that the CPU has this instruction.
        let neighbours = |a, b| both(a, b, |a, b| unsafe { _mm256_hadd_epi32(a, b) });
        neighbours(neighbours(a, b), neighbours(c, d))
    }

    #[inline(always)]
    fn store_words(self, [low, high]: [__m256i; 2], to: &mut [i16; 32]) {
        // SAFETY: `self` proves the instruction; 32 bytes are written to an array of 32 times 2.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), low) };
        // SAFETY: the same array, from the middle on.
        let to = unsafe { to.as_mut_ptr().add(16) };
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(to.cast(), high) };
    }

    #[inline(always)]
    unsafe fn store_lanes(self, [a, b]: [[__m256i; 2]; 2], to: *mut i16, places: [usize; 4]) {
        // SAFETY: `self` proves that the CPU has this instruction.
        let words = both(a, b, |a, b| unsafe { _mm256_packs_epi32(a, b) });
        // SAFETY: the caller promises the room.
        unsafe { store_two_by_two(self, words, to, places) };
    }

    #[inline(always)]
    unsafe fn store_lane_threes(self, [a, b]: [[__m256i; 2]; 2], to: *mut i16, places: [usize; 4]) {
        // SAFETY: `self` proves that the CPU has this instruction.
        let words = both(a, b, |a, b| unsafe { _mm256_packs_epi32(a, b) });
        let words = self.shuffle(words, self.load(&THREES_OF_FOUR));
        // SAFETY: the caller promises the room.
        unsafe { store_two_by_two(self, words, to, places) };
    }

    #[inline(always)]
    fn store(self, a: [__m256i; 2], to: &mut [i16; 16]) {
        // SAFETY: `self` proves the instruction; 32 bytes are written to an array of 16 times 2.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), words(self, a)) };
    }

    #[inline(always)]
    fn store_threes(self, a: [__m256i; 2], to: &mut [i16; 16]) {
        let order: [i8; 16] = [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1];
        // SAFETY: 16 bytes are read from an array of 16.
        let order = unsafe { _mm_loadu_si128(order.as_ptr().cast()) };
        let words = words(self, a);
        // SAFETY: `self` proves that the CPU has this instruction.
        let order = unsafe { _mm256_broadcastsi128_si256(order) };
        // SAFETY: as above.
        let words = unsafe { _mm256_shuffle_epi8(words, order) };
        let to = to.as_mut_ptr();
        // SAFETY: byte 12 of an array of 16 times 2.
        let second = unsafe { to.add(6) };
        // SAFETY: 16 bytes are there from both on.
        unsafe { store_halves(self, words, to, second) };
    }

    #[inline(always)]
    fn store_bytes(self, [low, high]: [[__m256i; 2]; 2], to: &mut [u8; 32]) {
        // SAFETY: `self` proves that the CPU has this instruction.
        let [a, b] = both(low, high, |low, high| unsafe { _mm256_packs_epi32(low, high) });
        // SAFETY: as above.
        let turns = unsafe { _mm256_packus_epi16(a, b) };
        // SAFETY: as above. The lanes of both come in turns.
        let bytes = unsafe { _mm256_permute4x64_epi64::<0xd8>(turns) };
        // SAFETY: `self` proves the instruction; 32 bytes are written to an array of 32.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), bytes) };
    }
}

/// Each lane to one place.
///
/// # Safety
/// There is room for eight elements at each.
#[inline(always)]
unsafe fn store_two_by_two(
    proof: Avx2,
    words: [__m256i; 2],
    to: *mut i16,
    [p, q, r, s]: [usize; 4],
) {
    for (words, (low, high)) in words.into_iter().zip([(p, q), (r, s)]) {
        // SAFETY: the caller promises the room.
        let (low, high) = (unsafe { to.add(low) }, unsafe { to.add(high) });
        // SAFETY: as above.
        unsafe { store_halves(proof, words, low, high) };
    }
}

/// # Safety
/// There is room for eight elements at each.
#[inline(always)]
unsafe fn store_halves(_: Avx2, words: __m256i, first: *mut i16, second: *mut i16) {
    // SAFETY: the proof says that the CPU has this instruction.
    let low = unsafe { _mm256_castsi256_si128(words) };
    // SAFETY: the caller promises the room.
    unsafe { _mm_storeu_si128(first.cast(), low) };
    // SAFETY: the proof says that the CPU has this instruction.
    let high = unsafe { _mm256_extracti128_si256::<1>(words) };
    // SAFETY: the caller promises the room.
    unsafe { _mm_storeu_si128(second.cast(), high) };
}

#[inline(always)]
fn both(
    [a, b]: [__m256i; 2],
    [c, d]: [__m256i; 2],
    of: impl Fn(__m256i, __m256i) -> __m256i,
) -> [__m256i; 2] {
    [of(a, c), of(b, d)]
}

/// Numbers of 32 bits, which fit 16.
#[inline(always)]
fn words(_: Avx2, [low, high]: [__m256i; 2]) -> __m256i {
    // SAFETY: the proof says that the CPU has this instruction.
    let turns = unsafe { _mm256_packs_epi32(low, high) };
    // SAFETY: as above. The lanes of both come in turns.
    unsafe { _mm256_permute4x64_epi64::<0xd8>(turns) }
}
