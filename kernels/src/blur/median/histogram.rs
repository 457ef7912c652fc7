//! Histograms that slide, so that the time does not depend on the size of the square.
//!
//! Each column of the image has a histogram of its samples within reach; that of the square is
//! their sum (S. Perreault and P. Hébert, "Median Filtering in Constant Time", 2007). Going to the
//! next row, each column loses a sample and gains one; going to the next pixel, the square loses a
//! column and gains one. A histogram has two levels: how many samples have the upper four bits,
//! and how many of those have the lower four. Of the second level only those parts of the square's
//! histogram are kept up to date that a median was found in.
//!
//! Here the counts are cumulative, how many samples are at most that: the median is then found by
//! one comparison of vectors. A sample changes 16 counts instead of one, which is one addition of
//! vectors, too. Columns have at most 255 samples, so their counts fit 8 bits.
#![allow(
    clippy::indexing_slicing,
    reason = "bins have four bits; columns are counted by the stripe"
)]

use std::ops::Range;

use super::counts::{BINS, Column, ONE, Square, exchange};
use crate::scratch::Scratch;
use crate::simd::simd_levels;
use crate::{Cpu, Window};

/// No sample.
const NONE: Column = [0; BINS];

/// Pixels of a stripe: the histograms of its columns should stay in a cache, but each stripe also
/// has those on both sides of it. For small squares it is the first-level cache, for others the
/// second.
fn stripe_width(radius: usize) -> usize {
    if radius <= 6 { 128 } else { (4 * radius).max(512) }
}

/// Those rows of the image of medians.
pub(super) fn render(
    cpu: &Cpu,
    radius: usize,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let width = input.width();
    let stripe_width = stripe_width(radius).min(width);
    let columns = stripe_width + 2 * radius;
    let mut counts = Scratch::<u8>::take(cpu.pool(), columns * BINS * (1 + BINS));
    let (counts, _) = counts.as_mut().as_chunks_mut::<BINS>();
    let (upper, lower) = counts.split_at_mut(columns);
    let mut places = Scratch::<u32>::take(cpu.pool(), columns);
    let places = places.as_mut();
    for left in (0..width).step_by(stripe_width) {
        for channel in 0..input.channels() {
            let pixels = left..(left + stripe_width).min(width);
            for (column, place) in places.iter_mut().enumerate() {
                let x = (left + column).saturating_sub(radius).min(width - 1);
                *place = (x * input.channels() + channel) as u32;
            }
            let stripe = Stripe { pixels, radius, channel, places, rows: rows.clone() };
            run(cpu.level(), &stripe, input, upper, lower, output);
        }
    }
}

/// One channel of some columns of the result.
struct Stripe<'a> {
    pixels: Range<usize>,
    radius: usize,
    channel: usize,
    /// Where in a row the samples of its columns are, those beside it included.
    places: &'a [u32],
    rows: Range<usize>,
}

simd_levels! {
    fn run(
        stripe: &Stripe<'_>,
        input: &Window<'_>,
        upper: &mut [Column],
        lower: &mut [Column],
        output: &mut [u8],
    ) {
        upper.fill(NONE);
        lower.fill(NONE);
        let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
        let (radius, bottom) = (stripe.radius as isize, input.height() as isize - 1);
        let row = |y: isize| input.row(y.clamp(0, bottom) as usize);
        for (y, output) in stripe.rows.clone().zip(output.chunks_exact_mut(row_bytes)) {
            let at = y as isize;
            if y == stripe.rows.start {
                for y in at - radius..=at + radius {
                    add_row(stripe.places, row(y), upper, lower);
                }
            } else {
                slide_down(stripe.places, [row(at + radius), row(at - radius - 1)], upper, lower);
            }
            let start = stripe.pixels.start * channels + stripe.channel;
            let output = output.get_mut(start..).unwrap_or_default();
            let medians = output.iter_mut().step_by(channels).take(stripe.pixels.len());
            slide_along(stripe.radius, upper, lower, medians);
        }
    }
}

#[inline(always)]
fn add_row(places: &[u32], row: &[u8], upper: &mut [Column], lower: &mut [Column]) {
    let columns = upper.len();
    for (column, place) in places.iter().enumerate() {
        let new = row[*place as usize];
        let (high, low) = (usize::from(new >> 4), usize::from(new & 15));
        exchange(&mut upper[column], &ONE[high], &NONE);
        exchange(&mut lower[high * columns + column], &ONE[low], &NONE);
    }
}

#[inline(always)]
fn slide_down(
    places: &[u32],
    [entering, leaving]: [&[u8]; 2],
    upper: &mut [Column],
    lower: &mut [Column],
) {
    let columns = upper.len();
    for (column, place) in places.iter().enumerate() {
        let (new, old) = (entering[*place as usize], leaving[*place as usize]);
        if new == old {
            continue;
        }
        let (high, low) = (usize::from(new >> 4), usize::from(new & 15));
        let (old_high, old_low) = (usize::from(old >> 4), usize::from(old & 15));
        exchange(&mut upper[column], &ONE[high], &ONE[old_high]);
        exchange(&mut lower[high * columns + column], &ONE[low], &NONE);
        exchange(&mut lower[old_high * columns + column], &NONE, &ONE[old_low]);
    }
}

#[inline(always)]
fn sum(columns: &[Column]) -> Square {
    let mut square = Square::zero();
    columns.iter().for_each(|column| square.slide(column, &NONE));
    square
}

/// The medians of a row.
#[inline(always)]
fn slide_along<'a>(
    radius: usize,
    upper: &[Column],
    lower: &[Column],
    medians: impl Iterator<Item = &'a mut u8>,
) {
    let (columns, side) = (upper.len(), 2 * radius + 1);
    // As many samples of the square are below the median.
    let below = (side * side / 2) as u16;
    let mut coarse = sum(&upper[..side - 1]);
    let mut fine = [Square::zero(); BINS];
    // Where the square was when that part of its histogram was brought up to date.
    let mut up_to_date = [usize::MAX; BINS];
    for (x, median) in medians.enumerate() {
        let before = if x == 0 { &NONE } else { &upper[x - 1] };
        coarse.slide(&upper[x + side - 1], before);
        let high = coarse.bins_up_to(below).min(BINS - 1);
        let before = if high == 0 { 0 } else { coarse.counts()[high - 1] };
        let part = &lower[high * columns..(high + 1) * columns];
        let (fine, last) = (&mut fine[high], &mut up_to_date[high]);
        if last.checked_add(radius).is_none_or(|reach| reach < x) {
            *fine = sum(&part[x..x + side]);
        } else {
            for x in *last + 1..=x {
                fine.slide(&part[x + side - 1], &part[x - 1]);
            }
        }
        *last = x;
        let low = fine.bins_up_to(below - before).min(BINS - 1);
        *median = (high * BINS + low) as u8;
    }
}
