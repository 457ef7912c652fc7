//! A weighted sum of a few samples of the neighbourhood.

use std::ops::Range;

use super::Sparse;
use super::kernel::BITS;
use crate::blur::edge::Ring;
use crate::simd::simd_levels;
use crate::{Cpu, Window};

/// Samples whose sums are kept at a time.
const BLOCK: usize = 512;

/// Samples that are added to a sum at a time.
const TOGETHER: usize = 4;

/// Makes rows `rows` of the blurred image.
pub(super) fn render(
    cpu: &Cpu,
    sparse: &Sparse,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (channels, row_bytes) = (input.channels() as isize, input.shape().row_bytes());
    let mut ring = Ring::new(cpu, input, sparse.radius, sparse.border, rows.start);
    for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        ring.advance(input, y);
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            let mut sums = [1 << (BITS - 1); BLOCK];
            for taps in sparse.taps.chunks(TOGETHER) {
                let mut samples: [&[u8]; TOGETHER] = [&[]; TOGETHER];
                let mut weights = [0; TOGETHER];
                for ((tap, samples), weight) in taps.iter().zip(&mut samples).zip(&mut weights) {
                    let row = ring.row(y as isize + isize::from(tap.down));
                    let pixel = sparse.radius.0 as isize + isize::from(tap.across);
                    let start = block * BLOCK + (pixel * channels) as usize;
                    *samples = row.get(start..start + output.len()).unwrap_or_default();
                    *weight = tap.weight;
                }
                let [first, rest @ ..] = samples;
                // Those that are not there count for nothing.
                let rest = rest.map(|samples| if samples.is_empty() { first } else { samples });
                add(cpu.level(), first, &rest, weights, &mut sums);
            }
            round(cpu.level(), &sums, output);
        }
    }
}

simd_levels! {
    fn add(
        first: &[u8],
        rest: &[&[u8]; 3],
        weights: [i16; TOGETHER],
        sums: &mut [i32; BLOCK],
    ) {
        let [second, third, fourth] = *rest;
        let [u, v, w, x] = weights.map(i32::from);
        let samples = first.iter().zip(second).zip(third).zip(fourth);
        for (sum, (((a, b), c), d)) in sums.iter_mut().zip(samples) {
            let (a, b, c, d) = (i32::from(*a), i32::from(*b), i32::from(*c), i32::from(*d));
            *sum += (a * u + b * v) + (c * w + d * x);
        }
    }
}

simd_levels! {
    fn round(sums: &[i32; BLOCK], output: &mut [u8]) {
        output.iter_mut().zip(sums).for_each(|(out, sum)| *out = (sum >> BITS) as u8);
    }
}
