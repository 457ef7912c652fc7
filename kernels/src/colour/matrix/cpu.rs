//! Weighted sums of colours on the CPU.

#![allow(clippy::indexing_slicing, reason = "of the colours of a pixel, and of a block")]

use super::Matrix;
use crate::PixelFormat;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::{Level, simd_levels};

/// The pixels, RGB or RGBA, with other colours. Bytes that are needed soon are asked for.
pub(super) fn pixels(
    level: Level,
    matrix: &Matrix,
    input: PixelFormat,
    from: &[u8],
    to: &mut [u8],
    soon: [&[u8]; 2],
) {
    let alpha = input == PixelFormat::Rgba8;
    let done = if alpha {
        vectors::<true>(level, matrix, from, to, soon)
    } else {
        vectors::<false>(level, matrix, from, to, soon)
    };
    match (from.get(done..), to.get_mut(done..)) {
        (Some(from @ [_, ..]), Some(to)) if alpha => rgba(level, matrix, from, to),
        (Some(from @ [_, ..]), Some(to)) => rgb(level, matrix, from, to),
        _ => {}
    }
}

simd_levels! {
    fn rgb(matrix: &Matrix, from: &[u8], to: &mut [u8]) {
        blocks::<3>(matrix, from, to);
    }
}

simd_levels! {
    fn rgba(matrix: &Matrix, from: &[u8], to: &mut [u8]) {
        blocks::<4>(matrix, from, to);
    }
}

/// Pixels that are taken apart into planes at a time, which vectors are made of then: five times
/// as fast as pixel by pixel.
const BLOCK: usize = 32;

#[inline(always)]
fn blocks<const CHANNELS: usize>(matrix: &Matrix, from: &[u8], to: &mut [u8]) {
    let from = from.as_chunks::<CHANNELS>().0.chunks(BLOCK);
    for (from, to) in from.zip(to.as_chunks_mut::<CHANNELS>().0.chunks_mut(BLOCK)) {
        let mut planes = [[0; BLOCK]; 3];
        for (at, pixel) in from.iter().enumerate().take(BLOCK) {
            (0..3).for_each(|colour| planes[colour][at] = i32::from(pixel[colour]));
        }
        let [red, green, blue] = &planes;
        let sums = matrix.weights.map(|[r, g, b]| {
            let mut sums = [0; BLOCK];
            (0..BLOCK).for_each(|at| sums[at] = red[at] * r + green[at] * g + blue[at] * b);
            sums
        });
        for colour in 0..3 {
            let mut results = [0; BLOCK];
            for (result, sum) in results.iter_mut().zip(&sums[colour]) {
                let shifted = (sum + matrix.offsets[colour]) >> matrix.bits;
                *result = shifted.clamp(0, 255) as u8;
            }
            to.iter_mut().zip(results).for_each(|(pixel, result)| pixel[colour] = result);
        }
        if CHANNELS == 4 {
            to.iter_mut().zip(from).for_each(|(to, from)| to[3] = from[3]);
        }
    }
}

/// Processes the first pixels as far as there are instructions for it; returns their bytes.
#[cfg(not(target_arch = "x86_64"))]
fn vectors<const ALPHA: bool>(
    _: Level,
    _: &Matrix,
    _: &[u8],
    _: &mut [u8],
    _: [&[u8]; 2],
) -> usize {
    0
}

/// Processes the first pixels as far as there are instructions for it; returns their bytes.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn vectors<const ALPHA: bool>(
    level: Level,
    matrix: &Matrix,
    from: &[u8],
    to: &mut [u8],
    soon: [&[u8]; 2],
) -> usize {
    use super::x86::{avx2, avx512, vnni};

    let Some(weights) = matrix.narrow else { return 0 };
    let matrix = (matrix, weights);
    let ask = soon.iter().any(|bytes| !bytes.is_empty());
    match level.instructions() {
        Instructions::Avx512(_) if is_x86_feature_detected!("avx512vnni") => {
            let sums = if ask { vnni::<ALPHA, true> } else { vnni::<ALPHA, false> };
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected; VNNI was
            // just now.
            unsafe { sums(matrix, from, to, soon) }
        }
        Instructions::Avx512(_) => {
            let sums = if ask { avx512::<ALPHA, true> } else { avx512::<ALPHA, false> };
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
            unsafe { sums(matrix, from, to, soon) }
        }
        // SAFETY: such a level exists only where AVX2 was detected.
        Instructions::Avx2(_) => unsafe { avx2::<ALPHA>(matrix, from, to) },
        _ => 0,
    }
}
