//! Quarter turns: columns become rows.
//!
//! Rows of the input are read from left to right and rows of the result written from left to
//! right only within small blocks. These are visited in strips of 64 columns, from one end of the
//! rows of the result to the other: what one block brought into the cache the next ones use.

use std::ops::Range;

use crate::Cpu;
use crate::geometry::planes::{Band, PlaneRows};
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::Level;

/// The direction of a quarter turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The left column becomes the top row.
    Clockwise,
    /// The right column becomes the top row.
    CounterClockwise,
}

impl Turn {
    /// The column that becomes a row of the result.
    fn column(self, y: usize, width: usize) -> usize {
        match self {
            Self::Clockwise => y,
            Self::CounterClockwise => width - 1 - y,
        }
    }

    /// The row that becomes a column of the result.
    fn row(self, x: usize, height: usize) -> usize {
        match self {
            Self::Clockwise => height - 1 - x,
            Self::CounterClockwise => x,
        }
    }
}

/// Columns of the input that are turned before the next ones: a line of the cache of each row if
/// they are grey, and so few that as many rows of the result stay in it while they are filled.
const STRIP: usize = 64;

/// The fewest columns that vectors turn.
const LEAST: usize = 16;

/// An image that is turned.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only vectors read it so"))]
pub(super) struct Source<'a> {
    /// The bytes from the first row on.
    pub(super) data: &'a [u8],
    /// Bytes from row to row.
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Makes those rows of the result.
pub(super) fn render(
    cpu: &Cpu,
    turn: Turn,
    from: PlaneRows<'_>,
    rows: Range<usize>,
    to: &mut Band<'_>,
) {
    match from.plane.channels {
        1 => each::<1>(cpu, turn, from, rows, to),
        3 => each::<3>(cpu, turn, from, rows, to),
        _ => each::<4>(cpu, turn, from, rows, to),
    }
}

/// Turns pixels of `N` bytes.
fn each<const N: usize>(
    cpu: &Cpu,
    turn: Turn,
    from: PlaneRows<'_>,
    rows: Range<usize>,
    to: &mut Band<'_>,
) {
    let (data, stride) = from.data();
    let (width, height) = (from.plane.width, from.plane.height);
    let source = Source { data, stride, width, height };
    // A strip reads whole lines of the cache from every row of the input.
    for top in cpu.watched(rows.clone().step_by(STRIP), STRIP * height) {
        let bottom = (top + STRIP).min(rows.end);
        // A narrow rest is done with some columns before it once more.
        let first = bottom.saturating_sub(LEAST).max(rows.start).min(top);
        let ends = [turn.column(first, width), turn.column(bottom - 1, width)];
        let columns = ends[0].min(ends[1])..ends[0].max(ends[1]) + 1;
        let (place, to_stride) = to.at_row(first - rows.start);
        if !vectors::<N>(cpu.level(), turn, source, columns.clone(), place, to_stride) {
            one_by_one::<N>(turn, from, first..bottom, first - rows.start, to);
        }
    }
}

/// Makes those rows of the result, from that row of the band on.
fn one_by_one<const N: usize>(
    turn: Turn,
    from: PlaneRows<'_>,
    rows: Range<usize>,
    line: usize,
    to: &mut Band<'_>,
) {
    let (width, height) = (from.plane.width, from.plane.height);
    // Rows of the input outside: of a line that was read all pixels are used at once.
    for x in 0..height {
        let source = from.row(turn.row(x, height)).as_chunks::<N>().0;
        for (at, y) in rows.clone().enumerate() {
            let pixels = to.row(line + at).as_chunks_mut::<N>().0;
            if let (Some(to), Some(pixel)) = (pixels.get_mut(x), source.get(turn.column(y, width)))
            {
                *to = *pixel;
            }
        }
    }
}

/// Turns those columns with vectors; they become the rows that start at `to`, `stride` bytes
/// apart. Whether they did: not if there are too few.
#[cfg(not(target_arch = "x86_64"))]
fn vectors<const N: usize>(
    _: Level,
    _: Turn,
    _: Source<'_>,
    _: Range<usize>,
    _: &mut [u8],
    _: usize,
) -> bool {
    false
}

/// Turns those columns with vectors; they become the rows that start at `to`, `stride` bytes
/// apart. Whether they did: not if there are too few.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn vectors<const N: usize>(
    level: Level,
    turn: Turn,
    from: Source<'_>,
    columns: Range<usize>,
    to: &mut [u8],
    stride: usize,
) -> bool {
    use super::x86;
    // Small images are left to the narrower vectors.
    let wide = from.height >= x86::avx2::rows(N);
    match level.instructions() {
        Instructions::Baseline(_) => false,
        // SAFETY: such a level exists only where AVX2 was detected.
        Instructions::Avx2(_) if wide => unsafe {
            x86::avx2::turn::<N>(turn, from, columns, to, stride)
        },
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) if wide => unsafe {
            x86::avx512::turn::<N>(turn, from, columns, to, stride)
        },
        // SAFETY: every other level implies SSE4.1.
        _ => unsafe { x86::sse41::turn::<N>(turn, from, columns, to, stride) },
    }
}
