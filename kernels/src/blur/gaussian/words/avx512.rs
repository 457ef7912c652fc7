//! Words with AVX-512, with and without VNNI.

use std::arch::x86_64::*;

use super::Words;
use super::x86::x86_isa;
use crate::simd::{Avx512, vnni};

/// AVX-512 F, BW, VL and VNNI, which adds products in one instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Vnni(());

impl Vnni {
    /// The proof that the CPU has VNNI as well; `None` if it has not.
    pub(in super::super) fn detect(_others: Avx512) -> Option<Self> {
        is_x86_feature_detected!("avx512vnni").then_some(Self(()))
    }
}

/// Implements [`Words`] for one of the two sets with vectors of 512 bits, which differ in how they
/// add products.
macro_rules! avx512_isa {
    (
        $name:ident,
        |$sums:ident, $pairs:ident, $weights:ident| $dot:expr
    ) => {
        x86_isa!(
            $name, __m512i, 32,
            splat _mm512_set1_epi16,
            load |from| _mm512_loadu_si512(from.as_ptr().cast()),
            store |to, lanes| _mm512_storeu_si512(to.as_mut_ptr().cast(), lanes),
            narrow |to, lanes| {
                // SAFETY: `self` proves that the CPU has this instruction.
                let packed = unsafe { _mm512_cvtepi16_epi8(lanes) };
                // SAFETY: `self` proves the instruction; there is room for 32 bytes.
                unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), packed) };
            },
            pair _mm512_set1_epi32, down _mm512_srli_epi32,
            unpack _mm512_unpacklo_epi8 _mm512_unpackhi_epi8, weigh _mm512_maddubs_epi16,
            add _mm512_add_epi16,
            order |low, high| {
                let quads = |numbers: [i64; 8]| {
                    // SAFETY: `self` proves the instruction; the array is as long as the vector.
                    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
                };
                let first = quads([0, 1, 8, 9, 2, 3, 10, 11]);
                let last = quads([4, 5, 12, 13, 6, 7, 14, 15]);
                // SAFETY: `self` proves that the CPU has this instruction.
                let first = unsafe { _mm512_permutex2var_epi64(low, first, high) };
                // SAFETY: `self` proves that the CPU has this instruction.
                [first, unsafe { _mm512_permutex2var_epi64(low, last, high) }]
            },
            dot |$sums, $pairs, $weights| $dot,
            turns |even, odd| _mm512_mask_blend_epi16(0xaaaa_aaaa, even, odd)
        );
    };
}

avx512_isa!(Avx512, |sums, pairs, weights| {
    // SAFETY: `self` proves that the CPU has this instruction.
    let products = unsafe { _mm512_madd_epi16(pairs, weights) };
    // SAFETY: `self` proves that the CPU has this instruction.
    unsafe { _mm512_add_epi32(sums, products) }
});
avx512_isa!(Vnni, |sums, pairs, weights| {
    // SAFETY: `self` proves that the CPU has this instruction.
    unsafe { vnni::dot(sums, pairs, weights) }
});
