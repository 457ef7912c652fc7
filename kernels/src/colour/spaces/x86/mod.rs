//! Vector instructions for colour spaces that the compiler does not find.

#![allow(unsafe_code, reason = "vector loads and stores")]
#![allow(clippy::indexing_slicing, reason = "all positions are below BLOCK")]

#[cfg(target_arch = "x86_64")]
mod channels;
#[cfg(target_arch = "x86_64")]
mod hsv;
#[cfg(target_arch = "x86_64")]
mod ycbcr;

#[cfg(target_arch = "x86_64")]
pub(crate) use channels::{Choice, together};

use super::block::Block;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::Level;

/// Separates the first pixels into three channels; returns their number.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn split3(_: Level, _: &[u8], _: &mut Block) -> usize {
    0
}

/// Interleaves the first pixels of three channels; returns their number.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn join3(_: Level, _: &Block, _: &mut [u8]) -> usize {
    0
}

/// Swaps the first and third channel of the first pixels; returns their number.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn swap_ends(_: Level, _: &[u8], _: &mut [u8]) -> usize {
    0
}

/// OpenCV's `COLOR_RGB2YCrCb`; whether it was done.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn ycbcr_from_rgb(_: Level, _: &mut Block) -> bool {
    false
}

/// OpenCV's `COLOR_YCrCb2RGB`; whether it was done.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn ycbcr_to_rgb(_: Level, _: &mut Block) -> bool {
    false
}

/// Computes hue, with `HUES` steps around the circle, saturation and value; returns whether there
/// are instructions for it.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn hsv_from_rgb<const HUES: i32>(_: Level, _: &mut Block) -> bool {
    false
}

/// Separates the first pixels into three channels; returns their number.
#[cfg(target_arch = "x86_64")]
pub(super) fn split3(level: Level, from: &[u8], block: &mut Block) -> usize {
    // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected, and VBMI was.
    if has_vbmi(level) { unsafe { channels::split3(from, block) } } else { 0 }
}

/// Interleaves the first pixels of three channels; returns their number.
#[cfg(target_arch = "x86_64")]
pub(super) fn join3(level: Level, block: &Block, to: &mut [u8]) -> usize {
    // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected, and VBMI was.
    if has_vbmi(level) { unsafe { channels::join3(block, to) } } else { 0 }
}

/// Swaps the first and third channel of the first pixels; returns their number.
#[cfg(target_arch = "x86_64")]
pub(crate) fn swap_ends(level: Level, from: &[u8], to: &mut [u8]) -> usize {
    // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected, and VBMI was.
    if has_vbmi(level) { unsafe { channels::swap_ends(from, to) } } else { 0 }
}

/// OpenCV's `COLOR_RGB2YCrCb`; whether it was done.
#[cfg(target_arch = "x86_64")]
pub(super) fn ycbcr_from_rgb(level: Level, block: &mut Block) -> bool {
    match level.instructions() {
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) => unsafe { ycbcr::from_rgb_avx512(block) },
        // SAFETY: such a level exists only where AVX2 was detected.
        Instructions::Avx2(_) => unsafe { ycbcr::from_rgb_avx2(block) },
        _ => return false,
    }
    true
}

/// OpenCV's `COLOR_YCrCb2RGB`; whether it was done.
#[cfg(target_arch = "x86_64")]
pub(super) fn ycbcr_to_rgb(level: Level, block: &mut Block) -> bool {
    match level.instructions() {
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) => unsafe { ycbcr::to_rgb_avx512(block) },
        // SAFETY: such a level exists only where AVX2 was detected.
        Instructions::Avx2(_) => unsafe { ycbcr::to_rgb_avx2(block) },
        _ => return false,
    }
    true
}

/// Computes hue, with `HUES` steps around the circle, saturation and value; returns whether there
/// are instructions for it.
#[cfg(target_arch = "x86_64")]
pub(super) fn hsv_from_rgb<const HUES: i32>(level: Level, block: &mut Block) -> bool {
    match level.instructions() {
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) => unsafe { hsv::from_rgb::<HUES>(block) },
        _ => return false,
    }
    true
}

/// Whether vectors of 64 bytes can be put into any order.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_vbmi(level: Level) -> bool {
    matches!(level.instructions(), Instructions::Avx512(_))
        && is_x86_feature_detected!("avx512vbmi")
}
