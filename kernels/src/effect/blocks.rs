//! The means of square blocks.

#![allow(
    clippy::indexing_slicing,
    reason = "blocks are cut off at the edge, and sums have the length of their columns"
)]

use std::ops::Range;

use crate::scratch::Scratch;
use crate::simd::simd_levels;
use crate::{Cpu, Shape, Window};

/// The longest side of a block: the sum of a column of it fits 16 bits.
pub(crate) const LONGEST: usize = 256;

/// A grid of blocks from the top left corner on. Those at the right and at the bottom may be cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocks {
    side: usize,
    shape: Shape,
}

impl Blocks {
    /// Blocks of that many pixels, 1 to [`LONGEST`], across and down.
    pub(crate) fn new(side: usize, shape: Shape) -> Self {
        Self { side: side.clamp(1, LONGEST), shape }
    }

    /// Pixels across and down a block.
    pub(crate) fn side(&self) -> usize {
        self.side
    }

    /// How many there are in a row.
    pub(crate) fn across(&self) -> usize {
        self.shape.size.width().div_ceil(self.side)
    }

    /// How many rows of them there are.
    pub(crate) fn down(&self) -> usize {
        self.shape.size.height().div_ceil(self.side)
    }

    /// The rows of pixels of a row of blocks.
    pub(crate) fn rows(&self, row: usize) -> Range<usize> {
        row * self.side..((row + 1) * self.side).min(self.shape.size.height())
    }

    /// The columns of pixels of some blocks of a row.
    pub(crate) fn columns(&self, blocks: Range<usize>) -> Range<usize> {
        blocks.start * self.side..(blocks.end * self.side).min(self.shape.size.width())
    }

    /// The mean of each channel of those blocks of a row, rounded to nearest, halves up. The
    /// window has all rows of it.
    pub(crate) fn means(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        row: usize,
        blocks: Range<usize>,
        means: &mut [u8],
    ) {
        let channels = self.shape.format.channels();
        let columns = self.columns(blocks);
        let samples = columns.start * channels..columns.end * channels;
        let mut sums = Scratch::<u16>::take(cpu.pool(), samples.len());
        let sums = sums.as_mut();
        let rows = self.rows(row);
        let lines = rows.len();
        let part = |y: usize| &input.row(y)[samples.clone()];
        let mut y = rows.start;
        start(cpu.level(), part(y), sums);
        y += 1;
        while y + 4 <= rows.end {
            add_four(cpu.level(), [part(y), part(y + 1), part(y + 2), part(y + 3)], sums);
            y += 4;
        }
        (y..rows.end).for_each(|y| add(cpu.level(), part(y), sums));
        let step = self.side * channels;
        match channels {
            1 => divide::<1>(sums, step, lines, means),
            3 => divide::<3>(sums, step, lines, means),
            _ => divide::<4>(sums, step, lines, means),
        }
    }
}

simd_levels! {
    fn start(row: &[u8], sums: &mut [u16]) {
        for (sample, sum) in row.iter().zip(sums) {
            *sum = u16::from(*sample);
        }
    }
}

simd_levels! {
    fn add(row: &[u8], sums: &mut [u16]) {
        for (sample, sum) in row.iter().zip(sums) {
            *sum += u16::from(*sample);
        }
    }
}

simd_levels! {
    fn add_four(rows: [&[u8]; 4], sums: &mut [u16]) {
        let [a, b, c, d] = rows.map(|row| &row[..sums.len()]);
        for (at, sum) in sums.iter_mut().enumerate() {
            let [a, b, c, d] = [a[at], b[at], c[at], d[at]].map(u16::from);
            *sum += (a + b) + (c + d);
        }
    }
}

/// From sums of columns, `step` samples a block, to means of blocks of that many lines.
fn divide<const C: usize>(sums: &[u16], step: usize, lines: usize, means: &mut [u8]) {
    for (block, mean) in sums.chunks(step).zip(means.as_chunks_mut::<C>().0) {
        let pixels = block.as_chunks::<C>().0;
        let mut total = [0_u32; C];
        for pixel in pixels {
            total.iter_mut().zip(pixel).for_each(|(total, sum)| *total += u32::from(*sum));
        }
        let area = (pixels.len() * lines) as u64;
        // Exact: what it is too large by, times a sum of at most 2^24, is less than 2^48.
        let over_area = (1 << 48) / area + 1;
        for (total, mean) in total.into_iter().zip(mean) {
            *mean = (((u64::from(total) + area / 2) * over_area) >> 48) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_images::filled;
    use crate::{PixelFormat, Pool};

    /// The quotient for every area that a block can have.
    #[test]
    fn means_are_exact() {
        let side = LONGEST as u64;
        for across in 1..=side {
            for down in [1, 2, 3, across, 255, 256] {
                let area = across * down;
                let over_area = (1 << 48) / area + 1;
                let sums = (0..=255).flat_map(|mean| {
                    let middle = mean * area;
                    [middle, middle + area / 2, middle + area - 1]
                });
                for sum in sums.filter(|sum| *sum <= 255 * area) {
                    let exact = (sum + area / 2) / area;
                    assert_eq!(((sum + area / 2) * over_area) >> 48, exact, "{sum} / {area}");
                }
            }
        }
    }

    #[test]
    fn the_largest_sums_fit() {
        let image = filled(PixelFormat::Rgb8, 300, 300, 255);
        let blocks = Blocks::new(LONGEST, image.shape());
        let mut means = [0; 6];
        let cpu = Cpu::new(Pool::new(0));
        blocks.means(&cpu, &Window::all(&image), 0, 0..2, &mut means);
        assert_eq!(means, [255; 6]);
    }
}
