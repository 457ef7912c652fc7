//! Bicubic pixels, one by one: their samples fill vectors.

#![allow(unsafe_code, reason = "vector loads")]

use std::arch::x86_64::*;

use super::super::cubic::table;
use super::super::positions::FRACTION;
use super::super::sample::Source;

/// Sixteen samples, made wider, of each row that a pixel depends on.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn block<const C: usize>(source: &Source<'_>, x: &[i32], y: &[i32], to: &mut [[u8; C]]) {
    // Of four pixels in a row, the samples of each channel together.
    let together = match C {
        3 => _mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1),
        _ => _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
    };
    let table = table();
    for ((x, y), to) in x.iter().zip(y).zip(to) {
        let (left, top) = ((x >> FRACTION) as usize - 1, (y >> FRACTION) as usize - 1);
        let Some(weights) = table.get(((y & 31) << FRACTION | (x & 31)) as usize) else { return };
        let start = top * source.stride + left * C;
        let row = |down: usize| source.data.get(start + down * source.stride..).unwrap_or_default();
        if C == 1 {
            let words = [0, 1, 2, 3]
                .map(|down| row(down).first_chunk().map_or(0, |four| i32::from_le_bytes(*four)));
            let samples = _mm_setr_epi32(words[0], words[1], words[2], words[3]);
            // SAFETY: there are sixteen weights.
            let weights = unsafe { _mm256_loadu_si256(weights.as_ptr().cast()) };
            let sums = _mm256_madd_epi16(_mm256_cvtepu8_epi16(samples), weights);
            let sums =
                _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b01_00_11_10>(sums));
            let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b10_11_00_01>(sums));
            let mean = (_mm_cvtsi128_si32(sums) + (1 << 14)) >> 15;
            to.fill(mean.clamp(0, 255) as u8);
            continue;
        }
        // For each channel, two sums of two samples.
        let mut sums = _mm256_set1_epi32(1 << 13);
        for (down, weights) in weights.as_chunks::<4>().0.iter().enumerate() {
            let Some(pixels) = row(down).first_chunk::<16>() else { return };
            // SAFETY: sixteen bytes are there.
            let pixels = unsafe { _mm_loadu_si128(pixels.as_ptr().cast()) };
            // SAFETY: four weights are eight bytes.
            let weights = unsafe { weights.as_ptr().cast::<i64>().read_unaligned() };
            let samples = _mm256_cvtepu8_epi16(_mm_shuffle_epi8(pixels, together));
            sums = _mm256_add_epi32(sums, _mm256_madd_epi16(samples, _mm256_set1_epi64x(weights)));
        }
        let (low, high) = (_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
        let means = _mm_srai_epi32::<15>(_mm_hadd_epi32(low, high));
        let bytes = _mm_packus_epi16(_mm_packs_epi32(means, means), means);
        let bytes = _mm_cvtsi128_si32(bytes).to_le_bytes();
        *to = bytes.first_chunk().copied().unwrap_or(*to);
    }
}
