//! What is prepared for a plane of some size, and how its rows are made.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrayvec::ArrayVec;

use super::across::{Across, FRACTION};
use super::nearest::Nearest;
use super::taps::{self, Filter, Taps};
use super::{blocks, down};
use crate::geometry::planes::{Band, PlaneRows, PlaneShape, planes};
use crate::scratch::Scratch;
use crate::{Cpu, Shape};

/// For one plane.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Nothing to compute.
    Copy,
    /// One pixel each.
    Nearest(Nearest),
    /// Means of so many pixels across and down.
    Blocks { across: usize, down: usize },
    /// OpenCV's bilinear filter.
    Linear(Passes),
    /// Weighted sums, rounded at the end.
    Convolve(Passes),
}

/// One pass along rows, one down columns.
#[derive(Debug)]
pub(crate) struct Passes {
    pub(super) across: Across,
    pub(super) down: Taps,
    /// Of the input.
    pub(super) height: usize,
}

impl Plan {
    pub(crate) fn new(filter: Filter, from: PlaneShape, to: PlaneShape) -> Self {
        let (channels, width, height) = (from.channels, from.width, from.height);
        if (width, height) == (to.width, to.height) {
            return Self::Copy;
        }
        let scales = (taps::scale(width, to.width), taps::scale(height, to.height));
        let linear = |of: fn(usize, usize) -> Taps| {
            let across = Across::cut_off(of(width, to.width), channels, width);
            Self::Linear(Passes { across, down: of(height, to.height), height })
        };
        let convolve = |of: fn(usize, usize) -> Taps| {
            let across = Across::rounded(of(width, to.width), channels, width);
            let down = of(height, to.height).within(height);
            Self::Convolve(Passes { across, down, height })
        };
        match filter {
            Filter::Nearest => {
                let (x, y) = (taps::nearest(width, to.width), taps::nearest(height, to.height));
                Self::Nearest(Nearest::new(x, y, channels, width))
            }
            // OpenCV does the same.
            Filter::Bilinear if scales == (2.0, 2.0) => Self::Blocks { across: 2, down: 2 },
            Filter::Bilinear => linear(Taps::linear),
            Filter::Bicubic => convolve(Taps::cubic),
            Filter::Lanczos3 => convolve(Taps::lanczos3),
            Filter::Area if scales.0 < 1.0 || scales.1 < 1.0 => linear(Taps::linear_of_area),
            Filter::Area => match (whole(scales.0), whole(scales.1)) {
                (Some(across), Some(down)) => Self::Blocks { across, down },
                _ => convolve(Taps::area),
            },
        }
    }

    /// Makes those rows.
    pub(crate) fn render(
        &self,
        cpu: &Cpu,
        from: PlaneRows<'_>,
        rows: Range<usize>,
        to: &mut Band<'_>,
    ) {
        match self {
            Self::Copy => {
                for (at, y) in rows.enumerate() {
                    to.row(at).copy_from_slice(from.row(y));
                }
            }
            Self::Nearest(nearest) => nearest.render(cpu.level(), from, rows, to),
            Self::Blocks { across, down } => {
                blocks::render(cpu, (*across, *down), from, rows, to);
            }
            Self::Linear(passes) => passes.render(cpu, from, rows, to, |starts, y, ring, to| {
                let weights = passes.down.weights.as_chunks::<2>().0.get(y).copied();
                let starts = starts.first_chunk::<2>().copied();
                let (starts, weights) = (starts.unwrap_or_default(), weights.unwrap_or_default());
                down::linear(cpu.level(), ring, starts, weights, to);
            }),
            Self::Convolve(passes) => passes.render(cpu, from, rows, to, |starts, y, ring, to| {
                let (down, count) = (&passes.down, passes.down.count);
                let weights = down.weights.get(y * count..(y + 1) * count).unwrap_or_default();
                let bits = down.bits + FRACTION;
                down::convolve(cpu.level(), ring, starts, weights, bits, to);
            }),
        }
    }
}

/// A whole number, as closely as OpenCV asks for.
fn whole(scale: f64) -> Option<usize> {
    let nearest = scale.round();
    ((scale - nearest).abs() < f64::EPSILON).then_some(nearest as usize)
}

impl Passes {
    /// Calls `finish` for each row: with the starts of the rows of sums that it is made of, its
    /// number, all rows of sums that there are, and the row to write.
    fn render(
        &self,
        cpu: &Cpu,
        from: PlaneRows<'_>,
        rows: Range<usize>,
        to: &mut Band<'_>,
        finish: impl Fn(&[u32], usize, &[i16], &mut [u8]),
    ) {
        let (count, room) = (self.down.count, self.across.room());
        let last = self.height as i32 - 1;
        // Row y of the input is at y modulo the number of rows.
        let mut ring = Scratch::<i16>::take(cpu.pool(), count * room);
        let mut starts = Scratch::<u32>::take(cpu.pool(), count);
        let (ring, starts) = (ring.as_mut(), starts.as_mut());
        let mut next = 0;
        for (at, y) in rows.enumerate() {
            let first = self.down.first.get(y).copied().unwrap_or(0);
            let inside = |tap: usize| (first + tap as i32).clamp(0, last) as usize;
            for row in inside(0).max(next)..=inside(count - 1) {
                let start = row % count * room;
                let sums = ring.get_mut(start..start + room).unwrap_or_default();
                self.across.row(cpu.level(), from.row(row), sums);
                next = row + 1;
            }
            for (tap, start) in starts.iter_mut().enumerate() {
                *start = (inside(tap) % count * room) as u32;
            }
            finish(starts, y, ring, to.row(at));
        }
    }
}

/// The plans for the planes of an image.
pub(crate) type Plans = ArrayVec<Plan, 2>;

/// The plans for the last shape that was seen: frames of a stream have one.
#[derive(Debug, Default)]
pub(crate) struct Prepared(Mutex<Option<(Shape, Shape, Arc<Plans>)>>);

impl Prepared {
    pub(crate) fn plans(&self, filter: Filter, input: Shape, output: Shape) -> Arc<Plans> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, to, plans)) = &*last
            && (*from, *to) == (input, output)
        {
            return Arc::clone(plans);
        }
        let pairs = planes(input).into_iter().zip(planes(output));
        let plans = Arc::new(pairs.map(|(from, to)| Plan::new(filter, from, to)).collect());
        *last = Some((input, output, Arc::clone(&plans)));
        plans
    }
}
