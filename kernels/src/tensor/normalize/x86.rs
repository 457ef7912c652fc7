//! Sixteen samples at a time with AVX-512.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::numbers::Numbers;
use crate::Element;

/// Factors and offsets of sixteen samples.
#[derive(Clone, Copy)]
struct Terms(__m512, __m512);

impl Terms {
    /// Those of the channel of each sample, of which `C` take turns; `at` counts sixteens.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn of<const C: usize>(numbers: &Numbers, order: [usize; 3], at: usize) -> Self {
        let lanes = |list: &[f32; 3]| {
            let mut lanes = [0.0; 16];
            for (index, lane) in lanes.iter_mut().enumerate() {
                let channel = order.get((16 * at + index) % C);
                *lane = channel.and_then(|channel| list.get(*channel)).copied().unwrap_or_default();
            }
            // SAFETY: sixteen numbers are there.
            unsafe { _mm512_loadu_ps(lanes.as_ptr()) }
        };
        Self(lanes(&numbers.factors), lanes(&numbers.offsets))
    }

    /// The numbers of one channel.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn one(numbers: &Numbers, channel: usize) -> Self {
        let of = |list: &[f32; 3]| _mm512_set1_ps(list.get(channel).copied().unwrap_or_default());
        Self(of(&numbers.factors), of(&numbers.offsets))
    }
}

/// Writes sixteen samples, in 32 bits each, as numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn store<const BYTES: usize>(samples: __m512i, terms: Terms, to: &mut [[u8; BYTES]; 16]) {
    if BYTES == 1 {
        let bytes = _mm512_cvtepi32_epi8(samples);
        // SAFETY: there is room for sixteen bytes.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), bytes) };
        return;
    }
    let numbers = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(samples), terms.0), terms.1);
    if BYTES == 2 {
        let halves = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT }>(numbers);
        // SAFETY: there is room for sixteen halves.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), halves) };
    } else {
        // SAFETY: there is room for sixteen numbers of four bytes.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr().cast(), numbers) };
    }
}

/// A row of `C` interleaved channels, which are those in `order`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn samples<const C: usize>(
    numbers: &Numbers,
    order: [usize; 3],
    from: &[u8],
    to: &mut [u8],
) {
    match numbers.element {
        Element::F16 => samples_of::<C, 2>(numbers, order, from, to),
        _ => samples_of::<C, 4>(numbers, order, from, to),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn samples_of<const C: usize, const BYTES: usize>(
    numbers: &Numbers,
    order: [usize; 3],
    from: &[u8],
    to: &mut [u8],
) {
    let terms = [
        Terms::of::<C>(numbers, order, 0),
        Terms::of::<C>(numbers, order, 1),
        Terms::of::<C>(numbers, order, 2),
    ];
    let (blocks, rest) = from.as_chunks::<48>();
    let (to_blocks, to_rest) = to.as_chunks_mut::<BYTES>().0.as_chunks_mut::<48>();
    for (from, to) in blocks.iter().zip(to_blocks) {
        block(from, terms, to);
    }
    // The rest, in a block of its own.
    let (mut last, mut room) = ([0; 48], [[0; BYTES]; 48]);
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    block(&last, terms, &mut room);
    to_rest.iter_mut().zip(&room).for_each(|(to, from)| *to = *from);
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn block<const BYTES: usize>(from: &[u8; 48], terms: [Terms; 3], to: &mut [[u8; BYTES]; 48]) {
    let parts = from.as_chunks::<16>().0.iter().zip(to.as_chunks_mut::<16>().0);
    for ((from, to), terms) in parts.zip(terms) {
        // SAFETY: sixteen bytes are there.
        let bytes = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
        store(_mm512_cvtepu8_epi32(bytes), terms, to);
    }
}

/// A row of three interleaved channels to a row of each.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn planar(numbers: &Numbers, from: &[u8], to: [&mut [u8]; 3]) {
    match numbers.element {
        Element::U8 => planar_of::<1>(numbers, from, to),
        Element::F16 => planar_of::<2>(numbers, from, to),
        _ => planar_of::<4>(numbers, from, to),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn planar_of<const BYTES: usize>(numbers: &Numbers, from: &[u8], to: [&mut [u8]; 3]) {
    let terms = [Terms::one(numbers, 0), Terms::one(numbers, 1), Terms::one(numbers, 2)];
    let (blocks, rest) = from.as_chunks::<48>();
    let [red, green, blue] = to.map(|to| to.as_chunks_mut::<BYTES>().0.as_chunks_mut::<16>());
    let to_blocks = red.0.iter_mut().zip(green.0).zip(blue.0);
    for (from, ((red, green), blue)) in blocks.iter().zip(to_blocks) {
        planes(from, terms, [red, green, blue]);
    }
    let mut last = [0; 48];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let mut room = [[[0; BYTES]; 16]; 3];
    planes(&last, terms, room.each_mut());
    for (to, room) in [red.1, green.1, blue.1].into_iter().zip(&room) {
        to.iter_mut().zip(room).for_each(|(to, from)| *to = *from);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn planes<const BYTES: usize>(from: &[u8; 48], terms: [Terms; 3], to: [&mut [[u8; BYTES]; 16]; 3]) {
    // Three words, which are four pixels, to each lane; there one channel of each pixel to a word.
    let spread = _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0);
    let apart = _mm_setr_epi8(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1);
    let next =
        _mm512_broadcast_i32x4(_mm_setr_epi8(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0));
    let mut apart = _mm512_broadcast_i32x4(apart);
    // SAFETY: the mask selects the twelve words that the block has; no other is touched.
    let packed = unsafe { _mm512_maskz_loadu_epi32(0x0fff, from.as_ptr().cast()) };
    let pixels = _mm512_permutexvar_epi32(spread, packed);
    for (to, terms) in to.into_iter().zip(terms) {
        store(_mm512_shuffle_epi8(pixels, apart), terms, to);
        apart = _mm512_add_epi8(apart, next);
    }
}
