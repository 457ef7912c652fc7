//! Sums of many neighbouring pixels along a row with AVX2, one pixel of the result at a time: for
//! images that shrink by much, whose tables for [`super::x86`] would be too large.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::across::Across;
use super::taps::Taps;

/// Pixels that are weighed at once.
const GROUP: usize = 8;

/// Weights in groups of eight; what is not needed is 0.
#[derive(Debug)]
pub(super) struct Long {
    weights: Vec<[i16; GROUP]>,
    /// Of each pixel of the result.
    groups: usize,
}

impl Long {
    pub(super) fn new(taps: &Taps) -> Self {
        let groups = taps.count.div_ceil(GROUP);
        let mut weights = Vec::with_capacity(taps.first.len() * groups);
        for own in taps.weights.chunks_exact(taps.count) {
            weights.extend(own.chunks(GROUP).map(|part| {
                let mut group = [0; GROUP];
                group.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
                group
            }));
        }
        Self { weights, groups }
    }

    /// Sums of pixels of `N` samples, 3 or 4. How many sums were done: up to the first pixel for
    /// which a vector would read beyond the row.
    #[target_feature(enable = "avx2")]
    pub(super) fn row<const N: usize>(
        &self,
        across: &Across,
        from: &[u8],
        to: &mut [i16],
    ) -> usize {
        let shift = _mm_cvtsi32_si128(across.shift.cast_signed());
        let round = _mm_set1_epi32(across.round);
        // Two neighbouring samples of each channel, as 16 bits.
        let order = |pixel: usize| {
            let bytes: [i8; 16] = std::array::from_fn(|at| match (at % 2, at / 4 < N) {
                (0, true) => ((pixel + at / 2 % 2) * N + at / 4) as i8,
                _ => -1,
            });
            // SAFETY: 16 bytes are read from an array of 16.
            _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
        };
        let (first_two, last_two) = (order(0), order(2));
        let (first_weights, last_weights) =
            (_mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2), _mm256_setr_epi32(1, 1, 1, 1, 3, 3, 3, 3));
        let mut done = 0;
        let lists = self.weights.chunks_exact(self.groups);
        for (first, weights) in across.taps.first.iter().zip(lists) {
            let start = *first as usize * N;
            let end = start + (self.groups * GROUP - 4) * N + 16;
            let (Some(bytes), Some(to)) = (from.get(start..end), to.get_mut(done..done + 4)) else {
                break;
            };
            let mut sums = _mm256_setzero_si256();
            for (group, weights) in weights.iter().enumerate() {
                // SAFETY: `bytes` reaches 16 bytes beyond the start of the last four pixels.
                let bytes = unsafe { bytes.as_ptr().add(group * GROUP * N) };
                // SAFETY: so 16 bytes are there.
                let low = unsafe { _mm_loadu_si128(bytes.cast()) };
                // SAFETY: as above.
                let bytes = unsafe { bytes.add(4 * N) };
                // SAFETY: so 16 bytes are there.
                let high = unsafe { _mm_loadu_si128(bytes.cast()) };
                let pixels = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high);
                // SAFETY: 16 bytes are read from an array of 8 times 2.
                let weights = unsafe { _mm_loadu_si128(weights.as_ptr().cast()) };
                let weights = _mm256_castsi128_si256(weights);
                let products = _mm256_add_epi32(
                    _mm256_madd_epi16(
                        _mm256_shuffle_epi8(pixels, first_two),
                        _mm256_permutevar8x32_epi32(weights, first_weights),
                    ),
                    _mm256_madd_epi16(
                        _mm256_shuffle_epi8(pixels, last_two),
                        _mm256_permutevar8x32_epi32(weights, last_weights),
                    ),
                );
                sums = _mm256_add_epi32(sums, products);
            }
            let halves = (_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let sums = _mm_add_epi32(_mm_add_epi32(halves.0, halves.1), round);
            let sums = _mm_sra_epi32(sums, shift);
            let narrow = _mm_packs_epi32(sums, sums);
            // Of three channels the fourth sum is overwritten by the next pixel.
            // SAFETY: there is room for four times two bytes.
            unsafe { _mm_storel_epi64(to.as_mut_ptr().cast(), narrow) };
            done += N;
        }
        done
    }
}
