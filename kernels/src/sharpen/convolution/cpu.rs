//! Convolution on the CPU.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::Convolution;
use super::kernel::{MOST, Plan, Tap};
use super::sums::{Finished, Sum};
use crate::scratch::{Plain, Scratch};
use crate::{Cpu, PixelFormat, Window, alpha};

/// Samples of a row that are summed up at a time: their sums stay in the nearest cache.
const BLOCK: usize = 2048;

impl Convolution {
    /// Makes rows `rows` of the result.
    pub(super) fn samples(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
    ) {
        let row_bytes = input.shape().row_bytes();
        match &self.plan {
            Plan::Narrow(taps) => self.direct::<i16>(cpu, input, rows.clone(), taps, output),
            Plan::Wide(taps) => self.direct::<i32>(cpu, input, rows.clone(), taps, output),
            Plan::Float(taps) => self.direct::<f32>(cpu, input, rows.clone(), taps, output),
            Plan::Separable { down, across, wide: false } => {
                self.separable::<i16>(cpu, input, rows.clone(), (down, across), output);
            }
            Plan::Separable { down, across, wide: true } => {
                self.separable::<i32>(cpu, input, rows.clone(), (down, across), output);
            }
        }
        if input.shape().format == PixelFormat::Rgba8 {
            for (y, to) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
                alpha::keep(cpu.level(), input.row(y), to);
            }
        }
    }

    /// One pass with all taps.
    fn direct<S: Sum<u8> + Finished + Plain>(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        taps: &[Tap<S::Weight>],
        output: &mut [u8],
    ) {
        let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
        let ((across, down), (_, height)) = (self.kernel.reach(), self.kernel.size());
        let margin = across * channels;
        let stride = row_bytes + 2 * margin;
        // As many rows as the kernel is high, with margins; row y lies at y modulo the height.
        let mut ring = cpu.take(stride * height);
        let slot = |y: isize| y.rem_euclid(height as isize) as usize * stride;
        let fill = |ring: &mut [u8], y: isize| {
            let to = ring.get_mut(slot(y)..slot(y) + stride).unwrap_or_default();
            let Some(from) = input.bordered_row(y, self.border) else { return to.fill(0) };
            to.get_mut(margin..margin + row_bytes).unwrap_or_default().copy_from_slice(from);
            self.border.extend(to, across, channels);
        };
        let mut sums = Scratch::<S>::take(cpu.pool(), BLOCK.min(row_bytes));
        let weights: ArrayVec<S::Weight, MOST> = taps.iter().map(|tap| tap.weight).collect();
        let (first, down) = (rows.start as isize, down as isize);
        (first - down..first + down).for_each(|y| fill(&mut ring, y));
        for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
            let top = y as isize - down;
            fill(&mut ring, y as isize + down);
            for (block, output) in output.chunks_mut(BLOCK).enumerate() {
                let sums = sums.as_mut().get_mut(..output.len()).unwrap_or_default();
                sums.fill(S::default());
                let samples: ArrayVec<&[u8], MOST> = taps
                    .iter()
                    .map(|tap| {
                        let start = slot(top + tap.row as isize) + tap.column * channels;
                        let start = start + block * BLOCK;
                        ring.get(start..start + output.len()).unwrap_or_default()
                    })
                    .collect();
                S::add(cpu.level(), &samples, &weights, sums);
                S::finish(cpu.level(), sums, self.finish, output);
            }
        }
    }

    /// Down the columns into one row of sums, then along that row.
    fn separable<S: Sum<i16, Weight = i16> + Finished + Plain>(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        (down, across): (&[Tap<i16>], &[Tap<i16>]),
        output: &mut [u8],
    ) {
        let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
        let (reach_across, reach_down) = self.kernel.reach();
        let margin = reach_across * channels;
        let mut between = Scratch::<i16>::take(cpu.pool(), row_bytes + 2 * margin);
        let mut sums = Scratch::<S>::take(cpu.pool(), BLOCK.min(row_bytes));
        let weights = |taps: &[Tap<i16>]| -> ArrayVec<i16, MOST> {
            taps.iter().map(|tap| tap.weight).collect()
        };
        let (down_weights, across_weights) = (weights(down), weights(across));
        for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
            let between = between.as_mut();
            let middle = between.get_mut(margin..margin + row_bytes).unwrap_or_default();
            middle.fill(0);
            // A row of zeros adds nothing.
            let (samples, weights): (ArrayVec<&[u8], MOST>, ArrayVec<i16, MOST>) = down
                .iter()
                .zip(&down_weights)
                .filter_map(|(tap, weight)| {
                    let at = (y + tap.row) as isize - reach_down as isize;
                    Some((input.bordered_row(at, self.border)?, *weight))
                })
                .unzip();
            i16::add(cpu.level(), &samples, &weights, middle);
            self.border.extend(between, reach_across, channels);
            for (block, output) in output.chunks_mut(BLOCK).enumerate() {
                let sums = sums.as_mut().get_mut(..output.len()).unwrap_or_default();
                sums.fill(S::default());
                let samples: ArrayVec<&[i16], MOST> = across
                    .iter()
                    .map(|tap| {
                        let start = block * BLOCK + tap.column * channels;
                        between.get(start..start + output.len()).unwrap_or_default()
                    })
                    .collect();
                S::add(cpu.level(), &samples, &across_weights, sums);
                S::finish(cpu.level(), sums, self.finish, output);
            }
        }
    }
}
