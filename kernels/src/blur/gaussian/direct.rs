//! One pass of two dimensions, for comparison: the same result as two passes, at the price of the
//! kernel size squared.

use std::ops::Range;

use super::weights::Kernel;
use crate::blur::edge::Ring;
use crate::border::Border;
use crate::simd::simd_levels;
use crate::{Cpu, Window};

/// Samples whose sums are kept at a time.
const BLOCK: usize = 256;

/// Makes rows `rows` of the blurred image.
pub(super) fn render(
    cpu: &Cpu,
    kernel: &Kernel,
    border: Border,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (level, channels, row_bytes) = (cpu.level(), input.channels(), input.shape().row_bytes());
    let radius = kernel.radius();
    let mut ring = Ring::new(cpu, input, (radius, radius), border, rows.start);
    for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        ring.advance(input, y);
        let top = y as isize - radius as isize;
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            let mut sums = [1 << 15; BLOCK];
            for (row, vertical) in (top..).map(|y| ring.row(y)).zip(kernel.weights()) {
                for (tap, horizontal) in kernel.weights().iter().enumerate() {
                    let start = block * BLOCK + tap * channels;
                    let samples = row.get(start..start + output.len()).unwrap_or_default();
                    add(level, samples, u32::from(*vertical) * u32::from(*horizontal), &mut sums);
                }
            }
            output.iter_mut().zip(sums).for_each(|(out, sum)| *out = (sum >> 16) as u8);
        }
    }
}

simd_levels! {
    fn add(samples: &[u8], weight: u32, sums: &mut [u32; BLOCK]) {
        for (sum, sample) in sums.iter_mut().zip(samples) {
            *sum += u32::from(*sample) * weight;
        }
    }
}
