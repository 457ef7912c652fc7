//! The pixels of a row in the opposite order.

#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::Level;

/// Writes them from the last to the first. Both slices are as long.
pub(crate) fn pixels(level: Level, channels: usize, from: &[u8], to: &mut [u8]) {
    if from.len() != to.len() {
        return;
    }
    let done = vectors(level, channels, from, to);
    if done == to.len() {
        return;
    }
    let (from, to) = (from.get(..from.len() - done), to.get_mut(done..));
    if let (Some(from), Some(to)) = (from, to) {
        match channels {
            1 => from.iter().rev().zip(to).for_each(|(from, to)| *to = *from),
            2 => each::<2>(from, to),
            3 => threes(from, to),
            _ => each::<4>(from, to),
        }
    }
}

fn each<const N: usize>(from: &[u8], to: &mut [u8]) {
    let (from, to) = (from.as_chunks::<N>().0, to.as_chunks_mut::<N>().0);
    from.iter().rev().zip(to).for_each(|(from, to)| *to = *from);
}

/// Sample by sample: of whole pixels of three bytes the compiler makes no vectors.
fn threes(from: &[u8], to: &mut [u8]) {
    let (from, to) = (from.as_chunks::<3>().0, to.as_chunks_mut::<3>().0);
    from.iter().rev().zip(to).for_each(|(&[red, green, blue], to)| *to = [red, green, blue]);
}

/// How many bytes of the result are done, which are the last ones of `from`.
#[cfg(not(target_arch = "x86_64"))]
fn vectors(_: Level, _: usize, _: &[u8], _: &mut [u8]) -> usize {
    0
}

/// How many bytes of the result are done, which are the last ones of `from`.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn vectors(level: Level, channels: usize, from: &[u8], to: &mut [u8]) -> usize {
    match (level.instructions(), channels) {
        (Instructions::Baseline(_), _) => 0,
        // SAFETY: such a level exists only where SSE4.1, which implies SSSE3, was detected.
        (_, 3) => unsafe { x86::threes(from, to) },
        // SAFETY: such a level exists only where AVX-512 BW was detected.
        (Instructions::Avx512(_), 1) => unsafe { x86::avx512::<1>(from, to) },
        // SAFETY: as above.
        (Instructions::Avx512(_), 2) => unsafe { x86::avx512::<2>(from, to) },
        // SAFETY: as above.
        (Instructions::Avx512(_), _) => unsafe { x86::avx512::<4>(from, to) },
        // SAFETY: such a level exists only where AVX2 was detected.
        (Instructions::Avx2(_), 1) => unsafe { x86::avx2::<1>(from, to) },
        // SAFETY: as above.
        (Instructions::Avx2(_), 2) => unsafe { x86::avx2::<2>(from, to) },
        // SAFETY: as above.
        (Instructions::Avx2(_), _) => unsafe { x86::avx2::<4>(from, to) },
        // SAFETY: such a level exists only where SSE4.1 was detected.
        (Instructions::Sse41(_), 1) => unsafe { x86::sse::<1>(from, to) },
        // SAFETY: as above.
        (Instructions::Sse41(_), 2) => unsafe { x86::sse::<2>(from, to) },
        // SAFETY: as above.
        (Instructions::Sse41(_), _) => unsafe { x86::sse::<4>(from, to) },
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector loads and stores")]
mod x86 {
    use std::arch::x86_64::*;

    use crate::simd::aligned_from;

    /// Which byte goes where within 16, so that pixels of that many bytes change their order.
    #[allow(clippy::indexing_slicing, reason = "indices below 16, checked when this is compiled")]
    const fn order(channels: usize) -> [u8; 16] {
        let mut order = [0; 16];
        let mut at = 0;
        while at < 16 {
            order[at] = (16 - channels - at / channels * channels + at % channels) as u8;
            at += 1;
        }
        order
    }

    /// Calls `step` for blocks of `N` bytes, each with its place in the mirror. Blocks are
    /// aligned as [`each_block`](crate::simd::each_block) aligns them. How many bytes were done:
    /// all, or none if there are fewer than a block.
    #[inline(always)]
    fn each_block<const N: usize>(
        pixel: usize,
        from: &[u8],
        to: &mut [u8],
        step: impl Fn(&[u8; N], &mut [u8; N]),
    ) -> usize {
        if let (Some(from), Some(to)) = (from.last_chunk(), to.first_chunk_mut()) {
            step(from, to);
        }
        let first = aligned_from::<N>(to.as_ptr(), pixel);
        let left = from.len().saturating_sub(first);
        if let (Some(from), Some(to)) = (from.get(..left), to.get_mut(first..)) {
            let blocks = from.as_rchunks().1.iter().rev().zip(to.as_chunks_mut().0);
            blocks.for_each(|(from, to)| step(from, to));
        }
        match (from.first_chunk(), to.last_chunk_mut()) {
            (Some(from), Some(to)) => step(from, to),
            _ => return 0,
        }
        to.len()
    }

    /// Pixels of 3 bytes, five at a time: the sixteenth byte is overwritten by the next five.
    #[target_feature(enable = "sse4.1")]
    pub(super) fn threes(from: &[u8], to: &mut [u8]) -> usize {
        let order = _mm_setr_epi8(13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, -1);
        let len = from.len().min(to.len());
        let mut done = 0;
        while done + 16 <= len {
            let (from, to) = (from.get(len - done - 16..len - done), to.get_mut(done..done + 16));
            let (Some(from), Some(to)) = (from, to) else { break };
            // SAFETY: 16 bytes are there.
            let pixels = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
            let pixels = _mm_shuffle_epi8(pixels, order);
            // SAFETY: there is room for 16 bytes.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), pixels) };
            done += 15;
        }
        done
    }

    #[target_feature(enable = "sse4.1")]
    pub(super) fn sse<const CHANNELS: usize>(from: &[u8], to: &mut [u8]) -> usize {
        let order = const { order(CHANNELS) };
        // SAFETY: 16 bytes are read from an array of 16.
        let order = unsafe { _mm_loadu_si128(order.as_ptr().cast()) };
        each_block(CHANNELS, from, to, |from: &[u8; 16], to| {
            // SAFETY: 16 bytes are there.
            let pixels = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
            let pixels = _mm_shuffle_epi8(pixels, order);
            // SAFETY: there is room for 16 bytes.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), pixels) };
        })
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2<const CHANNELS: usize>(from: &[u8], to: &mut [u8]) -> usize {
        let order = const { order(CHANNELS) };
        // SAFETY: 16 bytes are read from an array of 16.
        let order = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(order.as_ptr().cast()) });
        each_block(CHANNELS, from, to, |from: &[u8; 32], to| {
            // SAFETY: 32 bytes are there.
            let pixels = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
            let pixels = _mm256_permute4x64_epi64::<0x4e>(_mm256_shuffle_epi8(pixels, order));
            // SAFETY: there is room for 32 bytes.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), pixels) };
        })
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) fn avx512<const CHANNELS: usize>(from: &[u8], to: &mut [u8]) -> usize {
        let order = const { order(CHANNELS) };
        // SAFETY: 16 bytes are read from an array of 16.
        let order = _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(order.as_ptr().cast()) });
        each_block(CHANNELS, from, to, |from: &[u8; 64], to| {
            // SAFETY: 64 bytes are there.
            let pixels = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
            let pixels = _mm512_shuffle_epi8(pixels, order);
            let pixels = _mm512_shuffle_i64x2::<0x1b>(pixels, pixels);
            // SAFETY: there is room for 64 bytes.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), pixels) };
        })
    }
}
