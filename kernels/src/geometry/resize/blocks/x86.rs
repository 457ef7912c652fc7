//! Two by two pixels of three and four channels with AVX2: the compiler finds no good shuffles for
//! them, and is three times slower.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use crate::simd::{Instructions, Level};

/// Bytes of the result that are made at once.
const MADE: usize = 24;
/// Bytes of the result that are written then.
const WRITTEN: usize = 28;
/// Bytes of each row that are read for it.
const READ: usize = 52;

/// Computes the means of two by two pixels; returns the number of samples.
pub(super) fn two_by_two_rgb(level: Level, first: &[u8], second: &[u8], to: &mut [u8]) -> usize {
    match level.instructions() {
        Instructions::Baseline(_) | Instructions::Sse41(_) => 0,
        // SAFETY: such levels exist only where AVX2 was detected.
        _ => unsafe { rgb(first, second, to) },
    }
}

/// Computes the means of two by two pixels; returns the number of samples.
pub(super) fn two_by_two_rgba(level: Level, first: &[u8], second: &[u8], to: &mut [u8]) -> usize {
    match level.instructions() {
        Instructions::Baseline(_) | Instructions::Sse41(_) => 0,
        // SAFETY: such levels exist only where AVX2 was detected.
        _ => unsafe { rgba(first, second, to) },
    }
}

#[target_feature(enable = "avx2")]
fn rgba(first: &[u8], second: &[u8], to: &mut [u8]) -> usize {
    // Each sample beside that of the next pixel, of four pixels.
    let neighbours = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15,
    ));
    let load = |row: &[u8; 32]| {
        // SAFETY: 32 bytes are there.
        unsafe { _mm256_loadu_si256(row.as_ptr().cast()) }
    };
    let (first, second) = (first.as_chunks::<32>().0, second.as_chunks::<32>().0);
    let pairs = first.as_chunks::<2>().0.iter().zip(second.as_chunks::<2>().0);
    let mut done = 0;
    for (([a, b], [c, d]), to) in pairs.zip(to.as_chunks_mut::<32>().0) {
        let one = means(load(a), load(c), neighbours);
        let other = means(load(b), load(d), neighbours);
        // Lane by lane, so that the inner two quarters have changed places.
        let means = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi16(one, other));
        // SAFETY: there is room for 32 bytes.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), means) };
        done += to.len();
    }
    done
}

#[target_feature(enable = "avx2")]
fn rgb(first: &[u8], second: &[u8], to: &mut [u8]) -> usize {
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
        let first_means = means(load(first, 0), load(second, 0), neighbours);
        let last_means = means(load(first, 12), load(second, 12), neighbours);
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

/// Of eight pixels of both rows, as words.
#[target_feature(enable = "avx2")]
fn means(first: __m256i, second: __m256i, neighbours: __m256i) -> __m256i {
    let (ones, two) = (_mm256_set1_epi8(1), _mm256_set1_epi16(2));
    let a = _mm256_maddubs_epi16(_mm256_shuffle_epi8(first, neighbours), ones);
    let b = _mm256_maddubs_epi16(_mm256_shuffle_epi8(second, neighbours), ones);
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
