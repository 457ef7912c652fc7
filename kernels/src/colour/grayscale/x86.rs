//! Weighted grey of interleaved RGB with vector instructions: pulling three interleaved channels
//! apart is what the compiler does least well.
//!
//! Of each four pixels, 12 bytes, a lane of 128 bits gets red and green as pairs of 16 bits, and
//! another one blue; a multiply-and-add each gives 32-bit sums.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::weights::BITS;

/// Red and green of four pixels as 16-bit pairs; -1 makes a zero.
const RED_GREEN: __m128i = bytes([0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1]);
/// Blue of four pixels, each with a zero beside it.
const BLUE: __m128i = bytes([2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1]);

const fn bytes(bytes: [i8; 16]) -> __m128i {
    // SAFETY: both are 16 bytes of plain integers.
    unsafe { std::mem::transmute::<[i8; 16], __m128i>(bytes) }
}

/// Two weights as one pair of 16 bits.
fn pair(low: u16, high: u16) -> i32 {
    (u32::from(low) | u32::from(high) << 16).cast_signed()
}

/// Processes the first pixels, sixteen at a time; returns their number.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn avx512(from: &[u8], to: &mut [u8], weights: [u16; 3]) -> usize {
    let [red, green, blue] = weights;
    let (red_green_weights, blue_weights) =
        (_mm512_set1_epi32(pair(red, green)), _mm512_set1_epi32(pair(blue, 0)));
    let (red_green, blue) = (_mm512_broadcast_i32x4(RED_GREEN), _mm512_broadcast_i32x4(BLUE));
    // Three words of pixels to each lane.
    let spread = _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0);
    let half = _mm512_set1_epi32(1 << (BITS - 1));
    let blocks = from.as_chunks::<48>().0.iter().zip(to.as_chunks_mut::<16>().0);
    let mut done = 0;
    for (from, to) in blocks {
        // SAFETY: the mask selects the 12 words that the block has; no other is touched.
        let packed = unsafe { _mm512_maskz_loadu_epi32(0x0fff, from.as_ptr().cast()) };
        let pixels = _mm512_permutexvar_epi32(spread, packed);
        let first = _mm512_madd_epi16(_mm512_shuffle_epi8(pixels, red_green), red_green_weights);
        let second = _mm512_madd_epi16(_mm512_shuffle_epi8(pixels, blue), blue_weights);
        let sum = _mm512_add_epi32(_mm512_add_epi32(first, half), second);
        let grey = _mm512_cvtepi32_epi8(_mm512_srli_epi32::<BITS>(sum));
        // SAFETY: the block has room for sixteen bytes.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), grey) };
        done += 16;
    }
    done
}

/// Processes the first pixels, eight at a time; returns their number.
#[target_feature(enable = "avx2")]
pub(super) fn avx2(from: &[u8], to: &mut [u8], weights: [u16; 3]) -> usize {
    let [red, green, blue] = weights;
    let (red_green_weights, blue_weights) =
        (_mm256_set1_epi32(pair(red, green)), _mm256_set1_epi32(pair(blue, 0)));
    let (red_green, blue) =
        (_mm256_broadcastsi128_si256(RED_GREEN), _mm256_broadcastsi128_si256(BLUE));
    let half = _mm256_set1_epi32(1 << (BITS - 1));
    let mut done = 0;
    for to in to.as_chunks_mut::<8>().0 {
        // Both loads take four bytes more than their four pixels.
        let from = from.get(3 * done..3 * done + 28).unwrap_or_default();
        let (Some(low), Some(high)) = (from.first_chunk::<16>(), from.last_chunk::<16>()) else {
            break;
        };
        // SAFETY: sixteen bytes are there.
        let low = unsafe { _mm_loadu_si128(low.as_ptr().cast()) };
        // SAFETY: sixteen bytes are there.
        let high = unsafe { _mm_loadu_si128(high.as_ptr().cast()) };
        let pixels = _mm256_set_m128i(high, low);
        let first = _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, red_green), red_green_weights);
        let second = _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, blue), blue_weights);
        let sum = _mm256_add_epi32(_mm256_add_epi32(first, half), second);
        let grey = _mm256_srli_epi32::<{ BITS as i32 }>(sum);
        let grey = _mm256_packus_epi32(grey, grey);
        let grey = _mm_packus_epi16(
            _mm_unpacklo_epi64(_mm256_castsi256_si128(grey), _mm256_extracti128_si256::<1>(grey)),
            _mm_setzero_si128(),
        );
        // SAFETY: the block has room for eight bytes.
        unsafe { _mm_storel_epi64(to.as_mut_ptr().cast(), grey) };
        done += 8;
    }
    done
}
