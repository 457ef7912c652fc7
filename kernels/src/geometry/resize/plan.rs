//! The plan for resizing a plane from one size to another, and how it makes rows.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrayvec::ArrayVec;

use super::across::{Across, FRACTION, MOST_AT_ONCE};
use super::nearest::Nearest;
use super::taps::{self, Filter, Taps};
use super::{blocks, down};
use crate::geometry::planes::{Band, PlaneRows, PlaneShape, planes};
use crate::scratch::Scratch;
use crate::{Cpu, ScratchBytes, Shape};

/// How one plane is resized.
#[derive(Debug)]
pub(crate) enum Plan {
    /// The plane keeps its size.
    Copy,
    /// Each pixel of the result is one pixel of the input.
    Nearest(Nearest),
    /// Each pixel of the result is the mean of a block of pixels.
    Blocks { across: usize, down: usize },
    /// Both passes of OpenCV's bilinear filter.
    Linear(Passes),
    /// Weighted sums, rounded at the end.
    Convolve(Passes),
}

/// A list with an entry for each row that is made together.
type Few<T> = ArrayVec<T, MOST_AT_ONCE>;

/// One pass along rows, one down columns.
#[derive(Debug)]
pub(crate) struct Passes {
    pub(super) across: Across,
    pub(super) down: Taps,
    /// Rows of the input.
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

    /// The rows of the input that those rows are made of.
    pub(crate) fn reads(&self, rows: Range<usize>) -> Range<usize> {
        let Some(last) = rows.end.checked_sub(1).filter(|last| rows.start <= *last) else {
            return 0..0;
        };
        match self {
            Self::Copy => rows,
            Self::Nearest(nearest) => nearest.row(rows.start)..nearest.row(last) + 1,
            Self::Blocks { down, .. } => rows.start * down..rows.end * down,
            Self::Linear(passes) | Self::Convolve(passes) => {
                passes.row(rows.start, 0)..passes.row(last, passes.down.count - 1) + 1
            }
        }
    }

    /// Makes rows `rows` of the result.
    pub(crate) fn render(
        &self,
        cpu: &Cpu,
        from: PlaneRows<'_>,
        rows: Range<usize>,
        to: &mut Band<'_>,
    ) {
        match self {
            Self::Copy => {
                for (at, y) in cpu.watched(rows, from.plane.samples()).enumerate() {
                    to.row(at).copy_from_slice(from.row(y));
                }
            }
            Self::Nearest(nearest) => nearest.render(cpu, from, rows, to),
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

/// The bytes of memory that resizing takes: the tables for its columns and rows, and the rows of
/// sums that one row of the result is made of.
pub(crate) fn scratch(from: Shape, to: Shape) -> ScratchBytes {
    /// Of each tap of a table: its weight, and what vectors make of it.
    const TAP: usize = 16;
    /// Taps of the widest filter for a result of the same size.
    const TAPS: usize = 6;
    let (wide, high) = (from.size.width(), from.size.height());
    let (across, down) = (to.size.width(), to.size.height());
    let taps = |from: usize, to: usize| TAPS * from.div_ceil(to) + 2;
    let tables = TAP * (taps(wide, across) * across + taps(high, down) * down);
    let rows = taps(high, down).min(high) + MOST_AT_ONCE;
    let ring = 2 * rows * (4 * across + 64);
    let scratch = ScratchBytes::keeping(tables, from, to);
    ScratchBytes { thread: scratch.thread + ring + 8 * from.row_bytes(), ..scratch }
}

/// A whole number, as closely as OpenCV asks for.
fn whole(scale: f64) -> Option<usize> {
    let nearest = scale.round();
    ((scale - nearest).abs() < f64::EPSILON).then_some(nearest as usize)
}

impl Passes {
    /// The row of the input that the row of that number takes as that tap.
    fn row(&self, y: usize, tap: usize) -> usize {
        let first = self.down.first.get(y).copied().unwrap_or(0);
        (first + tap as i32).clamp(0, self.height as i32 - 1) as usize
    }

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
        let at_once = self.across.rows_at_once();
        // Row y of the input is at y modulo the number of rows; some are made before their time.
        let kept = count + at_once - 1;
        let mut ring = Scratch::<i16>::take(cpu.pool(), kept * room);
        let mut starts = Scratch::<u32>::take(cpu.pool(), count);
        let mut memory = Scratch::<i16>::take(cpu.pool(), self.across.memory());
        let (ring, starts, memory) = (ring.as_mut(), starts.as_mut(), memory.as_mut());
        let mut watch = cpu.watch((to.samples() + from.plane.samples()) * at_once);
        let (mut next, end) = (0, self.row(rows.end.saturating_sub(1), count - 1) + 1);
        for (at, y) in rows.enumerate() {
            next = next.max(self.row(y, 0));
            while next <= self.row(y, count - 1) {
                if watch.is_over() {
                    return;
                }
                let group = next..(next + at_once).min(end);
                next = group.end;
                let places = group.clone().map(|row| row % kept * room).collect::<Few<_>>();
                let group = group.map(|row| from.row(row)).collect::<Few<_>>();
                self.across.rows(cpu.level(), &group, memory, ring, &places);
            }
            for (tap, start) in starts.iter_mut().enumerate() {
                *start = (self.row(y, tap) % kept * room) as u32;
            }
            if watch.is_over() {
                return;
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
