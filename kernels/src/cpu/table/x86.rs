//! Tables in registers.
//!
//! With VBMI one instruction looks 64 samples up in 128 entries; two of them, chosen by the
//! highest bit, are a whole table. Without, 16 entries are one instruction: a sample goes through
//! 16 of them, each with the difference (exclusive or) to the entries before, and those beyond
//! the sample add nothing.
//!
//! Most lists have a shorter form, [`Quads`]: two or three look-ups in 64 entries.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::AHEAD;
use super::quads::Quads;
use crate::simd::{each_block, prefetch};

type List = [u8; 256];

/// A list in four registers.
#[derive(Clone, Copy)]
struct Loaded([__m512i; 4]);

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn load(list: &List) -> Loaded {
    let quarters = list.as_chunks::<64>().0;
    let mut loaded = [_mm512_setzero_si512(); 4];
    for (to, quarter) in loaded.iter_mut().zip(quarters) {
        // SAFETY: 64 bytes are there.
        *to = unsafe { _mm512_loadu_si512(quarter.as_ptr().cast()) };
    }
    Loaded(loaded)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn look_up(list: Loaded, samples: __m512i) -> __m512i {
    let Loaded([a, b, c, d]) = list;
    let low = _mm512_permutex2var_epi8(a, samples, b);
    let high = _mm512_permutex2var_epi8(c, samples, d);
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(samples), low, high)
}

/// Returns the number of bytes processed.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn one_list(list: &List, from: &[u8], to: &mut [u8]) -> usize {
    let list = load(list);
    let ask = prefetch::pays(to.len());
    each_block(1, from, to, |from: &[u8; 64], to| {
        if ask {
            prefetch::prefetch_line(to.as_ptr().wrapping_add(AHEAD));
        }
        // SAFETY: 64 bytes are there.
        let samples = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        let result = look_up(list, samples);
        // SAFETY: there is room for 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), result) };
    })
}

/// Of a vector that starts with each channel, the samples of red, and of green; blue is the rest.
const RED: [u64; 3] = [0x9249_2492_4924_9249, 0x4924_9249_2492_4924, 0x2492_4924_9249_2492];
const GREEN: [u64; 3] = [0x2492_4924_9249_2492, 0x9249_2492_4924_9249, 0x4924_9249_2492_4924];

/// Returns the number of bytes processed.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn three_lists(
    red: &List,
    green: &List,
    blue: &List,
    from: &[u8],
    to: &mut [u8],
) -> usize {
    let (red, green, blue) = (load(red), load(green), load(blue));
    each_block(3, from, to, |from: &[u8; 192], to| {
        let thirds = from.as_chunks::<64>().0.iter().zip(to.as_chunks_mut::<64>().0);
        for ((from, to), (reds, greens)) in thirds.zip(RED.into_iter().zip(GREEN)) {
            // SAFETY: 64 bytes are there.
            let samples = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
            let result = look_up(blue, samples);
            let result = _mm512_mask_blend_epi8(reds, result, look_up(red, samples));
            let result = _mm512_mask_blend_epi8(greens, result, look_up(green, samples));
            // SAFETY: there is room for 64 bytes.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), result) };
        }
    })
}

/// Returns the number of bytes processed.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn three_lists_and_alpha(
    red: &List,
    green: &List,
    blue: &List,
    from: &[u8],
    to: &mut [u8],
) -> usize {
    const REDS: u64 = 0x1111_1111_1111_1111;
    let one = red == green && green == blue;
    let (red, green, blue) = (load(red), load(green), load(blue));
    each_block(4, from, to, |from: &[u8; 64], to| {
        // SAFETY: 64 bytes are there.
        let samples = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        let mut result = look_up(red, samples);
        if !one {
            result = _mm512_mask_blend_epi8(REDS << 1, result, look_up(green, samples));
            result = _mm512_mask_blend_epi8(REDS << 2, result, look_up(blue, samples));
        }
        let result = _mm512_mask_blend_epi8(REDS << 3, result, samples);
        // SAFETY: there is room for 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), result) };
    })
}

/// Returns the number of bytes processed. With `alpha`, every fourth sample is kept.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn one_list_by_quads(quads: &Quads, alpha: bool, from: &[u8], to: &mut [u8]) -> usize {
    match &quads.bases {
        Some(bases) => by_quads::<true>(quads, bases, alpha, from, to),
        None => by_quads::<false>(quads, &[0; 64], alpha, from, to),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn by_quads<const BASED: bool>(
    quads: &Quads,
    bases: &[u8; 64],
    alpha: bool,
    from: &[u8],
    to: &mut [u8],
) -> usize {
    let [places, entries, bases] = [&quads.places, &quads.entries, bases].map(|list| {
        // SAFETY: 64 bytes are there.
        unsafe { _mm512_loadu_si512(list.as_ptr().cast()) }
    });
    let colours = if alpha { 0x7777_7777_7777_7777 } else { u64::MAX };
    each_block(if alpha { 4 } else { 1 }, from, to, |from: &[u8; 64], to| {
        // SAFETY: 64 bytes are there.
        let samples = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        // What comes in from the neighbour is above the six bits that count.
        let quad = _mm512_srli_epi16::<2>(samples);
        let place = _mm512_add_epi8(samples, _mm512_permutexvar_epi8(quad, places));
        let result = if BASED {
            let entry = _mm512_permutexvar_epi8(place, entries);
            let base = _mm512_permutexvar_epi8(quad, bases);
            _mm512_mask_add_epi8(samples, colours, entry, base)
        } else {
            _mm512_mask_permutexvar_epi8(samples, colours, place, entries)
        };
        // SAFETY: there is room for 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), result) };
    })
}

/// Returns the number of bytes processed. With `alpha`, every fourth sample is kept.
#[target_feature(enable = "avx2")]
pub(super) fn one_list_by_nibbles(list: &List, alpha: bool, from: &[u8], to: &mut [u8]) -> usize {
    let mut steps = [_mm256_setzero_si256(); 16];
    let mut before = _mm_setzero_si128();
    for (at, (step, entries)) in steps.iter_mut().zip(list.as_chunks::<16>().0).enumerate() {
        // SAFETY: sixteen bytes are there.
        let entries = unsafe { _mm_loadu_si128(entries.as_ptr().cast()) };
        // Both halves of the table start anew.
        let difference = if at == 8 { entries } else { _mm_xor_si128(entries, before) };
        *step = _mm256_broadcastsi128_si256(difference);
        before = entries;
    }
    let (lower, upper) = steps.split_at(8);
    let (sixteen, highest) = (_mm256_set1_epi8(16), _mm256_set1_epi8(i8::MIN));
    let kept = _mm256_set1_epi32(if alpha { 0xff00_0000_u32.cast_signed() } else { 0 });
    each_block(if alpha { 4 } else { 1 }, from, to, |from: &[u8; 32], to| {
        // SAFETY: 32 bytes are there.
        let samples = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
        // A negative index, of a sample in the other half or below the entries, gives zero.
        let (mut low, mut high) = (samples, _mm256_xor_si256(samples, highest));
        let mut result = _mm256_setzero_si256();
        for (lower, upper) in lower.iter().zip(upper) {
            result = _mm256_xor_si256(result, _mm256_shuffle_epi8(*lower, low));
            result = _mm256_xor_si256(result, _mm256_shuffle_epi8(*upper, high));
            low = _mm256_subs_epi8(low, sixteen);
            high = _mm256_subs_epi8(high, sixteen);
        }
        let result = _mm256_blendv_epi8(result, samples, kept);
        // SAFETY: there is room for 32 bytes.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), result) };
    })
}
