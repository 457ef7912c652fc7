//! Sliding histograms, so that the time does not depend on the size of the square.
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

#[cfg(target_arch = "x86_64")]
use super::counts::Avx2;
use super::counts::{BINS, Baseline, Column, NONE, ONE, Square, exchange};
use crate::scratch::Scratch;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::Level;
use crate::{Cpu, Window};

/// Pixels of a stripe: the histograms of its columns should stay in a cache, but each stripe also
/// has those on both sides of it. For small squares it is the first-level cache, for others the
/// second. All stripes of an image are about as wide.
fn stripe_width(radius: usize, width: usize) -> usize {
    let most = if radius <= 6 { 128 } else { (4 * radius).max(512) };
    width.div_ceil(((width + most / 2) / most).max(1))
}

/// Makes rows `rows` of the image of medians.
pub(super) fn render(
    cpu: &Cpu,
    radius: usize,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let width = input.width();
    let stripe_width = stripe_width(radius, width);
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
            let stripe = Stripe { pixels, radius, channel, places, rows: rows.clone(), cpu };
            if cpu.is_interrupted() {
                return;
            }
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
    cpu: &'a Cpu,
}

#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn run(
    level: Level,
    stripe: &Stripe<'_>,
    input: &Window<'_>,
    upper: &mut [Column],
    lower: &mut [Column],
    output: &mut [u8],
) {
    match level.instructions() {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2(_) | Instructions::Avx512(_) => {
            // SAFETY: such levels exist only where AVX2 was detected, as a CPU with AVX-512 has it.
            unsafe { run_with_avx2(stripe, input, upper, lower, output) }
        }
        _ => run_with(Baseline::none(), stripe, input, upper, lower, output),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_with_avx2(
    stripe: &Stripe<'_>,
    input: &Window<'_>,
    upper: &mut [Column],
    lower: &mut [Column],
    output: &mut [u8],
) {
    run_with(Avx2::none(), stripe, input, upper, lower, output);
}

#[inline(always)]
fn run_with<S: Square>(
    none: S,
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
    let rows = stripe.cpu.watched(stripe.rows.clone(), stripe.pixels.len());
    for (y, output) in rows.zip(output.chunks_exact_mut(row_bytes)) {
        let at = y as isize;
        if y == stripe.rows.start {
            for y in at - radius..=at + radius {
                add_row(stripe.places, input.row(y.clamp(0, bottom) as usize), upper, lower);
            }
        } else {
            let entering = input.row((at + radius).min(bottom) as usize);
            let leaving = input.row((at - radius - 1).max(0) as usize);
            slide_down(stripe.places, [entering, leaving], upper, lower);
        }
        let start = stripe.pixels.start * channels + stripe.channel;
        let output = output.get_mut(start..).unwrap_or_default();
        let medians = output.iter_mut().step_by(channels).take(stripe.pixels.len());
        slide_along(none, stripe.radius, upper, lower, medians);
    }
}

#[inline(always)]
fn add_row(places: &[u32], row: &[u8], upper: &mut [Column], lower: &mut [Column]) {
    let columns = upper.len();
    for (column, (place, upper)) in places.iter().zip(upper).enumerate() {
        let new = row[*place as usize];
        let (high, low) = (usize::from(new >> 4), usize::from(new & 15));
        exchange(upper, &ONE[high], &NONE);
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
    for (column, (place, upper)) in places.iter().zip(upper).enumerate() {
        let (new, old) = (entering[*place as usize], leaving[*place as usize]);
        let (high, low) = (usize::from(new >> 4), usize::from(new & 15));
        let (old_high, old_low) = (usize::from(old >> 4), usize::from(old & 15));
        exchange(upper, &ONE[high], &ONE[old_high]);
        exchange(&mut lower[high * columns + column], &ONE[low], &NONE);
        exchange(&mut lower[old_high * columns + column], &NONE, &ONE[old_low]);
    }
}

#[inline(always)]
fn sum<S: Square>(none: S, columns: &[Column]) -> S {
    let mut square = none;
    columns.iter().for_each(|column| square.slide(column, &NONE));
    square
}

/// The medians of a row.
#[inline(always)]
fn slide_along<'a, S: Square>(
    none: S,
    radius: usize,
    upper: &[Column],
    lower: &[Column],
    medians: impl Iterator<Item = &'a mut u8>,
) {
    let (columns, side) = (upper.len(), 2 * radius + 1);
    // As many samples of the square are below the median.
    let below = (side * side / 2) as u16;
    let mut coarse = sum(none, &upper[..side - 1]);
    let mut fine = [none; BINS];
    // Where the square will be next when that part of its histogram was brought up to date.
    let mut up_to_date = [0; BINS];
    let mut leaving = &NONE;
    for (x, ((median, new), old)) in medians.zip(&upper[side - 1..]).zip(upper).enumerate() {
        coarse.slide(new, leaving);
        leaving = old;
        let high = coarse.bins_up_to(below).min(BINS - 1);
        let part = &lower[high * columns..(high + 1) * columns];
        let (fine, next) = (&mut fine[high], &mut up_to_date[high]);
        if *next == x && x > 0 {
            // Most often: worth its own lines, as there is no loop whose end has to be guessed.
            fine.slide(&part[x + side - 1], &part[x - 1]);
        } else if *next == 0 || *next + radius <= x {
            *fine = sum(none, &part[x..x + side]);
        } else {
            for x in *next..=x {
                fine.slide(&part[x + side - 1], &part[x - 1]);
            }
        }
        *next = x + 1;
        let low = fine.bins_up_to(below - coarse.before(high)).min(BINS - 1);
        *median = (high * BINS + low) as u8;
    }
}
