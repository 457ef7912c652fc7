//! Whole vectors at a time, so that stores fall into whole lines of the cache: of RGB three, which
//! are four blocks of sixteen pixels, of RGBA two. Two blocks share the pack of their blue.

#![allow(clippy::indexing_slicing, reason = "words of a vector, and vectors of a block")]

use std::arch::x86_64::*;
use std::cell::Cell;

use super::super::Matrix;
use super::{Lanes, pair};
use crate::simd::each_large_block;
use crate::simd::prefetch::prefetch;
use crate::simd::vnni::dot;

/// Bytes of RGB that are processed at a time.
const RGB: usize = 192;
/// Bytes of RGBA that are processed at a time.
const RGBA: usize = 128;
/// The bytes of RGBA that are not alpha.
const COLOURS: u64 = 0x7777_7777_7777_7777;

/// From packed pixels, from that word on, three words to each lane.
const fn spread(first: i32) -> [i32; 16] {
    let mut words = [0; 16];
    let mut at = 0;
    while at < 16 {
        words[at as usize] = first + at / 4 * 3 + at % 4;
        at += 1;
    }
    words
}

/// From three words in each lane of two blocks to the packed pixels of that vector of the three.
const fn gather(vector: i32) -> [i32; 16] {
    let mut words = [0; 16];
    let mut at = 0;
    while at < 16 {
        let (block, word) = ((16 * vector + at) / 12, (16 * vector + at) % 12);
        words[at as usize] = 16 * (block - vector) + word / 3 * 4 + word % 3;
        at += 1;
    }
    words
}

macro_rules! weighted_sums {
    (
        $(#[$meta:meta])* $name:ident, $features:literal,
        |$sums:ident, $colours:ident, $weights:ident| $add:expr
    ) => {
        $(#[$meta])*
        ///
        /// How many bytes were done: all, or none if there are too few. With `ASK`, memory is
        /// asked for what is needed soon, line by line: the sums leave it idle, and all at once
        /// would keep them waiting.
        #[target_feature(enable = $features)]
        pub(in super::super) fn $name<const ALPHA: bool, const ASK: bool>(
            (matrix, weights): (&Matrix, [[i16; 3]; 3]),
            from: &[u8],
            to: &mut [u8],
            soon: [&[u8]; 2],
        ) -> usize {
            let load = |bytes: &[u8; 64]| {
                // SAFETY: 64 bytes are there.
                unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
            };
            let words = |words: [i32; 16]| {
                // SAFETY: 64 bytes are there.
                unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
            };
            let [red, green, blue] = weights.map(|[red, green, blue]| {
                [_mm512_set1_epi32(pair(red, green)), _mm512_set1_epi32(pair(blue, 0))]
            });
            let offsets = matrix.offsets.map(|offset| _mm512_set1_epi32(offset));
            // Lane by lane: a shift of all lanes by one number is two instructions inside.
            let bits = _mm512_set1_epi32(matrix.bits.cast_signed());
            let lanes = const { Lanes::of(ALPHA) };
            let red_green = _mm512_broadcast_i32x4(lanes.red_green);
            let only_blue = _mm512_broadcast_i32x4(lanes.blue);
            let pixels = _mm512_broadcast_i32x4(lanes.pixels);
            let pixels_of_second = _mm512_broadcast_i32x4(lanes.pixels_of_second);

            let add = |$sums: __m512i, $colours: __m512i, $weights: __m512i| $add;
            let sums = |block| {
                let pairs = _mm512_shuffle_epi8(block, red_green);
                let blues = _mm512_shuffle_epi8(block, only_blue);
                let sum = |[of_pairs, of_blues]: [__m512i; 2], offset| {
                    _mm512_srav_epi32(add(add(offset, pairs, of_pairs), blues, of_blues), bits)
                };
                let [x, y, z] = offsets;
                (_mm512_packs_epi32(sum(red, x), sum(green, y)), sum(blue, z))
            };
            let place = |block, planes, order| match ALPHA {
                true => _mm512_mask_shuffle_epi8(block, COLOURS, planes, order),
                false => _mm512_shuffle_epi8(planes, order),
            };
            let two = |one, other| {
                let ((both, blue), (other_both, other_blue)) = (sums(one), sums(other));
                let blues = _mm512_packs_epi32(blue, other_blue);
                let planes = _mm512_packus_epi16(both, blues);
                let other_planes = _mm512_packus_epi16(other_both, blues);
                [place(one, planes, pixels), place(other, other_planes, pixels_of_second)]
            };
            let asked = Cell::new(0);
            let ask = |bytes: usize| {
                if ASK {
                    let at = asked.replace(asked.get() + bytes);
                    for soon in soon {
                        prefetch(soon.get(at..at + bytes).unwrap_or_default());
                    }
                }
            };

            if ALPHA {
                return each_large_block(4, from, to, |from: &[u8; RGBA], to: &mut [u8; RGBA]| {
                    ask(RGBA);
                    let [one, other] = [0, 1].map(|at| load(&from.as_chunks().0[at]));
                    for (result, to) in two(one, other).into_iter().zip(to.as_chunks_mut().0) {
                        store(result, to);
                    }
                });
            }
            let [first, second, third, fourth] =
                const { [spread(0), spread(12), spread(8), spread(4)] }.map(words);
            let gathers = const { [gather(0), gather(1), gather(2)] }.map(words);
            each_large_block(3, from, to, |from: &[u8; RGB], to: &mut [u8; RGB]| {
                ask(RGB);
                let [a, b, c] = [0, 1, 2].map(|at| load(&from.as_chunks().0[at]));
                let [p, q] = two(
                    _mm512_permutexvar_epi32(first, a),
                    _mm512_permutex2var_epi32(a, second, b),
                );
                let [r, s] = two(
                    _mm512_permutex2var_epi32(b, third, c),
                    _mm512_permutexvar_epi32(fourth, c),
                );
                let pairs = [(p, q), (q, r), (r, s)].into_iter().zip(gathers);
                for (((one, next), gather), to) in pairs.zip(to.as_chunks_mut().0) {
                    store(_mm512_permutex2var_epi32(one, gather, next), to);
                }
            })
        }
    };
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(result: __m512i, to: &mut [u8; 64]) {
    // SAFETY: there is room for 64 bytes.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), result) };
}

weighted_sums!(
    /// AVX-512 F, BW and VL.
    avx512,
    "avx512f,avx512bw,avx512vl",
    |sums, colours, weights| _mm512_add_epi32(sums, _mm512_madd_epi16(colours, weights))
);
weighted_sums!(
    /// Those, and VNNI, which multiplies and adds in one instruction: a quarter faster.
    vnni,
    "avx512f,avx512bw,avx512vl,avx512vnni",
    |sums, colours, weights| dot(sums, colours, weights)
);
