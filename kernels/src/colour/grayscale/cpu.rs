//! Grey values on the CPU.

use super::weights::{BITS, Rule};
use crate::PixelFormat;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::{Level, simd_levels};

/// The pixels in grey. RGB becomes grey, RGBA stays.
pub(super) fn pixels(level: Level, rule: Rule, input: PixelFormat, from: &[u8], to: &mut [u8]) {
    match (input, rule) {
        (PixelFormat::Rgba8, Rule::Weighted(weights)) => rgba(level, from, to, weights),
        (PixelFormat::Rgba8, Rule::Lightness) => rgba_lightness(level, from, to),
        (_, Rule::Weighted(weights)) => rgb(level, from, to, weights),
        (_, Rule::Lightness) => rgb_lightness(level, from, to),
    }
}

#[inline(always)]
fn weighted(red: u8, green: u8, blue: u8, weights: [u16; 3]) -> u8 {
    let [r, g, b] = weights.map(u32::from);
    let sum = u32::from(red) * r + u32::from(green) * g + u32::from(blue) * b;
    // At most 255: the weights sum up to 1.
    ((sum + (1 << (BITS - 1))) >> BITS) as u8
}

#[inline(always)]
fn lightness(red: u8, green: u8, blue: u8) -> u8 {
    let greatest = u16::from(red.max(green).max(blue));
    let least = u16::from(red.min(green).min(blue));
    (greatest + least).div_ceil(2) as u8
}

fn rgb(level: Level, from: &[u8], to: &mut [u8], weights: [u16; 3]) {
    let done = rgb_vectors(level, from, to, weights);
    if let (Some(from), Some(to)) = (from.get(3 * done..), to.get_mut(done..)) {
        rgb_plain(level, from, to, weights);
    }
}

/// Processes the first pixels as far as there are instructions for it; returns their number.
#[cfg(not(target_arch = "x86_64"))]
fn rgb_vectors(_: Level, _: &[u8], _: &mut [u8], _: [u16; 3]) -> usize {
    0
}

/// Processes the first pixels as far as there are instructions for it; returns their number.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn rgb_vectors(level: Level, from: &[u8], to: &mut [u8], weights: [u16; 3]) -> usize {
    match level.instructions() {
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) => unsafe { super::x86::avx512(from, to, weights) },
        // SAFETY: such a level exists only where AVX2 was detected.
        Instructions::Avx2(_) => unsafe { super::x86::avx2(from, to, weights) },
        _ => 0,
    }
}

simd_levels! {
    fn rgb_plain(from: &[u8], to: &mut [u8], weights: [u16; 3]) {
        for (&[red, green, blue], grey) in from.as_chunks::<3>().0.iter().zip(to) {
            *grey = weighted(red, green, blue, weights);
        }
    }
}

simd_levels! {
    fn rgb_lightness(from: &[u8], to: &mut [u8]) {
        for (&[red, green, blue], grey) in from.as_chunks::<3>().0.iter().zip(to) {
            *grey = lightness(red, green, blue);
        }
    }
}

simd_levels! {
    fn rgba(from: &[u8], to: &mut [u8], weights: [u16; 3]) {
        let pixels = from.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<4>().0);
        for (&[red, green, blue, alpha], to) in pixels {
            let grey = weighted(red, green, blue, weights);
            *to = [grey, grey, grey, alpha];
        }
    }
}

simd_levels! {
    fn rgba_lightness(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<4>().0);
        for (&[red, green, blue, alpha], to) in pixels {
            let grey = lightness(red, green, blue);
            *to = [grey, grey, grey, alpha];
        }
    }
}
