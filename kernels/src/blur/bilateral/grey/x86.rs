//! With VBMI two instructions look 64 samples up in a table of 256, and with VNNI one adds up four
//! products of bytes: of the four pixels that have the same table.
#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::super::weight::{INTEGERS, WHOLE};
use super::{Grey, MAX_ROWS};

/// Pixels that are done at a time.
const STEP: usize = 64;

/// A row of the result; `false` if it is too short for that.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) fn row(grey: &Grey, around: &[&[u8]; MAX_ROWS], output: &mut [u8]) -> bool {
    let Some(last) = output.len().checked_sub(STEP) else { return false };
    // The last step starts where it ends with the row: what it does again comes out the same.
    for at in (0..last).step_by(STEP).chain([last]) {
        let means = means(grey, around, at);
        let Some(to) = output.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<STEP>) else {
            return false;
        };
        // SAFETY: there is room for 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), means) };
    }
    true
}

/// From that place in the square around the disc on.
#[inline(always)]
fn samples<'a>(
    around: &[&'a [u8]; MAX_ROWS],
    (row, column): (usize, usize),
) -> Option<&'a [u8; STEP]> {
    around.get(row)?.get(column..)?.first_chunk()
}

/// From that place on; zeros if there are too few samples.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn load(around: &[&[u8]; MAX_ROWS], place: (usize, usize)) -> __m512i {
    match samples(around, place) {
        // SAFETY: 64 bytes are there.
        Some(samples) => unsafe { _mm512_loadu_si512(samples.as_ptr().cast()) },
        None => _mm512_setzero_si512(),
    }
}

/// Of each of the vectors a byte, in turn. The parts hold bytes in the order that
/// [`narrow`] expects.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn interleave([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let (low, high) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
    let (other_low, other_high) = (_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d));
    [
        _mm512_unpacklo_epi16(low, other_low),
        _mm512_unpackhi_epi16(low, other_low),
        _mm512_unpacklo_epi16(high, other_high),
        _mm512_unpackhi_epi16(high, other_high),
    ]
}

/// The least byte of four each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn narrow([a, b, c, d]: [__m512i; 4]) -> __m512i {
    _mm512_packus_epi16(_mm512_packus_epi32(a, b), _mm512_packus_epi32(c, d))
}

/// A table in four registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn table(list: &[u8; 256]) -> [__m512i; 4] {
    let from: *const __m512i = list.as_ptr().cast();
    // SAFETY: the list has 256 bytes.
    let a = unsafe { _mm512_loadu_si512(from) };
    // SAFETY: as above.
    let b = unsafe { _mm512_loadu_si512(from.wrapping_byte_add(64)) };
    // SAFETY: as above.
    let c = unsafe { _mm512_loadu_si512(from.wrapping_byte_add(128)) };
    // SAFETY: as above.
    let d = unsafe { _mm512_loadu_si512(from.wrapping_byte_add(192)) };
    [a, b, c, d]
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn look_up([a, b, c, d]: [__m512i; 4], samples: __m512i) -> __m512i {
    let low = _mm512_permutex2var_epi8(a, samples, b);
    let high = _mm512_permutex2var_epi8(c, samples, d);
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(samples), low, high)
}

/// Sums of products of upper and lower bits of the weights, for each pixel.
#[derive(Clone, Copy)]
struct Sums {
    /// The weights, paired with 1.
    weights: [__m512i; 2],
    /// With the sample less 128: the instruction multiplies unsigned by signed bytes.
    greys: [__m512i; 2],
}

/// From that column on.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn means(grey: &Grey, around: &[&[u8]; MAX_ROWS], at: usize) -> __m512i {
    let here = load(around, (grey.radius, at + grey.radius));
    let [a, b, c, d] = interleave([here, here, here, here]);
    let zero = _mm512_setzero_si512();
    let none = Sums { weights: [zero, zero], greys: [zero, zero] };
    let (mut of_a, mut of_b, mut of_c, mut of_d) = (none, none, none, none);
    for four in &grey.fours {
        let [p, q, r, s] = four.places;
        let near = interleave([
            load(around, (p.0, at + p.1)),
            load(around, (q.0, at + q.1)),
            load(around, (r.0, at + r.1)),
            load(around, (s.0, at + s.1)),
        ]);
        let tables = [table(&four.lists[0]), table(&four.lists[1])];
        of_a = add(of_a, a, near[0], tables);
        of_b = add(of_b, b, near[1], tables);
        of_c = add(of_c, c, near[2], tables);
        of_d = add(of_d, d, near[3], tables);
    }
    narrow([divide(of_a, a), divide(of_b, b), divide(of_c, c), divide(of_d, d)])
}

/// `here` has each sample four times, `near` four that count for it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn add(sums: Sums, here: __m512i, near: __m512i, [upper, lower]: [[__m512i; 4]; 2]) -> Sums {
    let difference = _mm512_sub_epi8(_mm512_max_epu8(near, here), _mm512_min_epu8(near, here));
    let (upper, lower) = (look_up(upper, difference), look_up(lower, difference));
    let near = _mm512_xor_si512(near, _mm512_set1_epi8(i8::MIN));
    let one = _mm512_set1_epi8(1);
    Sums {
        weights: [
            _mm512_dpbusd_epi32(sums.weights[0], upper, one),
            _mm512_dpbusd_epi32(sums.weights[1], lower, one),
        ],
        greys: [
            _mm512_dpbusd_epi32(sums.greys[0], upper, near),
            _mm512_dpbusd_epi32(sums.greys[1], lower, near),
        ],
    }
}

/// A sum from its upper and lower bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn joined([upper, lower]: [__m512i; 2]) -> __m512i {
    _mm512_add_epi32(_mm512_slli_epi32::<8>(upper), lower)
}

/// The means; the pixels themselves count, too. `here` has each sample four times.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn divide(sums: Sums, here: __m512i) -> __m512i {
    let (own, lowest) = (_mm512_set1_epi32(WHOLE.into()), _mm512_set1_epi32(0xff));
    let others = joined(sums.weights);
    let weights = _mm512_add_epi32(others, own);
    let here = _mm512_madd_epi16(_mm512_and_si512(here, lowest), own);
    let less = _mm512_slli_epi32::<7>(others);
    let greys = _mm512_add_epi32(_mm512_add_epi32(joined(sums.greys), less), here);
    let means = _mm512_div_ps(_mm512_cvtepi32_ps(greys), _mm512_cvtepi32_ps(weights));
    let rounded = _mm512_add_ps(means, _mm512_set1_ps(INTEGERS));
    _mm512_and_si512(_mm512_castps_si512(rounded), lowest)
}
