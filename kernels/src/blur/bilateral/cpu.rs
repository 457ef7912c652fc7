//! The bilateral filter on the CPU: weighted sums whose weights depend on the samples.
//!
//! Rows are kept as single-precision numbers, one plane for each colour. For each pixel of the
//! disc, its weights and sums are added for some pixels of a row: loops that vectors do.

#![allow(clippy::indexing_slicing, reason = "pixels index arrays of their number")]

use std::ops::Range;

use super::weight::{INTEGERS, Weights, power_of_two};
use super::{Bilateral, MAX_RADIUS};
use crate::scratch::Scratch;
use crate::simd::{Level, simd_levels};
use crate::{Cpu, Window};

/// Pixels that are made at a time: with AVX-512 their sums stay in registers, which takes a fifth to
/// a third less time than to keep those of a whole row. With SSE4.1, 32 take twice as long.
const STEP: usize = 16;

/// A number for each pixel of a block.
type Numbers = [f32; STEP];

/// Makes rows `rows` of the result.
pub(super) fn render(
    cpu: &Cpu,
    filter: &Bilateral,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (level, channels, row_bytes) = (cpu.level(), input.channels(), input.shape().row_bytes());
    let mut planes = Planes::new(cpu, filter, input);
    let reach = filter.radius as isize;
    let first = rows.start as isize;
    (first - reach..first + reach).for_each(|y| planes.fill(input, y));
    for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        let y = y as isize;
        planes.fill(input, y + reach);
        if channels == 4 {
            output.copy_from_slice(input.row(y as usize));
        }
        let around = planes.around(y);
        match channels {
            1 => grey(level, &around, &filter.weights, output),
            _ => colours(level, &around, &filter.weights, channels, output),
        }
    }
}

/// The rows around the one that is made. Row `y` is at `y` modulo their number.
struct Planes<'a> {
    samples: Scratch<f32>,
    filter: &'a Bilateral,
    level: Level,
    stride: usize,
    colours: usize,
}

/// The samples of those rows, and the starts of the rows around one, from above.
struct Around<'a> {
    planes: [&'a [f32]; 3],
    starts: [usize; 2 * MAX_RADIUS + 1],
    radius: usize,
}

impl Around<'_> {
    /// The samples of the pixels that are `down` and `across` away from each pixel from `at` on.
    #[inline(always)]
    fn samples<const COLOURS: usize>(
        &self,
        at: usize,
        (down, across): (i32, i32),
    ) -> Option<[Numbers; COLOURS]> {
        let row = (self.radius as i32 + down) as usize;
        let column = (self.radius as i32 + across) as usize;
        let start = self.starts.get(row)? + column + at;
        let mut samples = [[0.0; STEP]; COLOURS];
        for (plane, samples) in self.planes.iter().zip(&mut samples) {
            *samples = *plane.get(start..)?.first_chunk()?;
        }
        Some(samples)
    }
}

impl<'a> Planes<'a> {
    fn new(cpu: &Cpu, filter: &'a Bilateral, input: &Window<'_>) -> Self {
        // As many whole steps as reach the end of a row, whatever lies behind it.
        let stride = input.width().next_multiple_of(STEP) + 2 * filter.radius;
        let colours = input.channels().min(3);
        let samples = Scratch::take(cpu.pool(), (2 * filter.radius + 1) * stride * colours);
        Self { samples, filter, level: cpu.level(), stride, colours }
    }

    fn rows(&self) -> usize {
        2 * self.filter.radius + 1
    }

    /// The position of the row in each plane.
    fn start(&self, y: isize) -> usize {
        y.rem_euclid(self.rows() as isize) as usize * self.stride
    }

    fn fill(&mut self, input: &Window<'_>, y: isize) {
        let (radius, border) = (self.filter.radius, self.filter.border);
        for plane in 0..self.colours {
            let start = plane * self.rows() * self.stride + self.start(y);
            let all = self.samples.as_mut();
            let end = start + input.width() + 2 * radius;
            let to = all.get_mut(start..end).unwrap_or_default();
            let Some(from) = input.bordered_row(y, border) else {
                to.fill(0.0);
                continue;
            };
            let middle = to.get_mut(radius..radius + input.width()).unwrap_or_default();
            let from = from.get(plane..).unwrap_or_default();
            widen(self.level, from, input.channels(), middle);
            border.extend(to, radius, 1);
        }
    }

    /// The rows that row `y` is made from.
    fn around(&self, y: isize) -> Around<'_> {
        let radius = self.filter.radius;
        let mut starts = [0; 2 * MAX_RADIUS + 1];
        for (start, row) in starts.iter_mut().zip(y - radius as isize..=y + radius as isize) {
            *start = self.start(row);
        }
        let mut planes = [[].as_slice(); 3];
        let all = self.samples.as_slice().chunks_exact(self.rows() * self.stride);
        planes.iter_mut().zip(all).for_each(|(plane, samples)| *plane = samples);
        Around { planes, starts, radius }
    }
}

simd_levels! {
    fn grey(around: &Around<'_>, weights: &Weights, output: &mut [u8]) {
        for (step, output) in output.chunks_mut(STEP).enumerate() {
            let Some([greys]) = means(around, weights, step * STEP) else { return };
            output.iter_mut().zip(greys).for_each(|(to, grey)| *to = grey);
        }
    }
}

simd_levels! {
    fn colours(around: &Around<'_>, weights: &Weights, channels: usize, output: &mut [u8]) {
        for (step, output) in output.chunks_mut(STEP * channels).enumerate() {
            let Some([reds, greens, blues]) = means(around, weights, step * STEP) else { return };
            let colours = reds.iter().zip(&greens).zip(&blues);
            for (pixel, ((red, green), blue)) in output.chunks_mut(channels).zip(colours) {
                if let [r, g, b, ..] = pixel {
                    [*r, *g, *b] = [*red, *green, *blue];
                }
            }
        }
    }
}

/// The means of the pixels from `at` on.
#[inline(always)]
fn means<const COLOURS: usize>(
    around: &Around<'_>,
    weights: &Weights,
    at: usize,
) -> Option<[[u8; STEP]; COLOURS]> {
    let here: [_; COLOURS] = around.samples(at, (0, 0))?;
    let (mut sums, mut total) = ([[0.0; STEP]; COLOURS], [0.0; STEP]);
    for tap in &weights.taps {
        let near: [_; COLOURS] = around.samples(at, (tap.down, tap.across))?;
        for pixel in 0..STEP {
            let mut difference = 0.0;
            for (near, here) in near.iter().zip(&here) {
                difference += (near[pixel] - here[pixel]).abs();
            }
            let weight = power_of_two(difference * difference * weights.colour + tap.exponent);
            total[pixel] += weight;
            for (sum, near) in sums.iter_mut().zip(&near) {
                sum[pixel] += weight * near[pixel];
            }
        }
    }
    let mut means = [[0; STEP]; COLOURS];
    for (means, sums) in means.iter_mut().zip(&sums) {
        for ((mean, sum), total) in means.iter_mut().zip(sums).zip(&total) {
            *mean = nearest(sum / total);
        }
    }
    Some(means)
}

simd_levels! {
    fn widen(from: &[u8], channels: usize, to: &mut [f32]) {
        // In loops of known steps, which vectors do.
        match channels {
            1 => to.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from(*from)),
            3 => {
                let from = from.iter().step_by(3);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from(*from));
            }
            _ => {
                let from = from.iter().step_by(4);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from(*from));
            }
        }
    }
}

#[inline(always)]
pub(super) fn nearest(value: f32) -> u8 {
    (value + INTEGERS).to_bits() as u8
}
