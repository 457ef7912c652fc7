//! Luma and chroma to red, green and blue with vector instructions: products of 8 and 21 bits as
//! sums of two products of 16 bits, which one instruction makes.

#![allow(unsafe_code, reason = "vector loads and stores")]
#![allow(clippy::indexing_slicing, reason = "chunks of equal arrays")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::colour::spaces::block::{Block, Channel};
use crate::colour::spaces::ycbcr::Matrix;
use crate::simd::Level;

/// Two rows of a block from their luma, and from the pairs of Cb and Cr that they share. Whether
/// it did so: not every CPU has the instructions.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn rows(
    _: Level,
    _: &Matrix,
    _: &[Channel; 2],
    _: &Channel,
    _: &mut [Block; 2],
) -> bool {
    false
}

/// Two rows of a block from their luma, and from the pairs of Cb and Cr that they share. Whether
/// it did so: not every CPU has the instructions.
#[cfg(target_arch = "x86_64")]
pub(super) fn rows(
    level: Level,
    matrix: &Matrix,
    luma: &[Channel; 2],
    pairs: &Channel,
    blocks: &mut [Block; 2],
) -> bool {
    use crate::simd::Instructions;

    match level.instructions() {
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) => unsafe { rows_avx512(matrix, luma, pairs, blocks) },
        // SAFETY: such a level exists only where AVX2 was detected.
        Instructions::Avx2(_) => unsafe { rows_avx2(matrix, luma, pairs, blocks) },
        _ => return false,
    }
    true
}

/// A number as the upper and the lower 7 bits of it, for `madd` with a value times 128, and it.
#[cfg(target_arch = "x86_64")]
fn parts(number: i32) -> i32 {
    (number >> 7 & 0xffff) | (number & 127) << 16
}

#[cfg(target_arch = "x86_64")]
macro_rules! rows {
    (
        $name:ident, $features:literal, $bytes:literal,
        $load:ident, $store:ident, $set32:ident, $set16:ident, $set8:ident, $and:ident,
        $add32:ident, $sub16:ident, $subs8:ident, $madd:ident, $sra32:ident, $srl16:ident,
        $sll16:ident, $low8:ident, $high8:ident, $low16:ident, $high16:ident, $low32:ident,
        $high32:ident, $packs:ident, $packus:ident
    ) => {
        #[target_feature(enable = $features)]
        fn $name(matrix: &Matrix, luma: &[Channel; 2], pairs: &Channel, blocks: &mut [Block; 2]) {
            let half = $set32(1 << 19);
            let number = |number: i32| $set32(parts(number));
            let (of_luma, red_cr) = (number(matrix.luma), number(matrix.red_cr));
            let (green_cb, green_cr) = (number(matrix.green_cb), number(matrix.green_cr));
            let blue_cb = number(matrix.blue_cb);
            let (black, middle) = ($set8(matrix.black as i8), $set16(128));
            for (at, pairs) in pairs.as_chunks::<$bytes>().0.iter().enumerate() {
                // SAFETY: so many bytes are there.
                let pairs = unsafe { $load(pairs.as_ptr().cast()) };
                let cb = $sub16($and(pairs, $set16(0xff)), middle);
                let cr = $sub16($srl16::<8>(pairs), middle);
                let (cb_up, cr_up) = ($sll16::<7>(cb), $sll16::<7>(cr));
                // In each lane of 128 bits the first and the last four pairs, each for two pixels.
                let terms = |cb, cr| {
                    let red = $add32($madd(cr, red_cr), half);
                    let green = $add32($madd(cb, green_cb), $madd(cr, green_cr));
                    [red, $add32(green, half), $add32($madd(cb, blue_cb), half)]
                };
                let first = terms($low16(cb_up, cb), $low16(cr_up, cr));
                let last = terms($high16(cb_up, cb), $high16(cr_up, cr));
                let twice = |first, last| {
                    [
                        $low32(first, first),
                        $high32(first, first),
                        $low32(last, last),
                        $high32(last, last),
                    ]
                };
                let chroma =
                    [twice(first[0], last[0]), twice(first[1], last[1]), twice(first[2], last[2])];
                for (luma, block) in luma.iter().zip(blocks.iter_mut()) {
                    let luma = &luma.as_chunks::<$bytes>().0[at];
                    // SAFETY: so many bytes are there.
                    let luma = unsafe { $load(luma.as_ptr().cast()) };
                    let luma = $subs8(luma, black);
                    let (first, last) = ($low8(luma, $set32(0)), $high8(luma, $set32(0)));
                    let (first_up, last_up) = ($sll16::<7>(first), $sll16::<7>(last));
                    let luma = [
                        $madd($low16(first_up, first), of_luma),
                        $madd($high16(first_up, first), of_luma),
                        $madd($low16(last_up, last), of_luma),
                        $madd($high16(last_up, last), of_luma),
                    ];
                    for (chroma, channel) in chroma.iter().zip(&mut block.0) {
                        let sum = |four: usize| $sra32::<20>($add32(luma[four], chroma[four]));
                        let samples = $packus($packs(sum(0), sum(1)), $packs(sum(2), sum(3)));
                        let to = &mut channel.as_chunks_mut::<$bytes>().0[at];
                        // SAFETY: there is room for so many bytes.
                        unsafe { $store(to.as_mut_ptr().cast(), samples) };
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
rows!(
    rows_avx512,
    "avx512f,avx512bw,avx512vl",
    64,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_set1_epi32,
    _mm512_set1_epi16,
    _mm512_set1_epi8,
    _mm512_and_si512,
    _mm512_add_epi32,
    _mm512_sub_epi16,
    _mm512_subs_epu8,
    _mm512_madd_epi16,
    _mm512_srai_epi32,
    _mm512_srli_epi16,
    _mm512_slli_epi16,
    _mm512_unpacklo_epi8,
    _mm512_unpackhi_epi8,
    _mm512_unpacklo_epi16,
    _mm512_unpackhi_epi16,
    _mm512_unpacklo_epi32,
    _mm512_unpackhi_epi32,
    _mm512_packs_epi32,
    _mm512_packus_epi16
);

#[cfg(target_arch = "x86_64")]
rows!(
    rows_avx2,
    "avx2",
    32,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_set1_epi32,
    _mm256_set1_epi16,
    _mm256_set1_epi8,
    _mm256_and_si256,
    _mm256_add_epi32,
    _mm256_sub_epi16,
    _mm256_subs_epu8,
    _mm256_madd_epi16,
    _mm256_srai_epi32,
    _mm256_srli_epi16,
    _mm256_slli_epi16,
    _mm256_unpacklo_epi8,
    _mm256_unpackhi_epi8,
    _mm256_unpacklo_epi16,
    _mm256_unpackhi_epi16,
    _mm256_unpacklo_epi32,
    _mm256_unpackhi_epi32,
    _mm256_packs_epi32,
    _mm256_packus_epi16
);
