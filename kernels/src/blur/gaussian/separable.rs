//! Two passes: down the columns into one row of sums, then along that row.
//!
//! The vertical pass comes first, so that only one row of sums exists at a time: it and the few
//! input rows that it needs stay in the first-level cache, and nothing is computed twice. The
//! order does not matter to the result: both passes are exact (a sum of 256 × 255 fits 16 bits),
//! and the second rounds once, to nearest.

use std::ops::Range;

use super::weights::{Kernel, MAX_TAPS};
use crate::border::Border;
use crate::scratch::Scratch;
use crate::simd::{Isa, simd_levels};
use crate::{Cpu, Window};

/// Weights up to the middle of a kernel of 31, and of the greatest.
const HALF: usize = 16;
const LARGE_HALF: usize = MAX_TAPS.div_ceil(2);

/// Those rows of the blurred image.
pub(super) fn render(
    cpu: &Cpu,
    kernel: &Kernel,
    border: Border,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (level, channels, row_bytes) = (cpu.level(), input.channels(), input.shape().row_bytes());
    let margin = kernel.radius() * channels;
    let mut scratch = Scratch::<u16>::with_margin(cpu.pool(), row_bytes + 2 * margin, margin);
    let sums = scratch.as_mut();
    // Only a constant border needs it.
    let mut zeros = cpu.take(if border == Border::Constant { row_bytes } else { 0 });
    zeros.fill(0);
    let mut around: [&[u8]; MAX_TAPS] = [&[]; MAX_TAPS];
    for (y, output) in rows.zip(output.chunks_exact_mut(row_bytes)) {
        for (tap, slot) in around.iter_mut().take(kernel.weights().len()).enumerate() {
            let at = (y + tap) as isize - kernel.radius() as isize;
            *slot = input.bordered_row(at, border).unwrap_or(&zeros);
        }
        let taps = around.get(..kernel.weights().len()).unwrap_or_default();
        if let Some(middle) = sums.get_mut(margin..margin + row_bytes) {
            vertical(level, taps, kernel.weights(), middle);
        }
        border.extend(sums, kernel.radius(), channels);
        horizontal(level, sums, kernel.weights(), channels, output);
    }
}

simd_levels! {
    fn vertical<I>(isa, rows: &[&[u8]], weights: &[u16], sums: &mut [u16]) {
        // Short kernels in loops of known length, which the compiler unrolls.
        match (rows, weights) {
            ([a, b, c], [u, v, w]) => {
                vertical_taps::<_, 2>(isa, &[*a, b, c], &[*u, *v, *w], sums);
            },
            ([a, b, c, d, e], [u, v, w, x, y]) => {
                vertical_taps::<_, 3>(isa, &[*a, b, c, d, e], &[*u, *v, *w, *x, *y], sums);
            }
            _ if weights.len() < 2 * HALF => vertical_taps::<_, HALF>(isa, rows, weights, sums),
            _ => vertical_taps::<_, LARGE_HALF>(isa, rows, weights, sums),
        }
    }
}

simd_levels! {
    fn horizontal<I>(
        isa,
        sums: &[u16],
        weights: &[u16],
        channels: usize,
        output: &mut [u8],
    ) {
        match *weights {
            [u, v, w] => horizontal_taps::<_, 2>(isa, sums, &[u, v, w], channels, output),
            [u, v, w, x, y] => {
                horizontal_taps::<_, 3>(isa, sums, &[u, v, w, x, y], channels, output);
            }
            _ if weights.len() < 2 * HALF => {
                horizontal_taps::<_, HALF>(isa, sums, weights, channels, output);
            }
            _ => horizontal_taps::<_, LARGE_HALF>(isa, sums, weights, channels, output),
        }
    }
}

/// Where vectors of `lanes` start that cover `len` samples, at least `lanes`; the last one may
/// overlap the one before.
#[inline(always)]
fn starts(len: usize, lanes: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(lanes).map(move |at| at.min(len - lanes))
}

/// The weights up to the middle one, each in all lanes: the other half is the same. There is room
/// for `H` of them; more than needed costs time in every row.
#[inline(always)]
fn half<I: Isa, const H: usize>(isa: I, weights: &[u16]) -> [I::Lanes; H] {
    let mut half = [isa.splat(0); H];
    let pairs = half.iter_mut().zip(weights).take(weights.len().div_ceil(2));
    pairs.for_each(|(lanes, weight)| *lanes = isa.splat(*weight));
    half
}

/// Every position of `sums` is the weighted sum of the samples there.
#[inline(always)]
fn vertical_taps<I: Isa, const H: usize>(
    isa: I,
    rows: &[&[u8]],
    weights: &[u16],
    sums: &mut [u16],
) {
    if sums.len() < I::LANES {
        for (at, sum) in sums.iter_mut().enumerate() {
            let samples = rows.iter().map(|row| row.get(at).copied().map_or(0, u16::from));
            *sum = samples.zip(weights).map(|(sample, weight)| sample * weight).sum();
        }
        return;
    }
    let half: [_; H] = half(isa, weights);
    let (first, last) = rows.split_at(rows.len() / 2);
    for at in starts(sums.len(), I::LANES) {
        let mut total = isa.splat(0);
        // From both ends to the middle, where both are the same row.
        for ((above, below), weight) in first.iter().zip(last.iter().rev()).zip(&half) {
            let both = isa.add(isa.load_bytes(above, at), isa.load_bytes(below, at));
            total = isa.add(total, isa.mul_low(both, *weight));
        }
        if let (Some(middle), Some(weight)) = (last.first(), half.get(rows.len() / 2)) {
            total = isa.add(total, isa.mul_low(isa.load_bytes(middle, at), *weight));
        }
        isa.store(total, sums, at);
    }
}

/// Every position of `output` is the weighted sum from there on, `channels` apart, rounded.
///
/// The exact sum of products has 24 bits; 16 are enough. `high` is the sum of all products over
/// 256, each rounded down; `low` is the sum of all products modulo 2^16. What rounding cut off is
/// less than 256 a tap, less than 2^16 in all, so `low - 256 * high` modulo 2^16 is exactly that.
#[inline(always)]
fn horizontal_taps<I: Isa, const H: usize>(
    isa: I,
    sums: &[u16],
    weights: &[u16],
    channels: usize,
    output: &mut [u8],
) {
    if output.len() < I::LANES {
        for (at, out) in output.iter_mut().enumerate() {
            let taps = sums.get(at..).unwrap_or_default().iter().step_by(channels).zip(weights);
            let total: u32 = taps.map(|(sum, weight)| u32::from(*sum) * u32::from(*weight)).sum();
            *out = ((total + (1 << 15)) >> 16) as u8;
        }
        return;
    }
    let half: [_; H] = half(isa, weights);
    let mut raised = half;
    raised.iter_mut().for_each(|weight| *weight = isa.shift_up(*weight));
    let middle = weights.len() / 2;
    for at in starts(output.len(), I::LANES) {
        let (mut high, mut low) = (isa.splat(128), isa.splat(0));
        // Prepared outside of the loop, a factor hides from the compiler that the multiplication
        // is a 16-bit one, and it makes slower ones of 32 bits.
        let raised = std::hint::black_box(&raised);
        for (tap, (weight, raised)) in half.iter().zip(raised).enumerate().take(middle) {
            let left = isa.load(sums, at + tap * channels);
            let right = isa.load(sums, at + (weights.len() - 1 - tap) * channels);
            high = isa.add(high, isa.mul_high(left, *raised));
            high = isa.add(high, isa.mul_high(right, *raised));
            low = isa.add(low, isa.mul_low(isa.add(left, right), *weight));
        }
        if let (Some(weight), Some(raised)) = (half.get(middle), raised.get(middle)) {
            let sum = isa.load(sums, at + middle * channels);
            high = isa.add(high, isa.mul_high(sum, *raised));
            low = isa.add(low, isa.mul_low(sum, *weight));
        }
        // 128 is already in `high`; times 256 it is the half that rounds to nearest, and modulo
        // 2^16 it has to go out of the difference again.
        let cut_off = isa.sub(isa.add(low, isa.splat(1 << 15)), isa.shift_up(high));
        let total = isa.add(high, isa.shift_down(cut_off));
        isa.store_bytes(isa.shift_down(total), output, at);
    }
}
