//! Means of whole blocks of pixels: `INTER_AREA` where a whole number of pixels becomes one.

#![allow(clippy::indexing_slicing, reason = "channels of pixels, whose number is known")]

#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use crate::Cpu;
use crate::geometry::planes::{Band, PlaneRows};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::simd::simd_levels;

/// Rows whose sums fit 16 bits.
const MOST_ROWS: usize = 256;

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
        for (at, y) in cpu.watched(rows, 2 * from.plane.samples()).enumerate() {
            two_by_two(level, channels, from.row(2 * y), from.row(2 * y + 1), to.row(at));
        }
        return;
    }
    let mut columns = Scratch::<u16>::take(cpu.pool(), from.plane.samples());
    let mut sums = Scratch::<u32>::take(cpu.pool(), from.plane.samples() / across);
    let (columns, sums) = (columns.as_mut(), sums.as_mut());
    let part = 1.0 / (across * down) as f32;
    let mut watch = cpu.watch(down.min(MOST_ROWS) * from.plane.samples());
    for (at, y) in rows.enumerate() {
        sums.fill(0);
        for first in (0..down).step_by(MOST_ROWS) {
            if watch.is_over() {
                return;
            }
            let some = y * down + first..y * down + down.min(first + MOST_ROWS);
            add_rows(level, from, some, columns);
            add_neighbours(level, channels, across, columns, sums);
        }
        means(level, sums, part, to.row(at));
    }
}

/// Sums of rows, column by column.
fn add_rows(level: Level, from: PlaneRows<'_>, mut rows: Range<usize>, sums: &mut [u16]) {
    match (rows.next(), rows.next()) {
        (Some(first), Some(second)) => start(level, from.row(first), from.row(second), sums),
        (Some(only), None) => widen(level, from.row(only), sums),
        _ => return,
    }
    while let Some(first) = rows.next() {
        match rows.next() {
            Some(second) => add_two(level, from.row(first), from.row(second), sums),
            None => add_one(level, from.row(first), sums),
        }
    }
}

simd_levels! {
    fn widen(from: &[u8], sums: &mut [u16]) {
        for (sum, sample) in sums.iter_mut().zip(from) {
            *sum = u16::from(*sample);
        }
    }
}

simd_levels! {
    fn start(first: &[u8], second: &[u8], sums: &mut [u16]) {
        for ((sum, a), b) in sums.iter_mut().zip(first).zip(second) {
            *sum = u16::from(*a) + u16::from(*b);
        }
    }
}

simd_levels! {
    fn add_one(from: &[u8], sums: &mut [u16]) {
        for (sum, sample) in sums.iter_mut().zip(from) {
            *sum += u16::from(*sample);
        }
    }
}

simd_levels! {
    fn add_two(first: &[u8], second: &[u8], sums: &mut [u16]) {
        for ((sum, a), b) in sums.iter_mut().zip(first).zip(second) {
            *sum += u16::from(*a) + u16::from(*b);
        }
    }
}

/// Adds so many neighbouring pixels to each sum.
fn add_neighbours(level: Level, channels: usize, across: usize, from: &[u16], sums: &mut [u32]) {
    match (channels, across) {
        (1, 2) => two_of_one(level, from, sums),
        (1, 3) => three_of_one(level, from, sums),
        (1, 4) => four_of_one(level, from, sums),
        (1, _) => any_of_one(level, across, from, sums),
        (2, _) => any_of_two(level, across, from, sums),
        (3, 2) => two_of_three(level, from, sums),
        (3, 3) => three_of_three(level, from, sums),
        (3, 4) => four_of_three(level, from, sums),
        (3, _) => any_of_three(level, across, from, sums),
        _ => any_of_four(level, across, from, sums),
    }
}

/// With the number of pixels known, the compiler makes vectors of it.
macro_rules! add_known {
    ($($name:ident $pixels:literal of $channels:literal)*) => { $(
        simd_levels! {
            fn $name(from: &[u16], sums: &mut [u32]) {
                let blocks = from.as_chunks::<{ $pixels * $channels }>().0;
                for (block, sums) in blocks.iter().zip(sums.as_chunks_mut::<$channels>().0) {
                    for channel in 0..$channels {
                        for pixel in 0..$pixels {
                            sums[channel] += u32::from(block[pixel * $channels + channel]);
                        }
                    }
                }
            }
        }
    )* };
}
add_known!(
    two_of_one 2 of 1 three_of_one 3 of 1 four_of_one 4 of 1
    two_of_three 2 of 3 three_of_three 3 of 3 four_of_three 4 of 3
);

macro_rules! add_any {
    ($($name:ident of $channels:literal)*) => { $(
        simd_levels! {
            fn $name(across: usize, from: &[u16], sums: &mut [u32]) {
                let pixels = from.as_chunks::<$channels>().0.chunks_exact(across);
                for (block, sums) in pixels.zip(sums.as_chunks_mut::<$channels>().0) {
                    let mut more = [0; $channels];
                    for pixel in block {
                        for channel in 0..$channels {
                            more[channel] += u32::from(pixel[channel]);
                        }
                    }
                    for channel in 0..$channels {
                        sums[channel] += more[channel];
                    }
                }
            }
        }
    )* };
}
add_any!(any_of_one of 1 any_of_two of 2 any_of_three of 3 any_of_four of 4);

simd_levels! {
    fn means(sums: &[u32], part: f32, to: &mut [u8]) {
        for (to, sum) in to.iter_mut().zip(sums) {
            // OpenCV multiplies in this precision, and rounds halves to even. At most 255: as a
            // signed number it is one instruction to convert.
            *to = (*sum as f32 * part).round_ties_even() as i32 as u8;
        }
    }
}

fn two_by_two(level: Level, channels: usize, first: &[u8], second: &[u8], to: &mut [u8]) {
    match channels {
        1 => two_by_two_gray(level, first, second, to),
        3 => {
            #[cfg(target_arch = "x86_64")]
            let done = x86::two_by_two_rgb(level, first, second, to);
            #[cfg(not(target_arch = "x86_64"))]
            let done = 0;
            let (first, second, to) = rest(done, first, second, to);
            two_by_two_rgb(level, first, second, to);
        }
        _ => {
            #[cfg(target_arch = "x86_64")]
            let done = x86::two_by_two_rgba(level, first, second, to);
            #[cfg(not(target_arch = "x86_64"))]
            let done = 0;
            let (first, second, to) = rest(done, first, second, to);
            two_by_two_rgba(level, first, second, to);
        }
    }
}

/// What is left when so many samples of the result are done.
fn rest<'a>(
    done: usize,
    first: &'a [u8],
    second: &'a [u8],
    to: &'a mut [u8],
) -> (&'a [u8], &'a [u8], &'a mut [u8]) {
    let [first, second] = [first, second].map(|row| row.get(2 * done..).unwrap_or_default());
    (first, second, to.get_mut(done..).unwrap_or_default())
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
