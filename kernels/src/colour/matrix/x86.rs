//! Weighted sums of interleaved RGB with vector instructions.
//!
//! Of each four pixels, 12 bytes, a lane of 128 bits gets red and green as pairs of 16 bits, and
//! another one blue; a multiply-and-add each gives the 32-bit sums of one colour. Saturating packs
//! are the limits 0 and 255.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use crate::simd::prefetch::prefetch_line;

/// Red and green of four pixels as 16-bit pairs; -1 makes a zero.
const RED_GREEN: __m128i = bytes([0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1]);
/// Blue of four pixels, each with a zero beside it.
const BLUE: __m128i = bytes([2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1]);
/// From four times red, four times green, four times blue to four pixels.
const PIXELS: __m128i = bytes([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1]);

const fn bytes(bytes: [i8; 16]) -> __m128i {
    // SAFETY: both are 16 bytes of plain integers.
    unsafe { std::mem::transmute::<[i8; 16], __m128i>(bytes) }
}

/// Two weights as one pair of 16 bits.
fn pair(low: i16, high: i16) -> i32 {
    i32::from(low) & 0xffff | i32::from(high) << 16
}

/// Does the first pixels, sixteen at a time; how many. With `ASK`, memory is asked for what is
/// needed soon, line by line: the sums leave it idle, and all at once would keep them waiting.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn avx512<const ASK: bool>(
    from: &[u8],
    to: &mut [u8],
    weights: [[i16; 3]; 3],
    offsets: [i32; 3],
    bits: u32,
    soon: [&[u8]; 2],
) -> usize {
    let [red, green, blue] = weights.map(|[red, green, blue]| {
        (_mm512_set1_epi32(pair(red, green)), _mm512_set1_epi32(pair(blue, 0)))
    });
    let offsets = offsets.map(|offset| _mm512_set1_epi32(offset));
    // Lane by lane: a shift of all lanes by one number is two instructions inside.
    let bits = _mm512_set1_epi32(bits.cast_signed());
    let (red_green, only_blue) = (_mm512_broadcast_i32x4(RED_GREEN), _mm512_broadcast_i32x4(BLUE));
    let pixels = _mm512_broadcast_i32x4(PIXELS);
    // Three words of pixels to each lane, and back.
    let spread = _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0);
    let gather = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0);
    let blocks = from.as_chunks::<48>().0.iter().zip(to.as_chunks_mut::<48>().0);
    let mut done = 0;
    for (from, to) in blocks {
        if ASK {
            for byte in soon.into_iter().filter_map(|bytes| bytes.get(3 * done)) {
                prefetch_line(byte);
            }
        }
        // SAFETY: the mask selects the 12 words that the block has; no other is touched.
        let packed = unsafe { _mm512_maskz_loadu_epi32(0x0fff, from.as_ptr().cast()) };
        let colours = _mm512_permutexvar_epi32(spread, packed);
        let first = _mm512_shuffle_epi8(colours, red_green);
        let second = _mm512_shuffle_epi8(colours, only_blue);
        let sum = |(of_first, of_second), offset| {
            let partial = _mm512_add_epi32(_mm512_madd_epi16(first, of_first), offset);
            let all = _mm512_add_epi32(partial, _mm512_madd_epi16(second, of_second));
            _mm512_srav_epi32(all, bits)
        };
        let [x, y, z] = offsets;
        let both = _mm512_packs_epi32(sum(red, x), sum(green, y));
        let rest = _mm512_packs_epi32(sum(blue, z), _mm512_setzero_si512());
        let planes = _mm512_packus_epi16(both, rest);
        let result = _mm512_permutexvar_epi32(gather, _mm512_shuffle_epi8(planes, pixels));
        // SAFETY: the mask selects the 12 words that the block has; no other is touched.
        unsafe { _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), 0x0fff, result) };
        done += 16;
    }
    done
}

/// Does the first pixels, eight at a time; how many.
#[target_feature(enable = "avx2")]
pub(super) fn avx2(
    from: &[u8],
    to: &mut [u8],
    weights: [[i16; 3]; 3],
    offsets: [i32; 3],
    bits: u32,
) -> usize {
    let [red, green, blue] = weights.map(|[red, green, blue]| {
        (_mm256_set1_epi32(pair(red, green)), _mm256_set1_epi32(pair(blue, 0)))
    });
    let offsets = offsets.map(|offset| _mm256_set1_epi32(offset));
    let bits = _mm_cvtsi32_si128(bits.cast_signed());
    let red_green = _mm256_broadcastsi128_si256(RED_GREEN);
    let only_blue = _mm256_broadcastsi128_si256(BLUE);
    let pixels = _mm256_broadcastsi128_si256(PIXELS);
    let mut done = 0;
    // Loads and stores take four bytes more than their four pixels; the next ones, or the plain
    // loop after these, write those bytes again.
    while let (Some(from), Some(to)) =
        (from.get(3 * done..3 * done + 28), to.get_mut(3 * done..3 * done + 28))
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
        let result = _mm256_shuffle_epi8(_mm256_packus_epi16(both, rest), pixels);
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
        done += 8;
    }
    done
}
