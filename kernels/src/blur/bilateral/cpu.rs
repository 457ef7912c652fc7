//! Weighted sums whose weights depend on the samples.
//!
//! Rows are kept as single-precision numbers, one plane for each colour. For each pixel of the
//! disc, its weights and sums are added for many pixels of a row: loops that vectors do.

use std::ops::Range;

use super::weight::{INTEGERS, power_of_two};
use super::{Bilateral, MAX_RADIUS};
use crate::scratch::Scratch;
use crate::simd::{Level, simd_levels};
use crate::{Cpu, Window};

/// Pixels whose sums are kept at a time.
const BLOCK: usize = 1024;

/// Of a block, for each pixel. Where lines of the cache start, so that no vector lies in two.
#[repr(align(64))]
struct Sums {
    weights: [f32; BLOCK],
    colours: [[f32; BLOCK]; 3],
}

/// Those rows of the result.
pub(super) fn render(
    cpu: &Cpu,
    filter: &Bilateral,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (level, channels) = (cpu.level(), input.channels());
    let mut planes = Planes::new(cpu, filter, input);
    let reach = filter.radius as isize;
    let first = rows.start as isize;
    (first - reach..first + reach).for_each(|y| planes.fill(input, y));
    let mut sums = Sums { weights: [0.0; BLOCK], colours: [[0.0; BLOCK]; 3] };
    for (y, output) in rows.zip(output.chunks_exact_mut(input.shape().row_bytes())) {
        let y = y as isize;
        planes.fill(input, y + reach);
        if channels == 4 {
            output.copy_from_slice(input.row(y as usize));
        }
        planes.go_to(y);
        for (block, output) in output.chunks_mut(BLOCK * channels).enumerate() {
            let (at, len) = (block * BLOCK + filter.radius, output.len() / channels);
            sums.weights.fill(0.0);
            sums.colours.iter_mut().take(channels).for_each(|colour| colour.fill(0.0));
            let factor = filter.weights.colour;
            for tap in &filter.weights.taps {
                let start = (at as isize + tap.across as isize) as usize;
                let near = |plane| planes.samples(plane, tap.down, start, len);
                let here = |plane| planes.samples(plane, 0, at, len);
                if channels == 1 {
                    add_grey(level, here(0), near(0), factor, tap.exponent, &mut sums);
                } else {
                    let (here, near) = ([0, 1, 2].map(here), [0, 1, 2].map(near));
                    add_colour(level, here, near, factor, tap.exponent, &mut sums);
                }
            }
            divide(level, &sums, channels, output);
        }
    }
}

/// The rows around the one that is made: row `y` lies at `y` modulo their number.
struct Planes<'a> {
    samples: Scratch<f32>,
    filter: &'a Bilateral,
    level: Level,
    stride: usize,
    colours: usize,
    /// Where the rows around the one that is made start, from above.
    starts: [usize; 2 * MAX_RADIUS + 1],
}

impl<'a> Planes<'a> {
    fn new(cpu: &Cpu, filter: &'a Bilateral, input: &Window<'_>) -> Self {
        let (stride, colours) = (input.width() + 2 * filter.radius, input.channels().min(3));
        let samples = Scratch::take(cpu.pool(), (2 * filter.radius + 1) * stride * colours);
        Self {
            samples,
            filter,
            level: cpu.level(),
            stride,
            colours,
            starts: [0; 2 * MAX_RADIUS + 1],
        }
    }

    fn start(&self, plane: usize, y: isize) -> usize {
        let slot = y.rem_euclid(2 * self.filter.radius as isize + 1) as usize;
        (slot * self.colours + plane) * self.stride
    }

    fn fill(&mut self, input: &Window<'_>, y: isize) {
        let (radius, border) = (self.filter.radius, self.filter.border);
        for plane in 0..self.colours {
            let start = self.start(plane, y);
            let all = self.samples.as_mut();
            let to = all.get_mut(start..start + self.stride).unwrap_or_default();
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

    /// Row `y` is made next.
    fn go_to(&mut self, y: isize) {
        let radius = self.filter.radius as isize;
        for (index, down) in (-radius..=radius).enumerate() {
            let start = self.start(0, y + down);
            if let Some(slot) = self.starts.get_mut(index) {
                *slot = start;
            }
        }
    }

    fn samples(&self, plane: usize, down: i32, at: usize, len: usize) -> &[f32] {
        let row = (self.filter.radius as i32 + down) as usize;
        let start = self.starts.get(row).copied().unwrap_or(0) + plane * self.stride + at;
        self.samples.as_slice().get(start..start + len).unwrap_or_default()
    }
}

simd_levels! {
    fn add_grey(here: &[f32], near: &[f32], factor: f32, exponent: f32, sums: &mut Sums) {
        let Sums { weights, colours: [greys, ..] } = sums;
        let sums = weights.iter_mut().zip(greys);
        for ((here, near), (weights, grey)) in here.iter().zip(near).zip(sums) {
            let difference = near - here;
            let weight = power_of_two(difference * difference * factor + exponent);
            *weights += weight;
            *grey += weight * near;
        }
    }
}

simd_levels! {
    fn add_colour(
        here: [&[f32]; 3],
        near: [&[f32]; 3],
        factor: f32,
        exponent: f32,
        sums: &mut Sums,
    ) {
        let Sums { weights, colours: [reds, greens, blues] } = sums;
        let here = here[0].iter().zip(here[1]).zip(here[2]);
        let near = near[0].iter().zip(near[1]).zip(near[2]);
        let colours = reds.iter_mut().zip(greens).zip(blues);
        let sums = weights.iter_mut().zip(colours);
        for ((((r, g), b), ((red, green), blue)), (weights, ((reds, greens), blues))) in
            here.zip(near).zip(sums)
        {
            let difference = (red - r).abs() + (green - g).abs() + (blue - b).abs();
            let weight = power_of_two(difference * difference * factor + exponent);
            *weights += weight;
            *reds += weight * red;
            *greens += weight * green;
            *blues += weight * blue;
        }
    }
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

simd_levels! {
    fn divide(sums: &Sums, channels: usize, output: &mut [u8]) {
        let Sums { weights, colours: [reds, greens, blues] } = sums;
        if channels == 1 {
            for ((out, sum), weights) in output.iter_mut().zip(reds).zip(weights) {
                *out = nearest(sum / weights);
            }
            return;
        }
        let colours = reds.iter().zip(greens).zip(blues).zip(weights);
        for (pixel, (((red, green), blue), weights)) in output.chunks_mut(channels).zip(colours) {
            if let [r, g, b, ..] = pixel {
                *r = nearest(red / weights);
                *g = nearest(green / weights);
                *b = nearest(blue / weights);
            }
        }
    }
}

#[inline(always)]
pub(super) fn nearest(value: f32) -> u8 {
    (value + INTEGERS).to_bits() as u8
}
