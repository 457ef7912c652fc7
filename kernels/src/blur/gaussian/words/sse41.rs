//! Words with SSE4.1.

use std::arch::x86_64::*;

use super::Words;
use super::x86::x86_isa;
use crate::simd::Sse41;

x86_isa!(
    Sse41, __m128i, 8,
    splat _mm_set1_epi16,
    load |from| _mm_loadu_si128(from.as_ptr().cast()),
    store |to, lanes| _mm_storeu_si128(to.as_mut_ptr().cast(), lanes),
    narrow |to, lanes| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let packed = unsafe { _mm_packus_epi16(lanes, lanes) };
        // SAFETY: `self` proves the instruction; there is room for eight bytes.
        unsafe { _mm_storel_epi64(to.as_mut_ptr().cast(), packed) };
    },
    pair _mm_set1_epi32, down _mm_srli_epi32,
    unpack _mm_unpacklo_epi8 _mm_unpackhi_epi8, weigh _mm_maddubs_epi16, add _mm_add_epi16,
    order |low, high| [low, high],
    dot |sums, pairs, weights| {
        // SAFETY: `self` proves that the CPU has this instruction.
        let products = unsafe { _mm_madd_epi16(pairs, weights) };
        // SAFETY: `self` proves that the CPU has this instruction.
        unsafe { _mm_add_epi32(sums, products) }
    },
    turns |even, odd| _mm_blend_epi16::<0xaa>(even, odd)
);
