//! Eight pixels at a time with AVX2.
//!
//! Their words are loaded one by one. Where gathers are fast, they would take 15 % less time for
//! grey images; but on many processors that have no AVX-512 they are several times as slow.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::super::Filter;
use super::super::sample::{Source, pixels};
use super::{Limits, cubic};
use crate::border::Border;

#[target_feature(enable = "avx2")]
pub(super) fn row<const C: usize>(
    filter: Filter,
    source: &Source<'_>,
    x: &[i32],
    y: &[i32],
    to: &mut [[u8; C]],
) {
    // A loop for each: one for all does not have enough registers, and takes 20 % longer where
    // the nearest pixel is taken.
    match filter {
        Filter::Nearest => blocks(filter, source, x, y, to, |_, _, corner, to| {
            nearest(source, corner, to);
        }),
        Filter::Linear if C == 1 => blocks(filter, source, x, y, to, |x, y, corner, to| {
            linear_gray(source, [load(x), load(y)], corner, to);
        }),
        Filter::Linear => blocks(filter, source, x, y, to, |x, y, corner, to| {
            linear(source, [load(x), load(y)], corner, to);
        }),
        Filter::Cubic => blocks(filter, source, x, y, to, |x, y, _, to| {
            cubic::block(source, x, y, to);
        }),
    }
}

/// Makes a row of blocks: `make` those of which all lies inside, from their positions and the whole
/// part of them.
#[inline]
#[target_feature(enable = "avx2")]
fn blocks<const C: usize>(
    filter: Filter,
    source: &Source<'_>,
    x: &[i32],
    y: &[i32],
    to: &mut [[u8; C]],
    make: impl Fn(&[i32; 8], &[i32; 8], [__m256i; 2], &mut [[u8; C]; 8]),
) {
    let Limits { before, after, inner, outer, bits } = Limits::of::<C>(filter, source);
    let (inner, outer) = (inner.map(|n| _mm256_set1_epi32(n)), outer.map(|n| _mm256_set1_epi32(n)));
    let bits = _mm256_set1_epi32(bits as i32);
    let (before, after) = (_mm256_set1_epi32(before), _mm256_set1_epi32(after));
    let blocks = x.as_chunks::<8>().0.iter().zip(y.as_chunks::<8>().0);
    let done = x.len() / 8 * 8;
    for ((x, y), to) in blocks.zip(to.as_chunks_mut::<8>().0) {
        let [left, top] = [_mm256_srav_epi32(load(x), bits), _mm256_srav_epi32(load(y), bits)];
        let from = [_mm256_sub_epi32(left, before), _mm256_sub_epi32(top, before)];
        if below(from, inner) == 0xff {
            make(x, y, [left, top], to);
            continue;
        }
        if source.border == Border::Constant {
            let until = [_mm256_add_epi32(left, after), _mm256_add_epi32(top, after)];
            if below(until, outer) == 0 {
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
#[target_feature(enable = "avx2")]
fn load(from: &[i32; 8]) -> __m256i {
    // SAFETY: eight numbers are there.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// One bit for each position, set if it is at least 0 and below the limits.
#[inline]
#[target_feature(enable = "avx2")]
fn below([x, y]: [__m256i; 2], limits: [__m256i; 2]) -> i32 {
    let less = _mm256_and_si256(_mm256_cmpgt_epi32(limits[0], x), _mm256_cmpgt_epi32(limits[1], y));
    // Negative numbers have the highest bit, which is what counts.
    let inside = _mm256_andnot_si256(_mm256_or_si256(x, y), less);
    _mm256_movemask_ps(_mm256_castsi256_ps(inside))
}

/// The positions of the bytes at which pixels start.
#[inline]
#[target_feature(enable = "avx2")]
fn offsets<const C: usize>(source: &Source<'_>, [left, top]: [__m256i; 2]) -> [u32; 8] {
    let stride = _mm256_set1_epi32(i32::try_from(source.stride).unwrap_or(0));
    let across = match C {
        1 => left,
        3 => _mm256_add_epi32(_mm256_add_epi32(left, left), left),
        _ => _mm256_slli_epi32::<2>(left),
    };
    let offsets = _mm256_add_epi32(_mm256_mullo_epi32(top, stride), across);
    let mut list = [0; 8];
    // SAFETY: there is room for eight numbers.
    unsafe { _mm256_storeu_si256(list.as_mut_ptr().cast(), offsets) };
    list
}

#[inline]
#[target_feature(enable = "avx2")]
fn nearest<const C: usize>(source: &Source<'_>, corner: [__m256i; 2], to: &mut [[u8; C]; 8]) {
    for (to, offset) in to.iter_mut().zip(offsets::<C>(source, corner)) {
        let pixel = source.data.as_ptr().wrapping_add(offset as usize);
        // SAFETY: the caller has seen that all of them lie inside of the image.
        *to = unsafe { pixel.cast::<[u8; C]>().read() };
    }
}

/// The first row, and the one below it.
#[inline]
#[target_feature(enable = "avx2")]
fn rows(source: &Source<'_>) -> [*const u8; 2] {
    [source.data, source.data.get(source.stride..).unwrap_or_default()].map(<[u8]>::as_ptr)
}

/// Factors of the left and the right pixel, 8 bits each, twice.
#[inline]
#[target_feature(enable = "avx2")]
fn factors_across(x: __m256i) -> __m256i {
    let fraction = _mm256_and_si256(x, _mm256_set1_epi32(31));
    let twice = _mm256_or_si256(fraction, _mm256_slli_epi32::<16>(fraction));
    // 32 - f, and 256 f.
    _mm256_add_epi16(_mm256_mullo_epi16(twice, _mm256_set1_epi16(255)), _mm256_set1_epi16(32))
}

/// Factors of the upper and the lower pixel, 16 bits each.
#[inline]
#[target_feature(enable = "avx2")]
fn factors_down(y: __m256i) -> __m256i {
    let fraction = _mm256_and_si256(y, _mm256_set1_epi32(31));
    let low = _mm256_sub_epi32(_mm256_set1_epi32(32), fraction);
    _mm256_or_si256(low, _mm256_slli_epi32::<16>(fraction))
}

/// The means of four samples each, by those factors.
#[inline]
#[target_feature(enable = "avx2")]
fn means(samples: __m256i, across: __m256i, down: __m256i) -> __m256i {
    let sums = _mm256_madd_epi16(_mm256_maddubs_epi16(samples, across), down);
    _mm256_srli_epi32::<10>(_mm256_add_epi32(sums, _mm256_set1_epi32(1 << 9)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn linear_gray<const C: usize>(
    source: &Source<'_>,
    [x, y]: [__m256i; 2],
    corner: [__m256i; 2],
    to: &mut [[u8; C]; 8],
) {
    let [above, below] = rows(source);
    let two = |row: *const u8, offset: u32| {
        let samples = row.wrapping_add(offset as usize);
        // SAFETY: the caller has seen that all of them lie inside of the image.
        unsafe { samples.cast::<i16>().read_unaligned() }
    };
    // Two samples above and two below, of four pixels.
    let four = |[a, b, c, d]: [u32; 4]| {
        _mm_setr_epi16(
            two(above, a),
            two(below, a),
            two(above, b),
            two(below, b),
            two(above, c),
            two(below, c),
            two(above, d),
            two(below, d),
        )
    };
    let [a, b, c, d, e, f, g, h] = offsets::<C>(source, corner);
    let samples = _mm256_set_m128i(four([e, f, g, h]), four([a, b, c, d]));
    let means = means(samples, factors_across(x), factors_down(y));
    let (low, high) = (_mm256_castsi256_si128(means), _mm256_extracti128_si256::<1>(means));
    let words = _mm_packs_epi32(low, high);
    let bytes = _mm_packus_epi16(words, words);
    // SAFETY: there are eight pixels, of at least one byte each.
    unsafe { _mm_storel_epi64(to.as_mut_ptr().cast(), bytes) };
}

#[inline]
#[target_feature(enable = "avx2")]
fn linear<const C: usize>(
    source: &Source<'_>,
    [x, y]: [__m256i; 2],
    corner: [__m256i; 2],
    to: &mut [[u8; C]; 8],
) {
    // A lane of 128 bits has two pixels of the upper row, then two of the lower one: their
    // samples together.
    let together = _mm256_broadcastsi128_si256(if C == 3 {
        _mm_setr_epi8(0, 3, 8, 11, 1, 4, 9, 12, 2, 5, 10, 13, -1, -1, -1, -1)
    } else {
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
    });
    let [above, below] = rows(source);
    let two = |row: *const u8, offset: u32| {
        let pixels = row.wrapping_add(offset as usize);
        // SAFETY: the caller has seen that all of them lie inside of the image.
        unsafe { _mm_loadl_epi64(pixels.cast()) }
    };
    let four = |offset: u32| _mm_unpacklo_epi64(two(above, offset), two(below, offset));
    let part = |low: u32, high: u32, across: __m256i, down: __m256i| {
        let samples = _mm256_shuffle_epi8(_mm256_set_m128i(four(high), four(low)), together);
        means(samples, across, down)
    };
    let (across, down) = (factors_across(x), factors_down(y));
    // Packing keeps lanes apart: the lower ones get the first four pixels.
    let [a, b, c, d, e, f, g, h] = offsets::<C>(source, corner);
    let parts = [
        part(a, e, _mm256_shuffle_epi32::<0x00>(across), _mm256_shuffle_epi32::<0x00>(down)),
        part(b, f, _mm256_shuffle_epi32::<0x55>(across), _mm256_shuffle_epi32::<0x55>(down)),
        part(c, g, _mm256_shuffle_epi32::<0xaa>(across), _mm256_shuffle_epi32::<0xaa>(down)),
        part(d, h, _mm256_shuffle_epi32::<0xff>(across), _mm256_shuffle_epi32::<0xff>(down)),
    ];
    let words = _mm256_packus_epi16(
        _mm256_packs_epi32(parts[0], parts[1]),
        _mm256_packs_epi32(parts[2], parts[3]),
    );
    if C == 3 { store_rgb(words, to) } else { store_rgba(words, to) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_rgb<const C: usize>(words: __m256i, to: &mut [[u8; C]; 8]) {
    // Three bytes of each word; then three words of each lane.
    let bytes = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    let lanes = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    let bytes = _mm256_shuffle_epi8(words, _mm256_broadcastsi128_si256(bytes));
    let packed = _mm256_permutevar8x32_epi32(bytes, lanes);
    let (low, high) = (_mm256_castsi256_si128(packed), _mm256_extracti128_si256::<1>(packed));
    debug_assert!(C == 3);
    let to = to.as_mut_ptr().cast::<u8>();
    // SAFETY: there are eight pixels of three bytes.
    unsafe { _mm_storeu_si128(to.cast(), low) };
    // SAFETY: these are the eight bytes after the first sixteen.
    unsafe { _mm_storel_epi64(to.wrapping_add(16).cast(), high) };
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_rgba<const C: usize>(words: __m256i, to: &mut [[u8; C]; 8]) {
    debug_assert!(C == 4);
    // SAFETY: there are eight pixels of four bytes.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), words) };
}
