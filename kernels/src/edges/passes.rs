//! Derivatives of one row: down the columns into rows of sums, then along those.
//!
//! Sums down the columns fit 16 bits for every kernel, and so do derivatives of up to five taps;
//! those of seven take 32.

#![allow(clippy::indexing_slicing, reason = "all slices of a loop are cut to one length before")]

use super::kernels::{self, Kernels, Taps, with_taps};
use crate::Cut;
use crate::simd::Level;
use crate::simd::simd_levels;

/// How a sample of the result is computed from the derivatives along `x` and along `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combine {
    /// The result is |x|.
    X,
    /// The result is |y|.
    Y,
    /// The result is |x| + |y|.
    Sum,
    /// The result is √(x² + y²).
    Root,
    /// The result is |x + y|.
    Total,
}

impl Combine {
    /// The number of this variant in the CUDA sources.
    pub(super) const fn code(self) -> i32 {
        match self {
            Self::X => 0,
            Self::Y => 1,
            Self::Sum => 2,
            Self::Root => 3,
            Self::Total => 4,
        }
    }
}

/// Both sums down the columns, or the one whose row is not empty. There are as many rows as the
/// kernels have taps.
pub(super) fn vertical(
    level: Level,
    kernels: Kernels,
    rows: &[&[u8]],
    smooth: &mut [i16],
    derive: &mut [i16],
) {
    with_taps!(kernels, T => T::columns(level, rows, smooth, derive));
}

/// Samples of the result from both sums, which have margins as wide as the kernels reach. One that
/// is not needed may be empty.
pub(super) fn horizontal(
    level: Level,
    kernels: Kernels,
    sums: (&[i16], &[i16]),
    channels: usize,
    how: (Combine, f32),
    output: &mut [u8],
) {
    with_taps!(kernels, T => T::samples(level, sums, channels, how, output));
}

/// Like [`horizontal`] with [`Combine::Root`], for a threshold, given with the least sum of squares
/// that reaches it.
pub(super) fn squares(
    level: Level,
    kernels: Kernels,
    sums: (&[i16], &[i16]),
    channels: usize,
    cut: (f32, Cut),
    output: &mut [u8],
) {
    with_taps!(kernels, T => T::squares(level, sums, channels, cut, output));
}

/// The least sum of squares whose root, scaled and rounded, is that sample or a higher one;
/// infinite if there is none. Roots grow with their squares, and so do the bits of a float.
pub(super) fn least_square(sample: u8, scale: f32) -> f32 {
    let (mut below, mut from) = (0, f32::INFINITY.to_bits());
    while below < from {
        let middle = below + (from - below) / 2;
        if round(f32::from_bits(middle).sqrt() * scale) < sample {
            below = middle + 1;
        } else {
            from = middle;
        }
    }
    f32::from_bits(from)
}

/// Computes the derivatives from both sums. Those of seven taps are divided by 16 and rounded to
/// nearest, halves to even.
pub(super) fn gradient(
    level: Level,
    kernels: Kernels,
    sums: (&[i16], &[i16]),
    channels: usize,
    xy: (&mut [i16], &mut [i16]),
) {
    with_taps!(kernels, T => T::derivatives(level, sums, channels, xy));
}

/// Functions for one pair of kernels each. The loops of several in one function are what the
/// compiler merges, where they are the same, and then fails to vectorise.
pub(super) trait Passes {
    fn columns(level: Level, rows: &[&[u8]], smooth: &mut [i16], derive: &mut [i16]);
    fn samples(
        level: Level,
        sums: (&[i16], &[i16]),
        channels: usize,
        how: (Combine, f32),
        output: &mut [u8],
    );
    fn squares(
        level: Level,
        sums: (&[i16], &[i16]),
        channels: usize,
        cut: (f32, Cut),
        output: &mut [u8],
    );
    fn derivatives(
        level: Level,
        sums: (&[i16], &[i16]),
        channels: usize,
        xy: (&mut [i16], &mut [i16]),
    );
}

macro_rules! passes {
    ($($name:ident $taps:literal)*) => { $(
        impl Passes for kernels::$name {
            fn columns(level: Level, rows: &[&[u8]], smooth: &mut [i16], derive: &mut [i16]) {
                simd_levels! {
                    fn each(rows: &[&[u8]], smooth: &mut [i16], derive: &mut [i16]) {
                        columns::<kernels::$name, $taps>(rows, smooth, derive);
                    }
                }
                each(level, rows, smooth, derive);
            }

            fn samples(
                level: Level,
                sums: (&[i16], &[i16]),
                channels: usize,
                how: (Combine, f32),
                output: &mut [u8],
            ) {
                simd_levels! {
                    fn each(
                        sums: (&[i16], &[i16]),
                        channels: usize,
                        how: (Combine, f32),
                        output: &mut [u8],
                    ) {
                        samples::<kernels::$name, $taps>(sums, channels, how, output);
                    }
                }
                each(level, sums, channels, how, output);
            }

            fn squares(
                level: Level,
                sums: (&[i16], &[i16]),
                channels: usize,
                cut: (f32, Cut),
                output: &mut [u8],
            ) {
                simd_levels! {
                    fn each(
                        sums: (&[i16], &[i16]),
                        channels: usize,
                        cut: (f32, Cut),
                        output: &mut [u8],
                    ) {
                        cut_squares::<kernels::$name, $taps>(sums, channels, cut, output);
                    }
                }
                each(level, sums, channels, cut, output);
            }

            fn derivatives(
                level: Level,
                sums: (&[i16], &[i16]),
                channels: usize,
                xy: (&mut [i16], &mut [i16]),
            ) {
                simd_levels! {
                    fn each(
                        sums: (&[i16], &[i16]),
                        channels: usize,
                        xy: (&mut [i16], &mut [i16]),
                    ) {
                        derivatives::<kernels::$name, $taps>(sums, channels, xy);
                    }
                }
                each(level, sums, channels, xy);
            }
        }
    )* };
}
passes! {
    Sobel1 3
    Sobel3 3
    Sobel5 5
    Sobel7 7
    Scharr 3
    Laplacian1 3
    Laplacian3 3
    Laplacian5 5
    Laplacian7 7
}

#[inline(always)]
fn columns<T: Taps<N>, const N: usize>(rows: &[&[u8]], smooth: &mut [i16], derive: &mut [i16]) {
    let Some(rows) = rows.first_chunk::<N>() else { return };
    // One of them may be empty.
    let len = smooth.len().max(derive.len());
    let rows = rows.map(|row| &row[..len]);
    let smooth = if smooth.is_empty() { smooth } else { &mut smooth[..len] };
    let derive = if derive.is_empty() { derive } else { &mut derive[..len] };
    // With more rows to check for overlaps, the compiler does not vectorise a loop for both.
    if N == 3 && !smooth.is_empty() && !derive.is_empty() {
        for (at, (smooth, derive)) in smooth.iter_mut().zip(derive).enumerate() {
            *smooth = weigh(rows, at, T::SMOOTH);
            *derive = weigh(rows, at, T::DERIVE);
        }
        return;
    }
    for (at, to) in smooth.iter_mut().enumerate() {
        *to = weigh(rows, at, T::SMOOTH);
    }
    for (at, to) in derive.iter_mut().enumerate() {
        *to = weigh(rows, at, T::DERIVE);
    }
}

#[inline(always)]
fn weigh<const N: usize>(rows: [&[u8]; N], at: usize, taps: [i16; N]) -> i16 {
    let mut sum = 0;
    for (row, tap) in rows.into_iter().zip(taps) {
        sum += i16::from(row[at]) * tap;
    }
    sum
}

/// Samples that are made at a time: the compiler vectorises loops of known length into memory of
/// their own, whatever else there is.
const BLOCK: usize = 64;

/// A block of what lies under each tap.
type Under<'a, const N: usize> = [&'a [i16; BLOCK]; N];

/// Makes each position of `output` by what lies under the taps there, which are `channels` apart:
/// in the smoothed sums and in the differences. One of them may be empty if it is not looked at.
#[inline(always)]
fn blocks<'a, T: Copy + Default, const N: usize>(
    (smooth, derive): (&'a [i16], &'a [i16]),
    channels: usize,
    output: &mut [T],
    each: impl Fn(&Under<'_, N>, &Under<'_, N>, usize) -> T,
) {
    let len = output.len();
    if len < BLOCK {
        let copy = |sums: &[i16], tap: usize| {
            let mut copy = [0; BLOCK];
            let from = sums.get(tap * channels..).unwrap_or_default();
            copy.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            copy
        };
        let smooth: [_; N] = std::array::from_fn(|tap| copy(smooth, tap));
        let derive: [_; N] = std::array::from_fn(|tap| copy(derive, tap));
        let (smooth, derive) = (smooth.each_ref(), derive.each_ref());
        output.iter_mut().enumerate().for_each(|(at, to)| *to = each(&smooth, &derive, at));
        return;
    }
    let mut at = 0;
    while at < len {
        let mut block = [T::default(); BLOCK];
        // The last one begins earlier.
        at = at.min(len - BLOCK);
        let under = |sums: &'a [i16], tap: usize| {
            let from = sums.get(at + tap * channels..).unwrap_or_default();
            from.first_chunk().unwrap_or(&[0; BLOCK])
        };
        let smooth = std::array::from_fn(|tap| under(smooth, tap));
        let derive = std::array::from_fn(|tap| under(derive, tap));
        for (at, to) in block.iter_mut().enumerate() {
            *to = each(&smooth, &derive, at);
        }
        output[at..at + BLOCK].copy_from_slice(&block);
        at += BLOCK;
    }
}

#[inline(always)]
fn narrow<const N: usize>(sums: &Under<'_, N>, at: usize, taps: [i16; N]) -> i16 {
    let mut sum = 0_i16;
    for (sums, tap) in sums.iter().zip(taps) {
        sum = sum.wrapping_add(sums[at].wrapping_mul(tap));
    }
    sum
}

#[inline(always)]
fn wide<const N: usize>(sums: &Under<'_, N>, at: usize, taps: [i16; N]) -> i32 {
    if N < 7 {
        return i32::from(narrow(sums, at, taps));
    }
    let mut sum = 0;
    for (sums, tap) in sums.iter().zip(taps) {
        sum += i32::from(sums[at]) * i32::from(tap);
    }
    sum
}

#[inline(always)]
fn samples<T: Taps<N>, const N: usize>(
    sums: (&[i16], &[i16]),
    channels: usize,
    (combine, scale): (Combine, f32),
    output: &mut [u8],
) {
    if N < 7 && scale == 1.0 {
        let x = |smooth: &Under<'_, N>, at| narrow(smooth, at, T::DERIVE);
        let y = |derive: &Under<'_, N>, at| narrow(derive, at, T::SMOOTH);
        let sample = |value: u16| value.min(255) as u8;
        return match combine {
            Combine::X => {
                blocks(sums, channels, output, |s, _, at| sample(x(s, at).unsigned_abs()));
            }
            Combine::Y => {
                blocks(sums, channels, output, |_, d, at| sample(y(d, at).unsigned_abs()));
            }
            Combine::Sum => blocks(sums, channels, output, |s, d, at| {
                sample(x(s, at).unsigned_abs() + y(d, at).unsigned_abs())
            }),
            Combine::Total => blocks(sums, channels, output, |s, d, at| {
                sample(x(s, at).wrapping_add(y(d, at)).unsigned_abs())
            }),
            Combine::Root => blocks(sums, channels, output, |s, d, at| {
                let (x, y) = (f32::from(x(s, at)), f32::from(y(d, at)));
                round((x * x + y * y).sqrt())
            }),
        };
    }
    let x = |smooth: &Under<'_, N>, at| wide(smooth, at, T::DERIVE);
    let y = |derive: &Under<'_, N>, at| wide(derive, at, T::SMOOTH);
    let sample = |value: i32| round(value.abs() as f32 * scale);
    match combine {
        Combine::X => blocks(sums, channels, output, |s, _, at| sample(x(s, at))),
        Combine::Y => blocks(sums, channels, output, |_, d, at| sample(y(d, at))),
        Combine::Sum => {
            blocks(sums, channels, output, |s, d, at| sample(x(s, at).abs() + y(d, at).abs()))
        }
        Combine::Total => {
            blocks(sums, channels, output, |s, d, at| sample(x(s, at) + y(d, at)));
        }
        Combine::Root => blocks(sums, channels, output, |s, d, at| {
            let (x, y) = (x(s, at) as f32, y(d, at) as f32);
            round((x * x + y * y).sqrt() * scale)
        }),
    }
}

#[inline(always)]
fn cut_squares<T: Taps<N>, const N: usize>(
    sums: (&[i16], &[i16]),
    channels: usize,
    (square, Cut { below, others, .. }): (f32, Cut),
    output: &mut [u8],
) {
    // A derivative of 255 or more is above the cut whatever the other one is, and so is a sum of
    // squares beyond 16 bits: with both cut off there, those are enough. A grey 640×480 takes 25 µs,
    // in 32 bits 39.
    const MOST: u16 = 255;
    if N < 7 && square <= f32::from(MOST * MOST) {
        let square = square.ceil() as u16;
        let squared = |value: i16| value.unsigned_abs().min(MOST).pow(2);
        return blocks(sums, channels, output, |s, d, at| {
            let (x, y) = (narrow(s, at, T::DERIVE), narrow(d, at, T::SMOOTH));
            if squared(x).saturating_add(squared(y)) < square { below } else { others }
        });
    }
    blocks(sums, channels, output, |s, d, at| {
        let (x, y) = (wide(s, at, T::DERIVE) as f32, wide(d, at, T::SMOOTH) as f32);
        if x * x + y * y < square { below } else { others }
    });
}

/// Rounds a number that is not negative to the nearest sample, halves to even.
#[inline(always)]
fn round(value: f32) -> u8 {
    // So large that the last bit of the sum counts ones.
    const ONES: f32 = 8_388_608.0;
    let value = if value < 255.0 { value } else { 255.0 };
    (value + ONES).to_bits() as u8
}

#[inline(always)]
fn derivatives<T: Taps<N>, const N: usize>(
    sums: (&[i16], &[i16]),
    channels: usize,
    (x, y): (&mut [i16], &mut [i16]),
) {
    let of = |sums: &Under<'_, N>, at, taps| match N < 7 {
        true => narrow(sums, at, taps),
        false => sixteenth(wide(sums, at, taps)),
    };
    blocks(sums, channels, x, |smooth, _, at| of(smooth, at, T::DERIVE));
    blocks(sums, channels, y, |_, derive, at| of(derive, at, T::SMOOTH));
}

#[inline(always)]
fn sixteenth(value: i32) -> i16 {
    ((value + 7 + (value >> 4 & 1)) >> 4) as i16
}
