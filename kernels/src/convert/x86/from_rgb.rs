//! Red, green and blue to luma and chroma: weights of 21 bits as three digits of 7 bits, so that
//! one instruction makes sums of two products of bytes that fit 16 bits.
//!
//! A fourth byte of each pixel is 1, and its weight is half a unit of the result: it rounds. It
//! takes the place of alpha.

#![allow(unsafe_code, reason = "vector loads and stores")]
#![allow(clippy::indexing_slicing, reason = "chunks of equal arrays, positions inside a chunk")]

use std::arch::x86_64::*;

use crate::colour::spaces::ycbcr::{BITS, Matrix};
use crate::convert::chroma::ChromaMut;

/// Digits are from -64 to 63.
const BASE: i32 = 128;

/// The digits of three weights, highest first, each as the bytes that pixels are multiplied with.
fn digits(weights: [i32; 3]) -> [i32; 3] {
    let mut digits = [[0; 4]; 3];
    // In units of the highest digit.
    digits[0][3] = (1 << (BITS - 1)) / (BASE * BASE);
    for (at, weight) in weights.into_iter().enumerate() {
        let lowest = |number: i32| (number + BASE / 2).rem_euclid(BASE) - BASE / 2;
        let low = lowest(weight);
        let rest = (weight - low) / BASE;
        let middle = lowest(rest);
        digits[0][at] = (rest - middle) / BASE;
        digits[1][at] = middle;
        digits[2][at] = low;
    }
    digits.map(|bytes| i32::from_le_bytes(bytes.map(|digit| (digit as i8).cast_unsigned())))
}

/// Sixteen pixels of three bytes with a fourth one each, of 64 bytes from that position.
const fn apart(start: usize) -> [u8; 64] {
    let mut bytes = [0; 64];
    let mut at = 0;
    while at < 64 {
        bytes[at] = ((start + at / 4 * 3 + at % 4) % 64) as u8;
        at += 1;
    }
    bytes
}

static APART: [u8; 64] = apart(0);
/// Those at the end.
static LAST_APART: [u8; 64] = apart(16);
/// Where those are not the fourth.
const COLOURS: u64 = 0x7777_7777_7777_7777;

/// Where the chroma of each pair is, first Cb and then Cr, or both by turns. In a lane of 128 bits
/// stand Cb, then Cr, of two pairs from each of four vectors with eight pairs.
const fn chroma_order(by_turns: bool) -> [u8; 64] {
    let mut order = [0; 64];
    let mut at = 0;
    while at < 64 {
        let (pair, part) = if by_turns { (at / 2, at % 2) } else { (at % 32, at / 32) };
        order[at] = (pair % 8 / 2 * 16 + part * 8 + pair / 8 * 2 + pair % 2) as u8;
        at += 1;
    }
    order
}

static BY_TURNS: [u8; 64] = chroma_order(true);
static ONE_AFTER_THE_OTHER: [u8; 64] = chroma_order(false);

/// 64 pixels, sixteen to a vector.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn load_avx512<const CHANNELS: usize>(from: &[u8]) -> [__m512i; 4] {
    let ones = _mm512_set1_epi32(1 << 24);
    if CHANNELS == 4 {
        let Some(from) = from.first_chunk::<256>() else { return [ones; 4] };
        return [0, 64, 128, 192].map(|start| {
            let from: &[u8] = &from[start..start + 64];
            // SAFETY: 64 bytes are there.
            let pixels = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
            _mm512_mask_blend_epi8(COLOURS, ones, pixels)
        });
    }
    let Some(from) = from.first_chunk::<192>() else { return [ones; 4] };
    // SAFETY: the array is as long as the vector.
    let apart = unsafe { _mm512_loadu_si512(APART.as_ptr().cast()) };
    // SAFETY: the array is as long as the vector.
    let last_apart = unsafe { _mm512_loadu_si512(LAST_APART.as_ptr().cast()) };
    // The last one starts earlier, as 64 bytes after its first pixel would be too many.
    [(0, apart), (48, apart), (96, apart), (128, last_apart)].map(|(start, apart)| {
        let from: &[u8] = &from[start..start + 64];
        // SAFETY: 64 bytes are there.
        let pixels = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        _mm512_mask_permutexvar_epi8(ones, COLOURS, apart, pixels)
    })
}

#[inline]
#[target_feature(enable = "avx2")]
fn load16(from: &[u8], start: usize) -> __m128i {
    let from: &[u8] = &from[start..start + 16];
    // SAFETY: sixteen bytes are there.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

/// 32 pixels: lanes have four from each half.
#[inline]
#[target_feature(enable = "avx2")]
fn load_avx2<const CHANNELS: usize>(from: &[u8]) -> [__m256i; 4] {
    let ones = _mm256_set1_epi32(1 << 24);
    if CHANNELS == 4 {
        let Some(from) = from.first_chunk::<128>() else { return [ones; 4] };
        let colours = _mm256_set1_epi32(0x00ff_ffff);
        return [0, 16, 32, 48].map(|start| {
            let pixels = _mm256_set_m128i(load16(from, start + 64), load16(from, start));
            _mm256_or_si256(_mm256_and_si256(pixels, colours), ones)
        });
    }
    // With their number known, nothing has to be checked below.
    let Some(from) = from.first_chunk::<96>() else { return [ones; 4] };
    let apart = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1,
    ));
    // The last ones start earlier, as 16 bytes after their first pixel would be too many.
    let last_apart = _mm256_add_epi8(apart, _mm256_set1_epi32(0x0004_0404));
    [(0, apart), (12, apart), (24, apart), (32, last_apart)].map(|(start, apart)| {
        let pixels = _mm256_set_m128i(load16(from, start + 48), load16(from, start));
        _mm256_or_si256(_mm256_shuffle_epi8(pixels, apart), ones)
    })
}

/// From four pixels of each of four vectors to a lane, to their order.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn order_avx512(luma: __m512i) -> __m512i {
    let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_permutexvar_epi32(order, luma)
}

/// As they are loaded, they are in order.
#[inline]
#[target_feature(enable = "avx2")]
fn order_avx2(luma: __m256i) -> __m256i {
    luma
}

/// The pixels of even columns.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn even_avx512(first: __m512i, second: __m512i) -> __m512i {
    let (first, second) = (_mm512_castsi512_ps(first), _mm512_castsi512_ps(second));
    _mm512_castps_si512(_mm512_shuffle_ps::<0b10_00_10_00>(first, second))
}

/// The pixels of even columns.
#[inline]
#[target_feature(enable = "avx2")]
fn even_avx2(first: __m256i, second: __m256i) -> __m256i {
    let (first, second) = (_mm256_castsi256_ps(first), _mm256_castsi256_ps(second));
    _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(first, second))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn store_chroma_avx512(samples: __m512i, to: &mut ChromaMut<'_>, at: usize) {
    match to {
        ChromaMut::Pairs(to) => {
            // SAFETY: the array is as long as the vector.
            let order = unsafe { _mm512_loadu_si512(BY_TURNS.as_ptr().cast()) };
            let samples = _mm512_permutexvar_epi8(order, samples);
            if let Some(to) = to.as_chunks_mut::<64>().0.get_mut(at) {
                // SAFETY: there is room for 64 bytes.
                unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), samples) };
            }
        }
        ChromaMut::Planes(cb, cr) => {
            // SAFETY: the array is as long as the vector.
            let order = unsafe { _mm512_loadu_si512(ONE_AFTER_THE_OTHER.as_ptr().cast()) };
            let samples = _mm512_permutexvar_epi8(order, samples);
            let (low, high) =
                (_mm512_castsi512_si256(samples), _mm512_extracti64x4_epi64::<1>(samples));
            for (to, samples) in [(cb, low), (cr, high)] {
                if let Some(to) = to.as_chunks_mut::<32>().0.get_mut(at) {
                    // SAFETY: there is room for 32 bytes.
                    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), samples) };
                }
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_chroma_avx2(samples: __m256i, to: &mut ChromaMut<'_>, at: usize) {
    match to {
        ChromaMut::Pairs(to) => {
            let order = _mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
            let samples = _mm256_shuffle_epi8(samples, _mm256_broadcastsi128_si256(order));
            if let Some(to) = to.as_chunks_mut::<32>().0.get_mut(at) {
                // SAFETY: there is room for 32 bytes.
                unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), samples) };
            }
        }
        ChromaMut::Planes(cb, cr) => {
            let samples = _mm256_permute4x64_epi64::<0b11_01_10_00>(samples);
            let (low, high) =
                (_mm256_castsi256_si128(samples), _mm256_extracti128_si256::<1>(samples));
            for (to, samples) in [(cb, low), (cr, high)] {
                if let Some(to) = to.as_chunks_mut::<16>().0.get_mut(at) {
                    // SAFETY: there is room for 16 bytes.
                    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), samples) };
                }
            }
        }
    }
}

macro_rules! row {
    (
        $name:ident, $features:literal, $pixels:literal, $load4:ident, $order:ident, $even:ident,
        $store_chroma:ident, $store:ident, $set32:ident, $set16:ident, $set8:ident, $xor:ident,
        $add32:ident, $add8:ident, $madd8:ident, $madd16:ident, $sra32:ident, $packs32:ident,
        $packs16:ident, $packus16:ident
    ) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name<const CHANNELS: usize>(
            matrix: &Matrix,
            from: &[u8],
            luma: &mut [u8],
            mut chroma: Option<&mut ChromaMut<'_>>,
        ) -> usize {
            let [of_luma, of_cb, of_cr] =
                [matrix.y, matrix.cb, matrix.cr].map(|weights| digits(weights).map(|d| $set32(d)));
            let [high, middle, low] = [BASE * BASE, BASE, 1].map(|unit| $set16(unit as i16));
            let (black, sign) = ($set8(matrix.black as i8), $set8(i8::MIN));
            let sum = |pixels, [of_high, of_middle, of_low]: [_; 3]| {
                let upper = $madd16($madd8(pixels, of_high), high);
                let upper = $add32(upper, $madd16($madd8(pixels, of_middle), middle));
                $sra32::<20>($add32(upper, $madd16($madd8(pixels, of_low), low)))
            };
            let from = from.chunks_exact(CHANNELS * $pixels);
            let mut done = 0;
            for (at, (from, to)) in from.zip(luma.as_chunks_mut::<$pixels>().0).enumerate() {
                let [a, b, c, d] = $load4::<CHANNELS>(from);
                let first = $packs32(sum(a, of_luma), sum(b, of_luma));
                let last = $packs32(sum(c, of_luma), sum(d, of_luma));
                let luma = $add8($order($packus16(first, last)), black);
                // SAFETY: the array is as long as the vector.
                unsafe { $store(to.as_mut_ptr().cast(), luma) };
                if let Some(to) = &mut chroma {
                    let (first, last) = ($even(a, b), $even(c, d));
                    let cb = $packs32(sum(first, of_cb), sum(last, of_cb));
                    let cr = $packs32(sum(first, of_cr), sum(last, of_cr));
                    // Limited to what signed bytes hold, then 128 more.
                    $store_chroma($xor($packs16(cb, cr), sign), to, at);
                }
                done += $pixels;
            }
            done
        }
    };
}

row!(
    avx512,
    "avx512f,avx512bw,avx512vl,avx512vbmi",
    64,
    load_avx512,
    order_avx512,
    even_avx512,
    store_chroma_avx512,
    _mm512_storeu_si512,
    _mm512_set1_epi32,
    _mm512_set1_epi16,
    _mm512_set1_epi8,
    _mm512_xor_si512,
    _mm512_add_epi32,
    _mm512_add_epi8,
    _mm512_maddubs_epi16,
    _mm512_madd_epi16,
    _mm512_srai_epi32,
    _mm512_packs_epi32,
    _mm512_packs_epi16,
    _mm512_packus_epi16
);

row!(
    avx2,
    "avx2",
    32,
    load_avx2,
    order_avx2,
    even_avx2,
    store_chroma_avx2,
    _mm256_storeu_si256,
    _mm256_set1_epi32,
    _mm256_set1_epi16,
    _mm256_set1_epi8,
    _mm256_xor_si256,
    _mm256_add_epi32,
    _mm256_add_epi8,
    _mm256_maddubs_epi16,
    _mm256_madd_epi16,
    _mm256_srai_epi32,
    _mm256_packs_epi32,
    _mm256_packs_epi16,
    _mm256_packus_epi16
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_make_the_weights_of_every_matrix() {
        for (name, full) in [("bt601", false), ("bt601", true), ("bt709", false), ("bt709", true)] {
            let matrix = Matrix::of(name, full);
            for weights in [matrix.y, matrix.cb, matrix.cr] {
                let digits = digits(weights).map(|bytes| bytes.to_le_bytes().map(u8::cast_signed));
                for (at, weight) in weights.into_iter().enumerate() {
                    let [high, middle, low] = digits.map(|bytes| i32::from(bytes[at]));
                    assert_eq!((high * BASE + middle) * BASE + low, weight, "{name} {full}");
                    // Two products of such a digit with a byte fit 16 bits.
                    assert!([high, middle, low].iter().all(|digit| (-64..64).contains(digit)));
                }
                assert_eq!(digits.map(|bytes| bytes[3]), [32, 0, 0]);
            }
        }
    }
}
