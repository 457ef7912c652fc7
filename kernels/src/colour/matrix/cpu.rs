//! Weighted sums of colours on the CPU.

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
    if input == PixelFormat::Rgba8 {
        return rgba(level, matrix, from, to);
    }
    let done = 3 * rgb_vectors(level, matrix, from, to, soon);
    if let (Some(from @ [_, ..]), Some(to)) = (from.get(done..), to.get_mut(done..)) {
        rgb(level, matrix, from, to);
    }
}

#[inline(always)]
fn weighted(matrix: &Matrix, channel: usize, red: u8, green: u8, blue: u8) -> u8 {
    let weights = matrix.weights.get(channel).copied().unwrap_or_default();
    let offset = matrix.offsets.get(channel).copied().unwrap_or_default();
    let [r, g, b] = [red, green, blue].map(i32::from);
    let [x, y, z] = weights;
    ((r * x + g * y + b * z + offset) >> matrix.bits).clamp(0, 255) as u8
}

simd_levels! {
    fn rgb(matrix: &Matrix, from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<3>().0.iter().zip(to.as_chunks_mut::<3>().0);
        for (&[red, green, blue], to) in pixels {
            *to = [0, 1, 2].map(|channel| weighted(matrix, channel, red, green, blue));
        }
    }
}

simd_levels! {
    fn rgba(matrix: &Matrix, from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<4>().0);
        for (&[red, green, blue, alpha], to) in pixels {
            let [r, g, b] = [0, 1, 2].map(|channel| weighted(matrix, channel, red, green, blue));
            *to = [r, g, b, alpha];
        }
    }
}

/// Does the first pixels where there is code for it; how many.
#[cfg(not(target_arch = "x86_64"))]
fn rgb_vectors(_: Level, _: &Matrix, _: &[u8], _: &mut [u8], _: [&[u8]; 2]) -> usize {
    0
}

/// Does the first pixels where there is code for it; how many.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn rgb_vectors(
    level: Level,
    matrix: &Matrix,
    from: &[u8],
    to: &mut [u8],
    soon: [&[u8]; 2],
) -> usize {
    let Some(weights) = matrix.narrow() else { return 0 };
    let (offsets, bits) = (matrix.offsets, matrix.bits);
    match level.instructions() {
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) if soon.iter().all(|bytes| bytes.is_empty()) => unsafe {
            super::x86::avx512::<false>(from, to, weights, offsets, bits, soon)
        },
        // SAFETY: as above.
        Instructions::Avx512(_) => unsafe {
            super::x86::avx512::<true>(from, to, weights, offsets, bits, soon)
        },
        // SAFETY: such a level exists only where AVX2 was detected.
        Instructions::Avx2(_) => unsafe { super::x86::avx2(from, to, weights, offsets, bits) },
        _ => 0,
    }
}
