//! Between planar layouts and red, green, blue in one pass, with vector instructions.

#[cfg(target_arch = "x86_64")]
mod from_rgb;
#[cfg(target_arch = "x86_64")]
mod to_rgb;

use super::chroma::{Chroma, ChromaMut};
use crate::colour::spaces::ycbcr::Matrix;
use crate::simd::Level;

/// Two rows of red, green, blue from their luma, and from the chroma that they share; how many
/// pixels it did, which is an even number, from the left. The second row may be empty.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn to_rgb(
    _: Level,
    _: &Matrix,
    _: [&[u8]; 2],
    _: Chroma<'_>,
    _: [&mut [u8]; 2],
) -> usize {
    0
}

/// A row of luma of one of red, green, blue (and alpha, if there are four channels), and of
/// chroma, if there is to be any; how many pixels it did, which is an even number, from the left.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn from_rgb<const CHANNELS: usize>(
    _: Level,
    _: &Matrix,
    _: &[u8],
    _: &mut [u8],
    _: Option<&mut ChromaMut<'_>>,
) -> usize {
    0
}

/// Two rows of red, green, blue from their luma, and from the chroma that they share; how many
/// pixels it did, which is an even number, from the left. The second row may be empty.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector instructions")]
pub(super) fn to_rgb(
    level: Level,
    matrix: &Matrix,
    luma: [&[u8]; 2],
    chroma: Chroma<'_>,
    to: [&mut [u8]; 2],
) -> usize {
    use crate::colour::spaces::x86::has_vbmi;
    use crate::simd::Instructions::{Avx2, Avx512};

    match level.instructions() {
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected, and VBMI was.
        Avx512(_) if has_vbmi(level) => unsafe { to_rgb::avx512(matrix, luma, chroma, to) },
        // SAFETY: such a level exists only where AVX2, or AVX-512 F, which includes it, was
        // detected.
        Avx2(_) | Avx512(_) => unsafe { to_rgb::avx2(matrix, luma, chroma, to) },
        _ => 0,
    }
}

/// A row of luma of one of red, green, blue (and alpha, if there are four channels), and of
/// chroma, if there is to be any; how many pixels it did, which is an even number, from the left.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector instructions")]
pub(super) fn from_rgb<const CHANNELS: usize>(
    level: Level,
    matrix: &Matrix,
    from: &[u8],
    luma: &mut [u8],
    chroma: Option<&mut ChromaMut<'_>>,
) -> usize {
    use crate::colour::spaces::x86::has_vbmi;
    use crate::simd::Instructions::{Avx2, Avx512};

    match level.instructions() {
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected, and VBMI was.
        Avx512(_) if has_vbmi(level) => unsafe {
            from_rgb::avx512::<CHANNELS>(matrix, from, luma, chroma)
        },
        // SAFETY: such a level exists only where AVX2, or AVX-512 F, which includes it, was
        // detected.
        Avx2(_) | Avx512(_) => unsafe { from_rgb::avx2::<CHANNELS>(matrix, from, luma, chroma) },
        _ => 0,
    }
}
