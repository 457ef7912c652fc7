//! Sliding sums: down the columns of the image, then along the row of column sums.
//!
//! A step of a sum adds what comes in and takes away what goes out, so its cost does not depend on
//! the size of the box. Column sums of up to 255 rows fit 16 bits, and the sums modulo 2^16 that
//! vectors hold are exact.
#![allow(clippy::indexing_slicing, reason = "arrays of a fixed length, indexed below it")]

use std::ops::Range;

use super::Rectangle;
use crate::scratch::Scratch;
use crate::simd::{Level, simd_levels};
use crate::{Cpu, Window};

/// Boxes up to that width are summed up anew for each sample: vectors do that sooner than they
/// slide.
const NARROW: usize = 15;

/// Pixels of a step of the sliding sum.
const GROUP: usize = 16;

/// Makes rows `rows` of the image of means.
pub(crate) fn render(
    cpu: &Cpu,
    rectangle: Rectangle,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let Rectangle { across, down, border } = rectangle;
    let (level, channels, row_bytes) = (cpu.level(), input.channels(), input.shape().row_bytes());
    let (beside, above) = (across / 2, (down / 2) as isize);
    // One pixel of zeros before the row.
    let margin = (1 + beside) * channels;
    let mut scratch = Scratch::<u16>::with_margin(cpu.pool(), row_bytes + 2 * margin, margin);
    let sums = scratch.as_mut();
    sums.fill(0);
    let mut zeros = cpu.take(row_bytes);
    zeros.fill(0);
    let row = |y: isize| input.bordered_row(y, rectangle.border).unwrap_or(&zeros);
    let first = rows.start;
    let division = Division::by(across * down).filter(|_| across <= NARROW);
    let room = if division.is_some() { 0 } else { 2 * row_bytes + 3 * GROUP * channels };
    let mut wide_buffer = Scratch::<u32>::take(cpu.pool(), room);
    for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        let at = y as isize;
        let Some(middle) = sums.get_mut(margin..margin + row_bytes) else { return };
        if y == first {
            (at - above..=at + above).for_each(|y| slide_down(level, row(y), &zeros, middle));
        } else {
            slide_down(level, row(at + above), row(at - above - 1), middle);
        }
        let extended = channels..channels + row_bytes + 2 * beside * channels;
        let Some(extended) = sums.get_mut(extended) else { return };
        border.extend(extended, beside, channels);
        if let Some(division) = division {
            narrow(level, extended, across, channels, division, output);
        } else {
            let buffer = wide_buffer.as_mut();
            wide(level, sums, (across, channels), rectangle.inverse(), buffer, output);
        }
    }
}

simd_levels! {
    fn slide_down(entering: &[u8], leaving: &[u8], sums: &mut [u16]) {
        for ((sum, new), old) in sums.iter_mut().zip(entering).zip(leaving) {
            *sum = sum.wrapping_add(u16::from(*new)).wrapping_sub(u16::from(*old));
        }
    }
}

/// Rounding to nearest: `(sum + half) * factor >> 16 >> shift`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Division {
    half: u16,
    factor: u16,
    shift: u32,
}

impl Division {
    /// By an odd number; `None` if it would not be exact.
    pub(super) fn by(divisor: usize) -> Option<Self> {
        let divisor = u16::try_from(divisor).ok()?;
        let shift = divisor.max(2).ilog2();
        let power = 1_u32 << (16 + shift);
        // Rounded up; of 16 bits, as the divisor is greater than 2^shift.
        let factor = u16::try_from(power.div_ceil(divisor.into())).ok()?;
        let half = divisor / 2;
        // What rounding up adds to a product must not reach the next whole number.
        let most = divisor.checked_mul(255)?.checked_add(half)?;
        let excess = u32::from(factor) * u32::from(divisor) - power;
        (u32::from(most) * excess < power).then_some(Self { half, factor, shift })
    }

    #[inline(always)]
    pub(super) fn of(self, sum: u16) -> u8 {
        let product = u32::from(sum.wrapping_add(self.half)) * u32::from(self.factor);
        (((product >> 16) as u16) >> self.shift) as u8
    }
}

simd_levels! {
    fn narrow(
        sums: &[u16],
        taps: usize,
        channels: usize,
        division: Division,
        output: &mut [u8],
    ) {
        // In loops of known length, which the compiler unrolls.
        match taps {
            1 => narrow_taps::<1>(sums, channels, division, output),
            3 => narrow_taps::<3>(sums, channels, division, output),
            5 => narrow_taps::<5>(sums, channels, division, output),
            7 => narrow_taps::<7>(sums, channels, division, output),
            9 => narrow_taps::<9>(sums, channels, division, output),
            11 => narrow_taps::<11>(sums, channels, division, output),
            13 => narrow_taps::<13>(sums, channels, division, output),
            _ => narrow_taps::<15>(sums, channels, division, output),
        }
    }
}

#[inline(always)]
fn narrow_taps<const TAPS: usize>(
    sums: &[u16],
    channels: usize,
    division: Division,
    output: &mut [u8],
) {
    let len = output.len();
    let mut taps: [&[u16]; TAPS] = [&[]; TAPS];
    for (tap, from) in taps.iter_mut().enumerate() {
        *from = &sums[tap * channels..][..len];
    }
    for (at, out) in output.iter_mut().enumerate() {
        let mut sum = 0_u16;
        for tap in &taps {
            sum = sum.wrapping_add(tap[at]);
        }
        *out = division.of(sum);
    }
}

/// `sums` starts with a pixel before the one that goes out of the first sum.
///
/// A sum is the one of the pixel before and a difference. For vectors to do many, it is the one of
/// [`GROUP`] pixels before and as many differences, which are added up beforehand: four, then four
/// times those.
fn wide(
    level: Level,
    sums: &[u16],
    (taps, channels): (usize, usize),
    inverse: f32,
    buffer: &mut [u32],
    output: &mut [u8],
) {
    let group = GROUP * channels;
    let (differences, fours) = buffer.split_at_mut(group + output.len());
    subtract(level, sums.get(taps * channels..).unwrap_or_default(), sums, group, differences);
    add_four(level, differences, channels, group, fours);
    let before = sums.get(..taps * channels).unwrap_or_default();
    match channels {
        1 => slide_along_1(level, before, fours, inverse, output),
        3 => slide_along_3(level, before, fours, inverse, output),
        _ => slide_along_4(level, before, fours, inverse, output),
    }
}

simd_levels! {
    fn subtract(
        entering: &[u16],
        leaving: &[u16],
        before: usize,
        differences: &mut [u32],
    ) {
        let (zeros, differences) = differences.split_at_mut(before);
        zeros.fill(0);
        for ((difference, new), old) in differences.iter_mut().zip(entering).zip(leaving) {
            *difference = u32::from(*new).wrapping_sub(u32::from(*old));
        }
    }
}

simd_levels! {
    fn add_four(samples: &[u32], apart: usize, before: usize, fours: &mut [u32]) {
        let (zeros, fours) = fours.split_at_mut(before);
        zeros.fill(0);
        let from = |earlier: usize| samples.get(before - earlier * apart..).unwrap_or_default();
        let samples = from(0).iter().zip(from(1)).zip(from(2)).zip(from(3));
        for (four, (((a, b), c), d)) in fours.iter_mut().zip(samples) {
            *four = a.wrapping_add(*b).wrapping_add(c.wrapping_add(*d));
        }
    }
}

simd_levels! {
    fn slide_along_1(before: &[u16], fours: &[u32], inverse: f32, output: &mut [u8]) {
        slide_groups::<1, GROUP>(before, fours, inverse, output);
    }
}

simd_levels! {
    fn slide_along_3(before: &[u16], fours: &[u32], inverse: f32, output: &mut [u8]) {
        slide_groups::<3, { 3 * GROUP }>(before, fours, inverse, output);
    }
}

simd_levels! {
    fn slide_along_4(before: &[u16], fours: &[u32], inverse: f32, output: &mut [u8]) {
        slide_groups::<4, { 4 * GROUP }>(before, fours, inverse, output);
    }
}

/// `before` are the taps of the sum before the first pixel, all but the last.
#[inline(always)]
fn slide_groups<const CHANNELS: usize, const SAMPLES: usize>(
    before: &[u16],
    fours: &[u32],
    inverse: f32,
    output: &mut [u8],
) {
    let mut first = [0_u32; CHANNELS];
    for pixel in before.as_chunks::<CHANNELS>().0 {
        for channel in 0..CHANNELS {
            first[channel] += u32::from(pixel[channel]);
        }
    }
    let mut totals = [0_u32; SAMPLES];
    for at in 0..SAMPLES {
        totals[at] = first[at % CHANNELS];
    }
    for (group, output) in output.chunks_mut(SAMPLES).enumerate() {
        let from = |earlier: usize| {
            let start = (group + 1) * SAMPLES - 4 * earlier * CHANNELS;
            fours.get(start..).and_then(<[u32]>::first_chunk::<SAMPLES>)
        };
        let (Some(a), Some(b), Some(c), Some(d)) = (from(0), from(1), from(2), from(3)) else {
            return;
        };
        let mut means = [0; SAMPLES];
        for at in 0..SAMPLES {
            let four = a[at].wrapping_add(b[at]).wrapping_add(c[at].wrapping_add(d[at]));
            totals[at] = totals[at].wrapping_add(four);
            means[at] = mean(totals[at], inverse);
        }
        match output.first_chunk_mut::<SAMPLES>() {
            Some(output) => *output = means,
            None => output.iter_mut().zip(means).for_each(|(out, mean)| *out = mean),
        }
    }
}

/// The product in single precision, rounded to nearest, ties to even: OpenCV's.
#[inline(always)]
pub(super) fn mean(sum: u32, inverse: f32) -> u8 {
    // From 2^23 on, a float has no fractional bits: adding that rounds.
    const WHOLE: f32 = 8_388_608.0;
    (sum as i32 as f32 * inverse + WHOLE).to_bits() as u8
}
