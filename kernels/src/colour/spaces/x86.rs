//! Three interleaved channels apart and together with vector instructions, where there are some
//! that the compiler does not find.

#![allow(unsafe_code, reason = "vector loads and stores")]
#![allow(clippy::indexing_slicing, reason = "all positions are below BLOCK")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::block::Block;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::Level;

/// Takes the first pixels of three channels apart; how many.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn split3(_: Level, _: &[u8], _: &mut Block) -> usize {
    0
}

/// Puts the first pixels of three channels together; how many.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn join3(_: Level, _: &Block, _: &mut [u8]) -> usize {
    0
}

/// Takes the first pixels of three channels apart; how many.
#[cfg(target_arch = "x86_64")]
pub(super) fn split3(level: Level, from: &[u8], block: &mut Block) -> usize {
    match level.instructions() {
        Instructions::Avx512(_) if is_x86_feature_detected!("avx512vbmi") => {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected; VBMI just
            // was.
            unsafe { split3_vbmi(from, block) }
        }
        _ => 0,
    }
}

/// Puts the first pixels of three channels together; how many.
#[cfg(target_arch = "x86_64")]
pub(super) fn join3(level: Level, block: &Block, to: &mut [u8]) -> usize {
    match level.instructions() {
        Instructions::Avx512(_) if is_x86_feature_detected!("avx512vbmi") => {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected; VBMI just
            // was.
            unsafe { join3_vbmi(block, to) }
        }
        _ => 0,
    }
}

/// For each of three output vectors, which bytes of the first two vectors it takes, and of the
/// result together with the third one (which counts from 64).
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Choice {
    of_two: [u8; 64],
    with_third: [u8; 64],
}

#[cfg(target_arch = "x86_64")]
const fn choice(source: [u8; 64]) -> Choice {
    let (mut of_two, mut with_third) = ([0; 64], [0; 64]);
    let mut at = 0;
    while at < 64 {
        // Positions count through all three vectors.
        if source[at] < 128 {
            of_two[at] = source[at];
            with_third[at] = at as u8;
        } else {
            with_third[at] = 64 + (source[at] - 128);
        }
        at += 1;
    }
    Choice { of_two, with_third }
}

/// The byte of pixel `at` of a channel lies at `3 * at + channel`.
#[cfg(target_arch = "x86_64")]
const fn apart(channel: u8) -> Choice {
    let mut source = [0; 64];
    let mut at = 0;
    while at < 64 {
        source[at] = (3 * at) as u8 + channel;
        at += 1;
    }
    choice(source)
}

/// Byte `at` of the interleaved vector of that number is channel `at % 3` of pixel `at / 3`.
#[cfg(target_arch = "x86_64")]
const fn together(vector: usize) -> Choice {
    let mut source = [0; 64];
    let mut at = 0;
    while at < 64 {
        let byte = 64 * vector + at;
        source[at] = (64 * (byte % 3) + byte / 3) as u8;
        at += 1;
    }
    choice(source)
}

#[cfg(target_arch = "x86_64")]
const APART: [Choice; 3] = [apart(0), apart(1), apart(2)];
#[cfg(target_arch = "x86_64")]
const TOGETHER: [Choice; 3] = [together(0), together(1), together(2)];

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are there; only called where AVX-512 is.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn choose(choice: &Choice, [a, b, c]: [__m512i; 3]) -> __m512i {
    let two = _mm512_permutex2var_epi8(a, load(&choice.of_two), b);
    _mm512_permutex2var_epi8(two, load(&choice.with_third), c)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn split3_vbmi(from: &[u8], block: &mut Block) -> usize {
    let [a, b, c, _] = &mut block.0;
    let channels = (a.as_chunks_mut::<64>().0.iter_mut())
        .zip(b.as_chunks_mut::<64>().0)
        .zip(c.as_chunks_mut::<64>().0);
    let mut done = 0;
    for (from, ((a, b), c)) in from.as_chunks::<192>().0.iter().zip(channels) {
        let (Some(low), Some(middle), Some(high)) =
            (from.first_chunk(), from[64..].first_chunk(), from.last_chunk())
        else {
            break;
        };
        let vectors = [load(low), load(middle), load(high)];
        for (to, choice) in [a, b, c].into_iter().zip(&APART) {
            let chosen = choose(choice, vectors);
            // SAFETY: there is room for 64 bytes.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), chosen) };
        }
        done += 64;
    }
    done
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn join3_vbmi(block: &Block, to: &mut [u8]) -> usize {
    let [a, b, c, _] = &block.0;
    let channels =
        (a.as_chunks::<64>().0.iter()).zip(b.as_chunks::<64>().0).zip(c.as_chunks::<64>().0);
    let mut done = 0;
    for (to, ((a, b), c)) in to.as_chunks_mut::<192>().0.iter_mut().zip(channels) {
        let vectors = [load(a), load(b), load(c)];
        for (to, choice) in to.as_chunks_mut::<64>().0.iter_mut().zip(&TOGETHER) {
            let chosen = choose(choice, vectors);
            // SAFETY: there is room for 64 bytes.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), chosen) };
        }
        done += 64;
    }
    done
}

/// First and third channel of the first pixels change places; how many pixels.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn swap_ends(_: Level, _: &[u8], _: &mut [u8]) -> usize {
    0
}

/// First and third channel of the first pixels change places; how many pixels.
#[cfg(target_arch = "x86_64")]
pub(crate) fn swap_ends(level: Level, from: &[u8], to: &mut [u8]) -> usize {
    match level.instructions() {
        Instructions::Avx512(_) if is_x86_feature_detected!("avx512vbmi") => {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected; VBMI just
            // was.
            unsafe { swap_ends_vbmi(from, to) }
        }
        _ => 0,
    }
}

/// Of 64 bytes the first 21 pixels change.
#[cfg(target_arch = "x86_64")]
const SWAPPED: [u8; 64] = {
    let mut source = [63; 64];
    let mut at = 0;
    while at < 63 {
        source[at] = (at - at % 3 + 2 - at % 3) as u8;
        at += 1;
    }
    source
};

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn swap_ends_vbmi(from: &[u8], to: &mut [u8]) -> usize {
    let choice = load(&SWAPPED);
    let mut at = 0;
    // The last byte of each is the first of the next, which is written again.
    while let (Some(from), Some(to)) = (
        from.get(at..).and_then(<[u8]>::first_chunk::<64>),
        to.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<64>),
    ) {
        let swapped = _mm512_permutexvar_epi8(choice, load(from));
        // SAFETY: there is room for 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), swapped) };
        at += 63;
    }
    at / 3
}

/// Looks the first samples up in a list; how many.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn look_up(_: Level, _: &[u8; 256], _: &[u8], _: &mut [u8]) -> usize {
    0
}

/// Looks the first samples up in a list; how many.
#[cfg(target_arch = "x86_64")]
pub(super) fn look_up(level: Level, list: &[u8; 256], from: &[u8], to: &mut [u8]) -> usize {
    match level.instructions() {
        Instructions::Avx512(_) if is_x86_feature_detected!("avx512vbmi") => {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected; VBMI just
            // was.
            unsafe { look_up_vbmi(list, from, to) }
        }
        _ => 0,
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
fn look_up_vbmi(list: &[u8; 256], from: &[u8], to: &mut [u8]) -> usize {
    let [a, b, c, d] = list.as_chunks::<64>().0 else { return 0 };
    let [a, b, c, d] = [a, b, c, d].map(load);
    let mut done = 0;
    for (from, to) in from.as_chunks::<64>().0.iter().zip(to.as_chunks_mut::<64>().0) {
        let samples = load(from);
        let low = _mm512_permutex2var_epi8(a, samples, b);
        let high = _mm512_permutex2var_epi8(c, samples, d);
        let found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(samples), low, high);
        // SAFETY: there is room for 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), found) };
        done += 64;
    }
    done
}
