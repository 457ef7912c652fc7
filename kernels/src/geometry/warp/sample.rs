//! Interpolates the input at a position.

#![allow(
    clippy::indexing_slicing,
    reason = "positions are checked before, once for all samples of a pixel"
)]

use super::cubic;
use super::positions::FRACTION;
use super::{Filter, Sampling};
use crate::Window;
use crate::border::Border;
use crate::geometry::samples_of;
use crate::simd::{Level, simd_levels};

/// The input, as the loops below need it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) data: &'a [u8],
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) border: Border,
    pub(super) color: [u8; 4],
}

/// Makes a row from the positions of its pixels.
pub(super) fn row(
    level: Level,
    input: &Window<'_>,
    sampling: &Sampling,
    x: &[i32],
    y: &[i32],
    to: &mut [u8],
) {
    let Sampling { filter, border, color } = *sampling;
    let color = samples_of(color, input.channels());
    let (stride, width, height) = (input.stride(), input.width(), input.height());
    let source = Source { data: input.data(), stride, width, height, border, color };
    match input.channels() {
        1 => channels::<1>(level, filter, &source, x, y, to),
        3 => channels::<3>(level, filter, &source, x, y, to),
        _ => channels::<4>(level, filter, &source, x, y, to),
    }
}

fn channels<const C: usize>(
    level: Level,
    filter: Filter,
    source: &Source<'_>,
    x: &[i32],
    y: &[i32],
    to: &mut [u8],
) {
    let to = to.as_chunks_mut::<C>().0;
    #[cfg(target_arch = "x86_64")]
    if super::x86::row(level, filter, source, x, y, to) {
        return;
    }
    match C {
        1 => plain_1(level, filter, source, x, y, to.as_flattened_mut()),
        3 => plain_3(level, filter, source, x, y, to.as_flattened_mut()),
        _ => plain_4(level, filter, source, x, y, to.as_flattened_mut()),
    }
}

macro_rules! plain {
    ($($name:ident $channels:literal)*) => { $(
        simd_levels! {
            fn $name(
                filter: Filter,
                source: &Source<'_>,
                x: &[i32],
                y: &[i32],
                to: &mut [u8],
            ) {
                pixels::<$channels>(filter, source, x, y, to.as_chunks_mut().0);
            }
        }
    )* };
}
plain!(plain_1 1 plain_3 3 plain_4 4);

/// Some pixels, one by one.
#[inline(always)]
pub(super) fn pixels<const C: usize>(
    filter: Filter,
    source: &Source<'_>,
    x: &[i32],
    y: &[i32],
    to: &mut [[u8; C]],
) {
    let positions = x.iter().zip(y);
    match filter {
        Filter::Nearest => positions.zip(to).for_each(|((x, y), to)| {
            *to = source.pixel(*x as isize, *y as isize);
        }),
        Filter::Linear => positions.zip(to).for_each(|((x, y), to)| {
            *to = linear(source, *x, *y);
        }),
        Filter::Cubic => {
            let table = cubic::table();
            positions.zip(to).for_each(|((x, y), to)| *to = cubic_pixel(source, table, *x, *y));
        }
    }
}

impl Source<'_> {
    /// The pixel at any position.
    #[inline(always)]
    fn pixel<const C: usize>(&self, x: isize, y: isize) -> [u8; C] {
        let inside =
            (0..self.width as isize).contains(&x) && (0..self.height as isize).contains(&y);
        let (x, y) = if inside {
            (x as usize, y as usize)
        } else {
            match (self.border.index(x, self.width), self.border.index(y, self.height)) {
                (Some(x), Some(y)) => (x, y),
                _ => return self.beyond(),
            }
        };
        let at = y * self.stride + x * C;
        self.data[at..].first_chunk().copied().unwrap_or([0; C])
    }

    /// The colour beyond the edge if the border is constant.
    #[inline(always)]
    pub(super) fn beyond<const C: usize>(&self) -> [u8; C] {
        self.color.first_chunk().copied().unwrap_or([0; C])
    }
}

/// The mean of four pixels with weights that sum up to 2^10.
#[inline(always)]
fn linear<const C: usize>(source: &Source<'_>, x: i32, y: i32) -> [u8; C] {
    let (left, top) = ((x >> FRACTION) as isize, (y >> FRACTION) as isize);
    let (fx, fy) = ((x & 31) as u32, (y & 31) as u32);
    let inside = (0..source.width as isize - 1).contains(&left)
        && (0..source.height as isize - 1).contains(&top);
    let [a, b, c, d]: [[u8; C]; 4] = if inside {
        let at = top as usize * source.stride + left as usize * C;
        let (above, below) = (&source.data[at..], &source.data[at + source.stride..]);
        let pixel = |row: &[u8], at: usize| row[at..].first_chunk().copied().unwrap_or([0; C]);
        [pixel(above, 0), pixel(above, C), pixel(below, 0), pixel(below, C)]
    } else {
        [
            source.pixel(left, top),
            source.pixel(left + 1, top),
            source.pixel(left, top + 1),
            source.pixel(left + 1, top + 1),
        ]
    };
    let mut mean = [0; C];
    for (channel, mean) in mean.iter_mut().enumerate() {
        let above = u32::from(a[channel]) * (32 - fx) + u32::from(b[channel]) * fx;
        let below = u32::from(c[channel]) * (32 - fx) + u32::from(d[channel]) * fx;
        *mean = ((above * (32 - fy) + below * fy + (1 << 9)) >> 10) as u8;
    }
    mean
}

/// The mean of sixteen pixels with weights that sum up to 2^15, some of them negative.
#[inline(always)]
fn cubic_pixel<const C: usize>(
    source: &Source<'_>,
    table: &[cubic::Weights],
    x: i32,
    y: i32,
) -> [u8; C] {
    let (left, top) = ((x >> FRACTION) as isize - 1, (y >> FRACTION) as isize - 1);
    let weights = &table[((y & 31) << FRACTION | (x & 31)) as usize];
    let mut sums = [1_i32 << 14; C];
    let mut add = |pixel: [u8; C], weight: i16| {
        for (sum, sample) in sums.iter_mut().zip(pixel) {
            *sum += i32::from(sample) * i32::from(weight);
        }
    };
    let inside = (0..source.width as isize - 3).contains(&left)
        && (0..source.height as isize - 3).contains(&top);
    for (down, weights) in weights.as_chunks::<4>().0.iter().enumerate() {
        if inside {
            let at = (top as usize + down) * source.stride + left as usize * C;
            let pixels = source.data[at..at + 4 * C].as_chunks::<C>().0;
            pixels.iter().zip(weights).for_each(|(pixel, weight)| add(*pixel, *weight));
        } else {
            for (across, weight) in weights.iter().enumerate() {
                add(source.pixel(left + across as isize, top + down as isize), *weight);
            }
        }
    }
    sums.map(|sum| (sum >> 15).clamp(0, 255) as u8)
}
