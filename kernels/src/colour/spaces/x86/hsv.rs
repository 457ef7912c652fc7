//! Hue, saturation, value: bytes where bytes are enough, and single precision for the quotients.
//!
//! A quotient is a reciprocal of 14 bits, made better by one step of Newton's method. That leaves
//! an error of less than 2^-22 of it, and a quotient by a divisor of 8 bits is further from the
//! middle between two whole numbers than that: it is rounded to the right one. The products are
//! whole numbers below 2^22, which single precision holds; a quarter more, and no half is left
//! that rounding to nearest would take to the even side.

use std::arch::x86_64::*;

use super::channels::{load, store};
use crate::colour::spaces::block::Block;

/// 2^-12: quotients are rounded to multiples of it.
const UNIT: f32 = 1.0 / 4096.0;
/// Adding this leaves no room for smaller fractions.
const SHIFT: f32 = 12_582_912.0 * UNIT;

/// Each sample as a vector of 32-bit numbers, four to a vector of bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn widen(samples: __m512i, quarter: usize) -> __m512 {
    let zero = _mm512_setzero_si512();
    let words = match quarter {
        0 | 1 => _mm512_unpacklo_epi8(samples, zero),
        _ => _mm512_unpackhi_epi8(samples, zero),
    };
    _mm512_cvtepi32_ps(match quarter {
        0 | 2 => _mm512_unpacklo_epi16(words, zero),
        _ => _mm512_unpackhi_epi16(words, zero),
    })
}

/// `factor * (numerator / divisor)`, the quotient rounded to a multiple of [`UNIT`], the product to
/// a whole number, halves up.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn scaled(factor: __m512, numerator: f32, divisor: __m512) -> __m512i {
    let shift = _mm512_set1_ps(SHIFT);
    let rough = _mm512_rcp14_ps(divisor);
    let reciprocal = _mm512_mul_ps(rough, _mm512_fnmadd_ps(divisor, rough, _mm512_set1_ps(2.0)));
    let shifted = _mm512_fmadd_ps(_mm512_set1_ps(numerator), reciprocal, shift);
    let quotient = _mm512_sub_ps(shifted, shift);
    _mm512_cvtps_epi32(_mm512_fmadd_ps(factor, quotient, _mm512_set1_ps(UNIT / 4.0)))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn from_rgb<const HUES: i32>(block: &mut Block) {
    // A sixth of the circle: 30, or 42 2/3.
    let sixth = (HUES as f32) / 6.0;
    let (zero, one) = (_mm512_setzero_si512(), _mm512_set1_epi8(1));
    let [a, b, c, _] = &mut block.0;
    let pixels = (a.as_chunks_mut::<64>().0.iter_mut())
        .zip(b.as_chunks_mut::<64>().0)
        .zip(c.as_chunks_mut::<64>().0);
    for ((a, b), c) in pixels {
        let (red, green, blue) = (load(a), load(b), load(c));
        let value = _mm512_max_epu8(_mm512_max_epu8(red, green), blue);
        let least = _mm512_min_epu8(_mm512_min_epu8(red, green), blue);
        let range = _mm512_sub_epi8(value, least);
        let is_red = _mm512_cmpeq_epi8_mask(value, red);
        let is_green = _mm512_cmpeq_epi8_mask(value, green);
        // Which colours the hue is between, and how far from red that is, in ranges.
        let up = _mm512_mask_mov_epi8(red, is_green, blue);
        let up = _mm512_mask_mov_epi8(up, is_red, green);
        let down = _mm512_mask_mov_epi8(green, is_green, red);
        let down = _mm512_mask_mov_epi8(down, is_red, blue);
        let ranges = _mm512_mask_mov_epi8(_mm512_set1_epi8(4), is_green, _mm512_set1_epi8(2));
        let ranges = _mm512_maskz_mov_epi8(!is_red, ranges);
        let far = |up, down, range, ranges| {
            let difference = _mm512_sub_epi16(up, down);
            _mm512_add_epi16(difference, _mm512_mullo_epi16(range, ranges))
        };
        let first = far(
            _mm512_unpacklo_epi8(up, zero),
            _mm512_unpacklo_epi8(down, zero),
            _mm512_unpacklo_epi8(range, zero),
            _mm512_unpacklo_epi8(ranges, zero),
        );
        let last = far(
            _mm512_unpackhi_epi8(up, zero),
            _mm512_unpackhi_epi8(down, zero),
            _mm512_unpackhi_epi8(range, zero),
            _mm512_unpackhi_epi8(ranges, zero),
        );
        // The sign comes from a shift of what stands in the upper half.
        let signed = |low: __m512i| _mm512_cvtepi32_ps(_mm512_srai_epi32::<16>(low));
        let far = [
            signed(_mm512_unpacklo_epi16(zero, first)),
            signed(_mm512_unpackhi_epi16(zero, first)),
            signed(_mm512_unpacklo_epi16(zero, last)),
            signed(_mm512_unpackhi_epi16(zero, last)),
        ];
        // Where the divisor would be 0, so is the factor.
        let (divisor, ranges) = (_mm512_max_epu8(value, one), _mm512_max_epu8(range, one));
        let saturation = |at| scaled(widen(range, at), 255.0, widen(divisor, at));
        let saturation = _mm512_packus_epi16(
            _mm512_packs_epi32(saturation(0), saturation(1)),
            _mm512_packs_epi32(saturation(2), saturation(3)),
        );
        let hue = |at: usize| scaled(far[at], sixth, widen(ranges, at));
        let around = |hue| {
            let below = _mm512_movepi16_mask(hue);
            _mm512_mask_add_epi16(hue, below, hue, _mm512_set1_epi16(HUES as i16))
        };
        let hue = _mm512_packus_epi16(
            around(_mm512_packs_epi32(hue(0), hue(1))),
            around(_mm512_packs_epi32(hue(2), hue(3))),
        );
        store(a, hue);
        store(b, saturation);
        store(c, value);
    }
}
