//! Words with AVX2.

use std::arch::x86_64::*;

use super::Words;
use super::x86::x86_isa;
use crate::simd::Avx2;

x86_isa!(
    Avx2, __m256i, 16,
    splat _mm256_set1_epi16,
    load |from| _mm256_loadu_si256(from.as_ptr().cast()),
    store |to, lanes| _mm256_storeu_si256(to.as_mut_ptr().cast(), lanes),
    narrow |to, lanes| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let low = unsafe { _mm256_castsi256_si128(lanes) };
        // SAFETY: `self` proves that the CPU has this instruction.
        let high = unsafe { _mm256_extracti128_si256::<1>(lanes) };
        // SAFETY: `self` proves that the CPU has this instruction.
        let packed = unsafe { _mm_packus_epi16(low, high) };
        // SAFETY: `self` proves the instruction; there is room for sixteen bytes.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), packed) };
    },
    pair _mm256_set1_epi32, down _mm256_srli_epi32,
    unpack _mm256_unpacklo_epi8 _mm256_unpackhi_epi8, weigh _mm256_maddubs_epi16,
    add _mm256_add_epi16,
    order |low, high| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let first = unsafe { _mm256_permute2x128_si256::<0x20>(low, high) };
        // SAFETY: `self` proves that the CPU has this instruction.
        [first, unsafe { _mm256_permute2x128_si256::<0x31>(low, high) }]
    },
    dot |sums, pairs, weights| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let products = unsafe { _mm256_madd_epi16(pairs, weights) };
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm256_add_epi32(sums, products) }
    },
    turns |even, odd| _mm256_blend_epi16::<0xaa>(even, odd)
);
