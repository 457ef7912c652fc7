//! One pass of two dimensions, for comparison: the same result as two passes, at the price of the
//! kernel size squared.

use super::border::Border;
use super::weights::Kernel;
use crate::simd::{Level, simd_levels};
use crate::{Image, ImageError, Pool};

/// Samples whose sums are kept at a time.
const BLOCK: usize = 256;

/// The blurred image.
pub(super) fn run(
    level: Level,
    kernel: &Kernel,
    border: Border,
    input: &Image,
    pool: &Pool,
) -> Result<Image, ImageError> {
    let (size, channels, row_bytes) = (input.size(), input.format().channels(), input.row_bytes());
    let radius = kernel.radius();
    let (width, taps) = (size.width() + 2 * radius, kernel.weights().len());
    // As many rows as the kernel is high, each with its margins; row y lies at y modulo the height.
    let stride = width * channels;
    let mut ring = pool.take(stride * taps);
    let mut buffer = pool.take(size.height() * row_bytes);
    let fill = |ring: &mut [u8], y: isize| {
        let from = input.row(border.index(y, size.height()));
        let slot = y.rem_euclid(taps as isize) as usize;
        let to = ring.get_mut(slot * stride..(slot + 1) * stride).unwrap_or_default();
        for (x, to) in to.chunks_exact_mut(channels).enumerate() {
            let x = border.index(x as isize - radius as isize, size.width());
            to.copy_from_slice(from.get(x * channels..(x + 1) * channels).unwrap_or_default());
        }
    };
    let radius = radius as isize;
    (-radius..radius).for_each(|y| fill(&mut ring, y));
    for (y, output) in buffer.chunks_exact_mut(row_bytes).enumerate() {
        let y = y as isize;
        fill(&mut ring, y + radius);
        let mut blocks = output.chunks_mut(BLOCK).enumerate();
        blocks.by_ref().for_each(|(block, output)| {
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
        });
    }
    Image::packed(size, input.format(), buffer)
}

simd_levels! {
    fn add(samples: &[u8], weight: u32, sums: &mut [u32; BLOCK]) {
        for (sum, sample) in sums.iter_mut().zip(samples) {
            *sum += u32::from(*sample) * weight;
        }
    }
}
