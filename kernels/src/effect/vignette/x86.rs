//! Interleaved RGB times one weight a pixel: repeating weights three times is what the compiler
//! does least well.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

/// Which of eight weights belong to the first, second and third eight samples.
const SPREAD: [[i8; 16]; 3] = [places(0), places(8), places(16)];

/// Bytes of the 16-bit weights for eight samples from that one on.
const fn places(first: i8) -> [i8; 16] {
    let mut bytes = [0; 16];
    let mut at = 0;
    while at < 8 {
        let weight = (first + at) / 3;
        // In range: `at` counts to 7.
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            bytes[2 * at as usize] = 2 * weight;
            bytes[2 * at as usize + 1] = 2 * weight + 1;
        }
        at += 1;
    }
    bytes
}

/// Processes the first pixels, 32 at a time; returns their number.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn avx512(from: &[u8], weights: &[i16], to: &mut [u8]) -> usize {
    let spread = [0, 32, 64].map(|first| {
        let places: [i16; 32] = std::array::from_fn(|at| ((first + at) / 3) as i16);
        // SAFETY: 64 bytes are there.
        unsafe { _mm512_loadu_si512(places.as_ptr().cast()) }
    });
    let blocks = from.as_chunks::<96>().0.iter().zip(to.as_chunks_mut::<96>().0);
    let mut done = 0;
    for ((from, to), weights) in blocks.zip(weights.as_chunks::<32>().0) {
        // SAFETY: 64 bytes are there.
        let weights = unsafe { _mm512_loadu_si512(weights.as_ptr().cast()) };
        let parts = from.as_chunks::<32>().0.iter().zip(to.as_chunks_mut::<32>().0);
        for ((from, to), spread) in parts.zip(spread) {
            // SAFETY: 32 bytes are there.
            let samples = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
            let weights = _mm512_permutexvar_epi16(spread, weights);
            let product = _mm512_mulhrs_epi16(_mm512_cvtepu8_epi16(samples), weights);
            let product = _mm512_cvtepi16_epi8(product);
            // SAFETY: there is room for 32 bytes.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), product) };
        }
        done += 32;
    }
    done
}

/// Processes the first pixels, eight at a time; returns their number.
#[target_feature(enable = "sse4.1")]
pub(super) fn sse41(from: &[u8], weights: &[i16], to: &mut [u8]) -> usize {
    // SAFETY: 16 bytes are there.
    let spread = SPREAD.map(|places| unsafe { _mm_loadu_si128(places.as_ptr().cast()) });
    let blocks = from.as_chunks::<24>().0.iter().zip(to.as_chunks_mut::<24>().0);
    let mut done = 0;
    for ((from, to), weights) in blocks.zip(weights.as_chunks::<8>().0) {
        // SAFETY: 16 bytes are there.
        let weights = unsafe { _mm_loadu_si128(weights.as_ptr().cast()) };
        let parts = from.as_chunks::<8>().0.iter().zip(to.as_chunks_mut::<8>().0);
        for ((from, to), spread) in parts.zip(spread) {
            // SAFETY: eight bytes are there.
            let samples = unsafe { _mm_loadl_epi64(from.as_ptr().cast()) };
            let weights = _mm_shuffle_epi8(weights, spread);
            let product = _mm_mulhrs_epi16(_mm_cvtepu8_epi16(samples), weights);
            let product = _mm_packus_epi16(product, product);
            // SAFETY: there is room for eight bytes.
            unsafe { _mm_storel_epi64(to.as_mut_ptr().cast(), product) };
        }
        done += 8;
    }
    done
}

/// Like [`sse41`], on CPUs whose instructions have three operands.
#[target_feature(enable = "avx2")]
pub(super) fn avx2(from: &[u8], weights: &[i16], to: &mut [u8]) -> usize {
    sse41(from, weights, to)
}
