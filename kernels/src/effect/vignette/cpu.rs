//! Rows times their weights.
//!
//! Floats in one order, without fused multiply-adds: the same weights with all instructions and
//! on a GPU.

use std::ops::Range;

use super::{Vignette, unit};
use crate::scratch::Scratch;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::{Level, simd_levels};
use crate::{Cpu, Window};

/// A weight of 1. So close to 2^15 that no byte times it, over 2^15 and rounded, is another.
const ONE: f32 = 32767.0;

/// Added to a float below 2^22, it leaves the nearest whole number in the low bits.
const TO_INTEGER: f32 = (1 << 23) as f32;

/// Makes rows `rows` of the result.
pub(super) fn render(
    vignette: &Vignette,
    cpu: &Cpu,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (width, channels, row_bytes) = (input.width(), input.channels(), input.shape().row_bytes());
    let (unit, half) = (unit(input.shape()), width.div_ceil(2));
    let mut across = Scratch::<f32>::take(cpu.pool(), half);
    let mut weights = Scratch::<i16>::take(cpu.pool(), width);
    let across = across.as_mut();
    across.iter_mut().enumerate().for_each(|(x, to)| *to = square(x, width, unit) * vignette.slope);
    let weights = weights.as_mut();
    for (y, to) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        let down = (square(y, input.height(), unit) - vignette.start) * vignette.slope;
        // Both sides are the same.
        let (left, right) = weights.split_at_mut(half);
        weigh(cpu.level(), vignette.strength, down, across, left);
        mirror(cpu.level(), left, right);
        apply(cpu.level(), channels, input.row(y), weights, to);
    }
}

/// The square of the distance from the middle.
fn square(at: usize, length: usize, unit: f32) -> f32 {
    let from_middle = (2 * at + 1) as f32 - length as f32;
    from_middle * from_middle * unit
}

simd_levels! {
    fn weigh(strength: f32, down: f32, across: &[f32], weights: &mut [i16]) {
        let loss = strength * ONE;
        for (across, weight) in across.iter().zip(weights) {
            let s = (across + down).clamp(0.0, 1.0);
            let lost = loss * (s * s * (3.0 - 2.0 * s));
            *weight = (ONE + TO_INTEGER - lost).to_bits() as i16;
        }
    }
}

simd_levels! {
    fn mirror(left: &[i16], right: &mut [i16]) {
        for (to, from) in right.iter_mut().rev().zip(left) {
            *to = *from;
        }
    }
}

#[inline(always)]
fn times(sample: u8, weight: i16) -> u8 {
    // Twice half a bit less: the shape that processors have an instruction for.
    ((((i32::from(sample) * i32::from(weight)) >> 14) + 1) >> 1) as u8
}

fn apply(level: Level, channels: usize, from: &[u8], weights: &[i16], to: &mut [u8]) {
    match channels {
        1 => apply_gray(level, from, weights, to),
        3 => {
            let done = rgb_vectors(level, from, weights, to);
            let (from, to) = (from.get(3 * done..), to.get_mut(3 * done..));
            if let (Some(from), Some(weights), Some(to)) = (from, weights.get(done..), to) {
                apply_rgb(level, from, weights, to);
            }
        }
        _ => apply_rgba(level, from, weights, to),
    }
}

/// Processes the first pixels as far as there are instructions for it; returns their number.
#[cfg(not(target_arch = "x86_64"))]
fn rgb_vectors(_: Level, _: &[u8], _: &[i16], _: &mut [u8]) -> usize {
    0
}

/// Processes the first pixels as far as there are instructions for it; returns their number.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn rgb_vectors(level: Level, from: &[u8], weights: &[i16], to: &mut [u8]) -> usize {
    match level.instructions() {
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) => unsafe { super::x86::avx512(from, weights, to) },
        // SAFETY: such a level exists only where AVX2 was detected.
        Instructions::Avx2(_) => unsafe { super::x86::avx2(from, weights, to) },
        // SAFETY: such a level exists only where SSE4.1 was detected.
        Instructions::Sse41(_) => unsafe { super::x86::sse41(from, weights, to) },
        Instructions::Baseline(_) => 0,
    }
}

simd_levels! {
    fn apply_gray(from: &[u8], weights: &[i16], to: &mut [u8]) {
        for ((from, weight), to) in from.iter().zip(weights).zip(to) {
            *to = times(*from, *weight);
        }
    }
}

simd_levels! {
    fn apply_rgb(from: &[u8], weights: &[i16], to: &mut [u8]) {
        let pixels = from.as_chunks::<3>().0.iter().zip(to.as_chunks_mut::<3>().0);
        for ((from, to), weight) in pixels.zip(weights) {
            *to = from.map(|sample| times(sample, *weight));
        }
    }
}

simd_levels! {
    fn apply_rgba(from: &[u8], weights: &[i16], to: &mut [u8]) {
        let pixels = from.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<4>().0);
        for ((&[r, g, b, alpha], to), weight) in pixels.zip(weights) {
            *to = [times(r, *weight), times(g, *weight), times(b, *weight), alpha];
        }
    }
}
