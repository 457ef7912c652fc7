//! Eight pixels at a time.

use std::arch::x86_64::*;

use super::super::Matrix;
use super::{Lanes, pair};

/// Processes the first pixels; returns their bytes.
#[target_feature(enable = "avx2")]
pub(in super::super) fn avx2<const ALPHA: bool>(
    (matrix, weights): (&Matrix, [[i16; 3]; 3]),
    from: &[u8],
    to: &mut [u8],
) -> usize {
    let [red, green, blue] = weights.map(|[red, green, blue]| {
        (_mm256_set1_epi32(pair(red, green)), _mm256_set1_epi32(pair(blue, 0)))
    });
    let offsets = matrix.offsets.map(|offset| _mm256_set1_epi32(offset));
    let bits = _mm_cvtsi32_si128(matrix.bits.cast_signed());
    let lanes = const { Lanes::of(ALPHA) };
    let red_green = _mm256_broadcastsi128_si256(lanes.red_green);
    let only_blue = _mm256_broadcastsi128_si256(lanes.blue);
    let pixels = _mm256_broadcastsi128_si256(lanes.pixels);
    let alpha = _mm256_set1_epi32(0xff00_0000_u32.cast_signed());
    // Four pixels of RGB lie in the first 12 bytes of a lane: loads and stores take four bytes
    // more; the next ones, or the plain loop after these, write those bytes again.
    let (step, window) = if ALPHA { (32, 32) } else { (24, 28) };
    let mut done = 0;
    while let (Some(from), Some(to)) =
        (from.get(done..done + window), to.get_mut(done..done + window))
    {
        let (Some(low), Some(high)) = (from.first_chunk::<16>(), from.last_chunk::<16>()) else {
            break;
        };
        // SAFETY: sixteen bytes are there.
        let low = unsafe { _mm_loadu_si128(low.as_ptr().cast()) };
        // SAFETY: sixteen bytes are there.
        let high = unsafe { _mm_loadu_si128(high.as_ptr().cast()) };
        let colours = _mm256_set_m128i(high, low);
        let first = _mm256_shuffle_epi8(colours, red_green);
        let second = _mm256_shuffle_epi8(colours, only_blue);
        let sum = |(of_first, of_second), offset| {
            let partial = _mm256_add_epi32(_mm256_madd_epi16(first, of_first), offset);
            let all = _mm256_add_epi32(partial, _mm256_madd_epi16(second, of_second));
            _mm256_sra_epi32(all, bits)
        };
        let [x, y, z] = offsets;
        let both = _mm256_packs_epi32(sum(red, x), sum(green, y));
        let rest = _mm256_packs_epi32(sum(blue, z), _mm256_setzero_si256());
        let mut result = _mm256_shuffle_epi8(_mm256_packus_epi16(both, rest), pixels);
        if ALPHA {
            result = _mm256_or_si256(result, _mm256_and_si256(colours, alpha));
        }
        if let Some(to) = to.first_chunk_mut::<16>() {
            let result = _mm256_castsi256_si128(result);
            // SAFETY: there is room for sixteen bytes.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), result) };
        }
        if let Some(to) = to.last_chunk_mut::<16>() {
            let result = _mm256_extracti128_si256::<1>(result);
            // SAFETY: there is room for sixteen bytes.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), result) };
        }
        done += step;
    }
    done
}
