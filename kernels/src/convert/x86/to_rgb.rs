//! Luma and chroma to red, green and blue: products of 8 and 21 bits as sums of two products of 16
//! bits, which one instruction makes.
//!
//! Pixels of even and of odd columns are kept apart, so that the chroma of a pair is a term of both
//! as it is; only the last permutation, which puts the three colours together, orders them.

#![allow(unsafe_code, reason = "vector loads and stores")]
#![allow(clippy::indexing_slicing, reason = "chunks of equal arrays")]

use std::arch::x86_64::*;

use crate::colour::spaces::x86::{Choice, together};
use crate::colour::spaces::ycbcr::Matrix;
use crate::convert::chroma::Chroma;

/// A number as the upper and the lower 7 bits of it, for `madd` with a value times 128, and it.
fn parts(number: i32) -> i32 {
    (number >> 7 & 0xffff) | (number & 127) << 16
}

/// Of sixteen pixels to a lane of 128 bits, those of even columns come first.
const ORDER: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0;
    while at < 64 {
        order[at] = (at - at % 16 + at % 16 / 2 + at % 2 * 8) as u8;
        at += 1;
    }
    order
};

static PIXELS: [Choice; 3] = together(ORDER);

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn store_avx512(colours: [__m512i; 3], to: &mut [u8; 192]) {
    for (to, choice) in to.as_chunks_mut::<64>().0.iter_mut().zip(&PIXELS) {
        let pixels = choice.choose(colours);
        // SAFETY: there is room for 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), pixels) };
    }
}

/// For a colour, in each of 16 bytes: which pixel of a lane has the sample that goes there, in that
/// one of the three vectors of a lane's pixels where it is a sample of this colour.
const fn spread(colour: usize) -> __m128i {
    let mut bytes = [0; 16];
    let mut at = 0;
    while at < 16 {
        let vector = (colour + 15 - at) % 3;
        bytes[at] = ORDER[(16 * vector + at) / 3];
        at += 1;
    }
    // SAFETY: both are 16 bytes of plain integers.
    unsafe { std::mem::transmute::<[u8; 16], __m128i>(bytes) }
}

/// The shuffle that takes every third byte.
const fn thirds(first: usize) -> __m128i {
    let mut bytes = [0; 16];
    let mut at = first;
    while at < 16 {
        bytes[at] = 0xff;
        at += 3;
    }
    // SAFETY: both are 16 bytes of plain integers.
    unsafe { std::mem::transmute::<[u8; 16], __m128i>(bytes) }
}

const SPREAD: [__m128i; 3] = [spread(0), spread(1), spread(2)];
const THIRDS: [__m128i; 3] = [thirds(0), thirds(1), thirds(2)];

#[inline]
#[target_feature(enable = "avx2")]
fn store_avx2([red, green, blue]: [__m256i; 3], to: &mut [u8; 96]) {
    let [for_red, for_green, for_blue] = SPREAD.map(|bytes| _mm256_broadcastsi128_si256(bytes));
    let red = _mm256_shuffle_epi8(red, for_red);
    let green = _mm256_shuffle_epi8(green, for_green);
    let blue = _mm256_shuffle_epi8(blue, for_blue);
    let [first, second, third] = THIRDS.map(|bytes| _mm256_broadcastsi128_si256(bytes));
    let mix = |of_green, of_blue| {
        _mm256_blendv_epi8(_mm256_blendv_epi8(red, green, of_green), blue, of_blue)
    };
    let (low, middle, high) = (mix(second, third), mix(first, second), mix(third, first));
    let pixels = [
        _mm256_permute2x128_si256::<0x20>(low, middle),
        _mm256_permute2x128_si256::<0x30>(high, low),
        _mm256_permute2x128_si256::<0x31>(middle, high),
    ];
    for (to, pixels) in to.as_chunks_mut::<32>().0.iter_mut().zip(pixels) {
        // SAFETY: there is room for 32 bytes.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), pixels) };
    }
}

macro_rules! rows {
    (
        $name:ident, $features:literal, $pixels:literal, $half_load:ident, $widen:ident,
        $load:ident, $set32:ident, $set16:ident, $set8:ident, $and:ident, $add32:ident,
        $sub16:ident, $subs8:ident, $madd:ident, $sra32:ident, $srl16:ident, $sll16:ident,
        $low16:ident, $high16:ident, $packs:ident, $packus:ident, $store3:ident
    ) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(
            matrix: &Matrix,
            [luma, more_luma]: [&[u8]; 2],
            chroma: Chroma<'_>,
            [to, more_to]: [&mut [u8]; 2],
        ) -> usize {
            const PIXELS: usize = $pixels;
            let number = |number: i32| $set32(parts(number));
            let (of_luma, red_cr) = (number(matrix.luma), number(matrix.red_cr));
            let (green_cb, green_cr) = (number(matrix.green_cb), number(matrix.green_cr));
            let blue_cb = number(matrix.blue_cb);
            let (half, low) = ($set32(1 << 19), $set16(0xff));
            let (black, middle) = ($set8(matrix.black as i8), $set16(128));
            let first = luma.as_chunks::<PIXELS>().0.iter();
            let first = first.zip(to.as_chunks_mut::<{ 3 * PIXELS }>().0);
            let mut second = more_luma.as_chunks::<PIXELS>().0.iter();
            let mut more_to = more_to.as_chunks_mut::<{ 3 * PIXELS }>().0.iter_mut();
            let mut done = 0;
            for (at, first) in first.enumerate() {
                let (cb, cr) = match chroma {
                    Chroma::Pairs(pairs) => {
                        let Some(pairs) = pairs.as_chunks::<PIXELS>().0.get(at) else { break };
                        // SAFETY: the array is as long as the vector.
                        let pairs = unsafe { $load(pairs.as_ptr().cast()) };
                        ($and(pairs, low), $srl16::<8>(pairs))
                    }
                    Chroma::Planes(cb, cr) => {
                        let (cb, cr) = (
                            cb.as_chunks::<{ PIXELS / 2 }>().0,
                            cr.as_chunks::<{ PIXELS / 2 }>().0,
                        );
                        let (Some(cb), Some(cr)) = (cb.get(at), cr.get(at)) else { break };
                        // SAFETY: the array is half as long as a vector.
                        let cb = unsafe { $half_load(cb.as_ptr().cast()) };
                        // SAFETY: the array is half as long as a vector.
                        let cr = unsafe { $half_load(cr.as_ptr().cast()) };
                        ($widen(cb), $widen(cr))
                    }
                };
                let (cb, cr) = ($sub16(cb, middle), $sub16(cr, middle));
                let (cb_up, cr_up) = ($sll16::<7>(cb), $sll16::<7>(cr));
                let terms = |cb, cr| {
                    let red = $add32($madd(cr, red_cr), half);
                    let green = $add32($madd(cb, green_cb), $madd(cr, green_cr));
                    [red, $add32(green, half), $add32($madd(cb, blue_cb), half)]
                };
                // In each lane of 128 bits the first and the last four pairs.
                let first_four = terms($low16(cb_up, cb), $low16(cr_up, cr));
                let last_four = terms($high16(cb_up, cb), $high16(cr_up, cr));
                let rows = [Some(first), second.next().zip(more_to.next())];
                for (luma, to) in rows.into_iter().flatten() {
                    // SAFETY: the array is as long as the vector.
                    let luma = unsafe { $load(luma.as_ptr().cast()) };
                    let luma = $subs8(luma, black);
                    let products = |luma| {
                        let up = $sll16::<7>(luma);
                        [$madd($low16(up, luma), of_luma), $madd($high16(up, luma), of_luma)]
                    };
                    let (even, odd) = (products($and(luma, low)), products($srl16::<8>(luma)));
                    let colour = |colour: usize| {
                        let (first, last) = (first_four[colour], last_four[colour]);
                        let words = |[luma, more]: [_; 2]| {
                            let first = $sra32::<20>($add32(luma, first));
                            $packs(first, $sra32::<20>($add32(more, last)))
                        };
                        $packus(words(even), words(odd))
                    };
                    $store3([colour(0), colour(1), colour(2)], to);
                }
                done += PIXELS;
            }
            done
        }
    };
}

rows!(
    avx512,
    "avx512f,avx512bw,avx512vl,avx512vbmi",
    64,
    _mm256_loadu_si256,
    _mm512_cvtepu8_epi16,
    _mm512_loadu_si512,
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
    _mm512_unpacklo_epi16,
    _mm512_unpackhi_epi16,
    _mm512_packs_epi32,
    _mm512_packus_epi16,
    store_avx512
);

rows!(
    avx2,
    "avx2",
    32,
    _mm_loadu_si128,
    _mm256_cvtepu8_epi16,
    _mm256_loadu_si256,
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
    _mm256_unpacklo_epi16,
    _mm256_unpackhi_epi16,
    _mm256_packs_epi32,
    _mm256_packus_epi16,
    store_avx2
);
