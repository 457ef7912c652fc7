//! The gradients of one row along both axes, and how steep they are.

#![allow(clippy::indexing_slicing, reason = "all slices of a loop are cut to one length before")]

use crate::edges::derivative::Sums;
use crate::edges::kernels::Kernels;
use crate::edges::passes::{self, Combine};
use crate::scratch::{Plain, Scratch};
use crate::simd::Level;
use crate::simd::simd_levels;
use crate::{Cpu, Window};

/// How steep a gradient is: `i16` for |x| + |y|, `i32` for x² + y².
pub(super) trait Steepness: Plain + Default + Ord {
    /// The value for one gradient.
    fn of(x: i16, y: i16) -> Self;

    /// The values for all gradients of a row.
    fn all(level: Level, x: &[i16], y: &[i16], to: &mut [Self]);

    /// Of the steepest sample of each pixel, which `x` and `y` then are, too.
    fn steepest(level: Level, pixels: Samples<'_>, to: &mut [Self], x: &mut [i16], y: &mut [i16]);
}

/// The gradients of the samples of some pixels: along `x`, along `y`, and how many a pixel has.
pub(super) type Samples<'a> = (&'a [i16], &'a [i16], usize);

macro_rules! steepness {
    ($type:ty, |$x:ident, $y:ident| $of:expr) => {
        impl Steepness for $type {
            #[inline(always)]
            fn of($x: i16, $y: i16) -> Self {
                $of
            }

            fn all(level: Level, x: &[i16], y: &[i16], to: &mut [Self]) {
                simd_levels! {
                    fn each(x: &[i16], y: &[i16], to: &mut [$type]) {
                        to.iter_mut().zip(x).zip(y).for_each(|((to, x), y)| *to = <$type>::of(*x, *y));
                    }
                }
                each(level, x, y, to);
            }

            fn steepest(
                level: Level,
                samples: Samples<'_>,
                to: &mut [Self],
                x: &mut [i16],
                y: &mut [i16],
            ) {
                simd_levels! {
                    fn each(
                        samples: Samples<'_>,
                        to: &mut [$type],
                        x: &mut [i16],
                        y: &mut [i16],
                    ) {
                        match samples.2 {
                            3 => choose::<_, 3>(samples, to, x, y),
                            _ => choose::<_, 4>(samples, to, x, y),
                        }
                    }
                }
                each(level, samples, to, x, y);
            }
        }
    };
}
steepness!(i16, |x, y| (x.unsigned_abs() + y.unsigned_abs()).cast_signed());
steepness!(i32, |x, y| i32::from(x) * i32::from(x) + i32::from(y) * i32::from(y));

/// The first of the steepest of red, green and blue.
#[inline(always)]
fn choose<S: Steepness, const CHANNELS: usize>(
    (all_x, all_y, _): Samples<'_>,
    to: &mut [S],
    x: &mut [i16],
    y: &mut [i16],
) {
    let (all_x, _) = all_x.as_chunks::<CHANNELS>();
    let (all_y, _) = all_y.as_chunks::<CHANNELS>();
    let all = all_x.iter().zip(all_y);
    for (((to, x), y), (xs, ys)) in to.iter_mut().zip(x).zip(y).zip(all) {
        let mut best = (S::of(xs[0], ys[0]), xs[0], ys[0]);
        for channel in 1..3 {
            let (x, y) = (xs[channel], ys[channel]);
            let steep = S::of(x, y);
            best = if steep > best.0 { (steep, x, y) } else { best };
        }
        (*to, *x, *y) = best;
    }
}

/// The gradient of the last three rows.
pub(super) struct Gradients<S> {
    kernels: Kernels,
    width: usize,
    sums: Sums,
    /// Of all samples of a pixel, where it has several.
    samples: [Scratch<i16>; 2],
    x: [Scratch<i16>; 3],
    y: [Scratch<i16>; 3],
    /// With one pixel at both ends that is flat.
    steepness: [Scratch<S>; 3],
}

impl<S: Steepness> Gradients<S> {
    pub(super) fn take(cpu: &Cpu, kernels: Kernels, input: &Window<'_>) -> Self {
        let (pool, width) = (cpu.pool(), input.width());
        let several = if input.channels() > 1 { input.shape().row_bytes() } else { 0 };
        let mut steepness: [Scratch<S>; 3] =
            std::array::from_fn(|_| Scratch::take(pool, width + 2));
        steepness.iter_mut().for_each(|row| row.as_mut().fill(S::default()));
        Self {
            kernels,
            width,
            sums: Sums::take(cpu, kernels, input, crate::border::Border::Replicate),
            samples: std::array::from_fn(|_| Scratch::take(pool, several)),
            x: std::array::from_fn(|_| Scratch::take(pool, width)),
            y: std::array::from_fn(|_| Scratch::take(pool, width)),
            steepness,
        }
    }

    /// Makes that of a row, which replaces the one three rows above; beyond the image it is flat.
    pub(super) fn make(&mut self, level: Level, input: &Window<'_>, y: Option<usize>, slot: usize) {
        let width = self.width;
        let steep = &mut self.steepness[slot % 3].as_mut()[1..=width];
        let Some(y) = y.filter(|y| *y < input.height()) else {
            return steep.fill(S::default());
        };
        let channels = input.channels();
        let sums = self.sums.of_row(level, input, y, Combine::Root);
        let (to_x, to_y) = (self.x[slot % 3].as_mut(), self.y[slot % 3].as_mut());
        if channels == 1 {
            passes::gradient(level, self.kernels, sums, channels, (&mut *to_x, &mut *to_y));
            return S::all(level, to_x, to_y, steep);
        }
        let [x, y] = &mut self.samples;
        let (x, y) = (x.as_mut(), y.as_mut());
        passes::gradient(level, self.kernels, sums, channels, (&mut *x, &mut *y));
        S::steepest(level, (x, y, channels), steep, to_x, to_y);
    }

    /// Along both axes, of the row in that slot.
    pub(super) fn along_axes(&self, slot: usize) -> (&[i16], &[i16]) {
        (self.x[slot % 3].as_slice(), self.y[slot % 3].as_slice())
    }

    /// How steep it is in that slot, with one pixel more at both ends.
    pub(super) fn steepness(&self, slot: usize) -> &[S] {
        self.steepness[slot % 3].as_slice()
    }
}
