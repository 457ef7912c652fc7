//! Sums of products along a row.

#![allow(clippy::indexing_slicing, reason = "all slices of a loop are cut to one length before")]

use crate::simd::Level;
use crate::simd::simd_levels;

/// Products that are added at a time.
const GROUP: usize = 5;

/// A sum, of products of samples with weights.
pub(super) trait Sum<Sample>: Copy + Default {
    /// The type of the weights.
    type Weight: Copy + Default;

    /// Adds to each sum the products of samples and weights. There is one slice of samples for each
    /// weight.
    fn add(level: Level, samples: &[&[Sample]], weights: &[Self::Weight], sums: &mut [Self]);
}

macro_rules! sums {
    ($sum:ty, $sample:ty, $weight:ty, |$total:ident, $value:ident, $by:ident| $next:expr) => {
        impl Sum<$sample> for $sum {
            type Weight = $weight;

            fn add(level: Level, samples: &[&[$sample]], weights: &[$weight], sums: &mut [Self]) {
                simd_levels! {
                    fn group(samples: &[&[$sample]], weights: &[$weight], sums: &mut [$sum]) {
                        #[inline(always)]
                        fn some<const N: usize>(
                            samples: &[&[$sample]],
                            weights: &[$weight],
                            sums: &mut [$sum],
                        ) {
                            let (Some(samples), Some(weights)) =
                                (samples.first_chunk::<N>(), weights.first_chunk::<N>())
                            else {
                                return;
                            };
                            let samples = samples.map(|samples| &samples[..sums.len()]);
                            for (at, sum) in sums.iter_mut().enumerate() {
                                let mut $total = *sum;
                                for tap in 0..N {
                                    let ($value, $by) = (samples[tap][at], weights[tap]);
                                    $total = $next;
                                }
                                *sum = $total;
                            }
                        }
                        match samples.len() {
                            0 => {}
                            1 => some::<1>(samples, weights, sums),
                            2 => some::<2>(samples, weights, sums),
                            3 => some::<3>(samples, weights, sums),
                            4 => some::<4>(samples, weights, sums),
                            _ => some::<GROUP>(samples, weights, sums),
                        }
                    }
                }
                for (samples, weights) in samples.chunks(GROUP).zip(weights.chunks(GROUP)) {
                    group(level, samples, weights, sums);
                }
            }
        }
    };
}
// None of them overflows: the plan for the kernel sees to that.
sums!(i16, u8, i16, |sum, value, weight| sum.wrapping_add(i16::from(value).wrapping_mul(weight)));
sums!(i16, i16, i16, |sum, value, weight| sum.wrapping_add(value.wrapping_mul(weight)));
sums!(i32, u8, i32, |sum, value, weight| sum + i32::from(value) * weight);
sums!(i32, i16, i16, |sum, value, weight| sum + i32::from(value) * i32::from(weight));
sums!(f32, u8, f32, |sum, value, weight| sum + f32::from(value) * weight);

/// How a sum becomes a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Finish {
    /// A whole number is added.
    Exact(i32),
    /// It is multiplied, then something is added, then it is rounded to nearest, halves to even.
    Scaled(f32, f32),
}

/// Sums that become samples.
pub(super) trait Finished: Sized {
    /// Turns sums into samples.
    fn finish(level: Level, sums: &[Self], finish: Finish, output: &mut [u8]);
}

macro_rules! finished {
    ($sum:ty, |$value:ident, $offset:ident| $exact:expr, |$of:ident| $float:expr) => {
        impl Finished for $sum {
            fn finish(level: Level, sums: &[Self], finish: Finish, output: &mut [u8]) {
                simd_levels! {
                    fn exact(sums: &[$sum], $offset: i32, output: &mut [u8]) {
                        for ($value, to) in sums.iter().copied().zip(output) {
                            *to = $exact;
                        }
                    }
                }
                simd_levels! {
                    fn scaled(sums: &[$sum], scale: f32, offset: f32, output: &mut [u8]) {
                        for ($of, to) in sums.iter().copied().zip(output) {
                            *to = round($float * scale + offset);
                        }
                    }
                }
                match finish {
                    Finish::Exact(offset) => exact(level, sums, offset, output),
                    Finish::Scaled(scale, offset) => scaled(level, sums, scale, offset, output),
                }
            }
        }
    };
}
finished!(i16, |sum, offset| sum.saturating_add(offset as i16).clamp(0, 255) as u8, |sum| {
    f32::from(sum)
});
finished!(i32, |sum, offset| (sum + offset).clamp(0, 255) as u8, |sum| sum as f32);
finished!(f32, |sum, offset| round(sum + offset as f32), |sum| sum);

/// Rounds to the nearest sample, halves to even.
#[inline(always)]
fn round(value: f32) -> u8 {
    // So large that the last bit of the sum counts ones.
    const ONES: f32 = 8_388_608.0;
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < 255.0 { value } else { 255.0 };
    (value + ONES).to_bits() as u8
}
