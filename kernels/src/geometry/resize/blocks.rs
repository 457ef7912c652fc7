//! Means of whole blocks of pixels: `INTER_AREA` where a whole number of pixels becomes one.

#![allow(clippy::indexing_slicing, reason = "channels of pixels, whose number is known")]

use crate::geometry::planes::{Band, PlaneRows};
use crate::scratch::Scratch;
use crate::simd::simd_levels;
use crate::{Cpu, Level};
use std::ops::Range;

/// Each pixel of the result is the mean of that many pixels across and down.
pub(super) fn render(
    cpu: &Cpu,
    (across, down): (usize, usize),
    from: PlaneRows<'_>,
    rows: Range<usize>,
    to: &mut Band<'_>,
) {
    let (level, channels) = (cpu.level(), from.plane.channels);
    // OpenCV has no such loop for two channels: halves are rounded to even there.
    if (across, down) == (2, 2) && channels != 2 {
        for (at, y) in rows.enumerate() {
            two_by_two(level, channels, from.row(2 * y), from.row(2 * y + 1), to.row(at));
        }
        return;
    }
    let mut scratch = Scratch::<u32>::take(cpu.pool(), from.plane.samples());
    let sums = scratch.as_mut();
    let part = 1.0 / (across * down) as f32;
    for (at, y) in rows.enumerate() {
        sums.fill(0);
        (y * down..(y + 1) * down).for_each(|y| add(level, from.row(y), sums));
        let pixels = sums.chunks_exact(across * channels);
        for (to, block) in to.row(at).chunks_exact_mut(channels).zip(pixels) {
            for (channel, to) in to.iter_mut().enumerate() {
                let samples = block.iter().skip(channel).step_by(channels);
                let sum: u32 = samples.sum();
                // OpenCV multiplies in this precision, and rounds halves to even.
                *to = (sum as f32 * part).round_ties_even() as u8;
            }
        }
    }
}

simd_levels! {
    fn add(from: &[u8], sums: &mut [u32]) {
        for (sum, sample) in sums.iter_mut().zip(from) {
            *sum += u32::from(*sample);
        }
    }
}

fn two_by_two(level: Level, channels: usize, first: &[u8], second: &[u8], to: &mut [u8]) {
    match channels {
        1 => two_by_two_gray(level, first, second, to),
        3 => two_by_two_rgb(level, first, second, to),
        _ => two_by_two_rgba(level, first, second, to),
    }
}

macro_rules! two_by_two {
    ($($name:ident $channels:literal)*) => { $(
        simd_levels! {
            fn $name(first: &[u8], second: &[u8], to: &mut [u8]) {
                let first = first.as_chunks::<{ 2 * $channels }>().0;
                let second = second.as_chunks::<{ 2 * $channels }>().0;
                let to = to.as_chunks_mut::<$channels>().0;
                for ((a, b), to) in first.iter().zip(second).zip(to) {
                    for channel in 0..$channels {
                        let [left, right] = [channel, channel + $channels];
                        let sum = u16::from(a[left])
                            + u16::from(a[right])
                            + u16::from(b[left])
                            + u16::from(b[right]);
                        to[channel] = ((sum + 2) >> 2) as u8;
                    }
                }
            }
        }
    )* };
}
two_by_two!(two_by_two_gray 1 two_by_two_rgb 3 two_by_two_rgba 4);
