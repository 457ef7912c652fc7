//! Two by two pixels of three channels with AVX2: the compiler finds no shuffle for them, and is
//! three times slower.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use crate::simd::{Instructions, Level};

/// Bytes of the result that are made at once.
const MADE: usize = 24;
/// Bytes of the result that are written then.
const WRITTEN: usize = 28;
/// Bytes of each row that are read for it.
const READ: usize = 52;

/// Means of two by two pixels; how many samples were done.
pub(super) fn two_by_two_rgb(level: Level, first: &[u8], second: &[u8], to: &mut [u8]) -> usize {
    match level.instructions() {
        Instructions::Baseline(_) | Instructions::Sse41(_) => 0,
        // SAFETY: such levels exist only where AVX2 was detected.
        _ => unsafe { avx2(first, second, to) },
    }
}

#[target_feature(enable = "avx2")]
fn avx2(first: &[u8], second: &[u8], to: &mut [u8]) -> usize {
    // Each sample beside that of the next pixel, of four pixels.
    let neighbours = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1,
    ));
    // The two times six samples that are of use.
    let close = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1,
    ));
    let mut done = 0;
    while let (Some(first), Some(second), Some(to)) = (
        first.get(2 * done..).and_then(<[u8]>::first_chunk::<READ>),
        second.get(2 * done..).and_then(<[u8]>::first_chunk::<READ>),
        to.get_mut(done..).and_then(<[u8]>::first_chunk_mut::<WRITTEN>),
    ) {
        let first_means = means(first, second, 0, neighbours);
        let last_means = means(first, second, 12, neighbours);
        let both = _mm256_packus_epi16(first_means, last_means);
        let means = _mm256_shuffle_epi8(both, close);
        let low = _mm256_castsi256_si128(means);
        // SAFETY: 16 bytes are written to 28.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), low) };
        let high = _mm256_extracti128_si256::<1>(means);
        // SAFETY: 28 bytes are there.
        let to = unsafe { to.as_mut_ptr().add(MADE / 2) };
        // SAFETY: 16 of them from byte 12 on.
        unsafe { _mm_storeu_si128(to.cast(), high) };
        done += MADE;
    }
    done
}

/// Of eight pixels of both rows, as words: of four from that byte on, and of four 24 bytes further.
#[target_feature(enable = "avx2")]
fn means(first: &[u8; READ], second: &[u8; READ], at: usize, neighbours: __m256i) -> __m256i {
    let (ones, two) = (_mm256_set1_epi8(1), _mm256_set1_epi16(2));
    let a = _mm256_maddubs_epi16(_mm256_shuffle_epi8(load(first, at), neighbours), ones);
    let b = _mm256_maddubs_epi16(_mm256_shuffle_epi8(load(second, at), neighbours), ones);
    _mm256_srli_epi16::<2>(_mm256_add_epi16(_mm256_add_epi16(a, b), two))
}

/// Sixteen bytes from there on, at most the 13th, and 24 bytes further.
#[target_feature(enable = "avx2")]
fn load(row: &[u8; READ], at: usize) -> __m256i {
    debug_assert!(at + 24 + 16 <= READ);
    // SAFETY: the last of the bytes that are read is the 52nd.
    let from = unsafe { row.as_ptr().add(at) };
    // SAFETY: as above.
    let low = unsafe { _mm_loadu_si128(from.cast()) };
    // SAFETY: as above.
    let from = unsafe { from.add(24) };
    // SAFETY: as above.
    let high = unsafe { _mm_loadu_si128(from.cast()) };
    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
}
