//! Sixteen pixels at a time with AVX-512: their words, of four or eight bytes, are gathered.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::super::Filter;
use super::super::sample::{Source, pixels};
use super::{Limits, cubic};
use crate::border::Border;

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn row<const C: usize>(
    filter: Filter,
    source: &Source<'_>,
    x: &[i32],
    y: &[i32],
    to: &mut [[u8; C]],
) {
    let Limits { before, after, inner, outer, bits } = Limits::of::<C>(filter, source);
    let (inner, outer) = (inner.map(|n| _mm512_set1_epi32(n)), outer.map(|n| _mm512_set1_epi32(n)));
    let bits = _mm512_set1_epi32(bits as i32);
    let (before, after) = (_mm512_set1_epi32(before), _mm512_set1_epi32(after));
    let blocks = x.as_chunks::<16>().0.iter().zip(y.as_chunks::<16>().0);
    let done = x.len() / 16 * 16;
    for ((x, y), to) in blocks.zip(to.as_chunks_mut::<16>().0) {
        let (at_x, at_y) = (load(x), load(y));
        let (left, top) = (_mm512_srav_epi32(at_x, bits), _mm512_srav_epi32(at_y, bits));
        let inside = _mm512_cmplt_epu32_mask(_mm512_sub_epi32(left, before), inner[0])
            & _mm512_cmplt_epu32_mask(_mm512_sub_epi32(top, before), inner[1]);
        if inside == 0xffff {
            match filter {
                Filter::Nearest => nearest(source, left, top, to),
                Filter::Linear if C == 1 => linear_gray(source, [at_x, at_y], left, top, to),
                Filter::Linear => linear(source, [at_x, at_y], left, top, to),
                Filter::Cubic => cubic::block(source, x, y, to),
            }
            continue;
        }
        if source.border == Border::Constant {
            let touched = _mm512_cmplt_epu32_mask(_mm512_add_epi32(left, after), outer[0])
                & _mm512_cmplt_epu32_mask(_mm512_add_epi32(top, after), outer[1]);
            if touched == 0 {
                to.fill(source.beyond());
                continue;
            }
        }
        pixels(filter, source, x, y, to);
    }
    if let (Some(x), Some(y), Some(to)) = (x.get(done..), y.get(done..), to.get_mut(done..)) {
        pixels(filter, source, x, y, to);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn load(from: &[i32; 16]) -> __m512i {
    // SAFETY: sixteen numbers are there.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

/// The positions of the bytes at which pixels start.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn offsets<const C: usize>(source: &Source<'_>, left: __m512i, top: __m512i) -> __m512i {
    let stride = _mm512_set1_epi32(i32::try_from(source.stride).unwrap_or(0));
    let across = match C {
        1 => left,
        3 => _mm512_add_epi32(_mm512_add_epi32(left, left), left),
        _ => _mm512_slli_epi32::<2>(left),
    };
    _mm512_add_epi32(_mm512_mullo_epi32(top, stride), across)
}

/// The words of four bytes at those offsets.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn gather(data: &[u8], offsets: __m512i) -> __m512i {
    // SAFETY: the caller has seen that all of them lie inside of the image.
    unsafe { _mm512_i32gather_epi32::<1>(offsets, data.as_ptr().cast()) }
}

/// The words of eight bytes at those offsets.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn gather_long(data: &[u8], offsets: __m256i) -> __m512i {
    // SAFETY: the caller has seen that all of them lie inside of the image.
    unsafe { _mm512_i32gather_epi64::<1>(offsets, data.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn nearest<const C: usize>(
    source: &Source<'_>,
    left: __m512i,
    top: __m512i,
    to: &mut [[u8; C]; 16],
) {
    let words = gather(source.data, offsets::<C>(source, left, top));
    match C {
        1 => store_gray(_mm512_cvtepi32_epi8(words), to),
        3 => store_rgb(words, to),
        _ => store_rgba(words, to),
    }
}

/// Factors of the left and the right pixel, 8 bits each, twice.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn factors_across(x: __m512i) -> __m512i {
    let fraction = _mm512_and_si512(x, _mm512_set1_epi32(31));
    let twice = _mm512_or_si512(fraction, _mm512_slli_epi32::<16>(fraction));
    // 32 - f, and 256 f.
    _mm512_add_epi16(_mm512_mullo_epi16(twice, _mm512_set1_epi16(255)), _mm512_set1_epi16(32))
}

/// Factors of the upper and the lower pixel, 16 bits each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn factors_down(y: __m512i) -> __m512i {
    let fraction = _mm512_and_si512(y, _mm512_set1_epi32(31));
    let low = _mm512_sub_epi32(_mm512_set1_epi32(32), fraction);
    _mm512_or_si512(low, _mm512_slli_epi32::<16>(fraction))
}

/// The means of four samples each, by those factors.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn means(samples: __m512i, across: __m512i, down: __m512i) -> __m512i {
    let sums = _mm512_madd_epi16(_mm512_maddubs_epi16(samples, across), down);
    _mm512_srli_epi32::<10>(_mm512_add_epi32(sums, _mm512_set1_epi32(1 << 9)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn linear_gray<const C: usize>(
    source: &Source<'_>,
    [x, y]: [__m512i; 2],
    left: __m512i,
    top: __m512i,
    to: &mut [[u8; C]; 16],
) {
    let offsets = offsets::<C>(source, left, top);
    let above = gather(source.data, offsets);
    let below = gather(source.data.get(source.stride..).unwrap_or_default(), offsets);
    // Two samples of each.
    let samples = _mm512_mask_blend_epi16(0xaaaa_aaaa, above, _mm512_slli_epi32::<16>(below));
    let means = means(samples, factors_across(x), factors_down(y));
    store_gray(_mm512_cvtepi32_epi8(means), to);
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn linear<const C: usize>(
    source: &Source<'_>,
    [x, y]: [__m512i; 2],
    left: __m512i,
    top: __m512i,
    to: &mut [[u8; C]; 16],
) {
    // A lane of 128 bits has two pixels of the upper row, then two of the lower one: their
    // samples together.
    let together = _mm512_broadcast_i32x4(if C == 3 {
        _mm_setr_epi8(0, 3, 8, 11, 1, 4, 9, 12, 2, 5, 10, 13, -1, -1, -1, -1)
    } else {
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
    });
    let offsets = offsets::<C>(source, left, top);
    let halves = [_mm512_castsi512_si256(offsets), _mm512_extracti64x4_epi64::<1>(offsets)];
    let lower_row = source.data.get(source.stride..).unwrap_or_default();
    let (across, down) = (factors_across(x), factors_down(y));
    let part = |rows: __m512i, first: i32| {
        // Each lane gets the factors of its pixel: every other one from the first on.
        let lanes = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
        let lanes = _mm512_add_epi32(lanes, _mm512_set1_epi32(first));
        means(
            _mm512_shuffle_epi8(rows, together),
            _mm512_permutexvar_epi32(lanes, across),
            _mm512_permutexvar_epi32(lanes, down),
        )
    };
    let pairs = |half: __m256i, first: i32| {
        let above = gather_long(source.data, half);
        let below = gather_long(lower_row, half);
        let even = part(_mm512_unpacklo_epi64(above, below), first);
        let odd = part(_mm512_unpackhi_epi64(above, below), first + 1);
        _mm512_packs_epi32(even, odd)
    };
    let packed = _mm512_packus_epi16(pairs(halves[0], 0), pairs(halves[1], 8));
    // A lane has pixels 2 n, 2 n + 1 and the same of the second half.
    let order = _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    let words = _mm512_permutexvar_epi32(order, packed);
    if C == 3 { store_rgb(words, to) } else { store_rgba(words, to) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn store_gray<const C: usize>(bytes: __m128i, to: &mut [[u8; C]; 16]) {
    // SAFETY: there are sixteen pixels, of at least one byte each.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), bytes) };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn store_rgb<const C: usize>(words: __m512i, to: &mut [[u8; C]; 16]) {
    // Three bytes of each word; then three words of each lane.
    let bytes = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    let lanes = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
    let bytes = _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(bytes));
    let packed = _mm512_permutexvar_epi32(lanes, bytes);
    // SAFETY: there are sixteen pixels of three bytes; the mask has twelve words.
    unsafe { _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), 0x0fff, packed) };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn store_rgba<const C: usize>(words: __m512i, to: &mut [[u8; C]; 16]) {
    debug_assert!(C == 4);
    // SAFETY: there are sixteen pixels of four bytes.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), words) };
}
