//! One pass of two dimensions, for comparison: the same result as two passes, at the price of the
//! kernel size squared.

use std::ops::Range;

use super::weights::Kernel;
use crate::border::Border;
use crate::simd::simd_levels;
use crate::{Cpu, Window};

/// Samples whose sums are kept at a time.
const BLOCK: usize = 256;

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
    let radius = kernel.radius() as isize;
    let (width, taps) = (input.width() + 2 * kernel.radius(), kernel.weights().len());
    // As many rows as the kernel is high, each with its margins; row y lies at y modulo the height.
    let stride = width * channels;
    let mut ring = cpu.take(stride * taps);
    let fill = |ring: &mut [u8], y: isize| {
        let slot = y.rem_euclid(taps as isize) as usize;
        let to = ring.get_mut(slot * stride..(slot + 1) * stride).unwrap_or_default();
        let Some(from) = input.bordered_row(y, border) else { return to.fill(0) };
        for (x, to) in to.chunks_exact_mut(channels).enumerate() {
            match border.index(x as isize - radius, input.width()) {
                Some(x) => {
                    let pixel = from.get(x * channels..(x + 1) * channels).unwrap_or_default();
                    to.copy_from_slice(pixel);
                }
                None => to.fill(0),
            }
        }
    };
    let first = rows.start as isize;
    (first - radius..first + radius).for_each(|y| fill(&mut ring, y));
    for (y, output) in rows.zip(output.chunks_exact_mut(row_bytes)) {
        let y = y as isize;
        fill(&mut ring, y + radius);
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            let mut sums = [1 << 15; BLOCK];
            for (down, vertical) in (y - radius..).zip(kernel.weights()) {
                let slot = down.rem_euclid(taps as isize) as usize;
                for (tap, horizontal) in kernel.weights().iter().enumerate() {
                    let start = slot * stride + block * BLOCK + tap * channels;
                    let samples = ring.get(start..start + output.len()).unwrap_or_default();
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
