//! Quarter turns: columns become rows.
//!
//! Rows of the input are read from left to right and rows of the result written from left to
//! right only within small blocks; these are visited so that what one of them brought into the
//! cache the next ones use.

use std::ops::Range;

use crate::geometry::planes::{Band, PlaneRows};
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::Level;

/// Which way.
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

/// Makes those rows of the result.
pub(super) fn render(
    level: Level,
    turn: Turn,
    from: PlaneRows<'_>,
    rows: Range<usize>,
    to: &mut Band<'_>,
) {
    match from.plane.channels {
        1 => each::<1, 16>(level, turn, from, rows, to),
        3 => each::<3, 4>(level, turn, from, rows, to),
        _ => each::<4, 4>(level, turn, from, rows, to),
    }
}

/// `N` bytes a pixel, in blocks of `S` pixels a side.
fn each<const N: usize, const S: usize>(
    level: Level,
    turn: Turn,
    from: PlaneRows<'_>,
    rows: Range<usize>,
    to: &mut Band<'_>,
) {
    /// Bytes of a row of the input that are used before those of the next: a few lines of the
    /// cache, and so few that as many rows of the result stay in it while they are filled.
    const STRIP: usize = 256;
    let (width, height) = (from.plane.width, from.plane.height);
    let (whole, strip) = (height / S * S, STRIP / N / S * S);
    for top in rows.clone().step_by(strip) {
        let bottom = (top + strip).min(rows.end);
        for left in (0..height).step_by(S) {
            // The rows that become the columns of these blocks.
            let sources: [&[u8]; S] = std::array::from_fn(|at| match left < whole {
                true => from.row(turn.row(left + at, height)),
                false => &[],
            });
            let ends = [turn.column(top, width), turn.column(bottom - 1, width)];
            let columns = match turn {
                Turn::Clockwise => ends[0]..ends[1] + 1,
                Turn::CounterClockwise => ends[1]..ends[0] + 1,
            };
            let (data, stride) = to.at_row(top - rows.start);
            let place = data.get_mut(left * N..).unwrap_or_default();
            let done = match left < whole {
                true => vectors::<N>(level, turn, &sources, columns.clone(), place, stride),
                false => 0,
            };
            for column in columns.start + done..columns.end {
                let line = match turn {
                    Turn::Clockwise => column - columns.start,
                    Turn::CounterClockwise => columns.end - 1 - column,
                };
                let row = to.row(top - rows.start + line);
                let pixels = row.get_mut(left * N..).unwrap_or_default().as_chunks_mut::<N>().0;
                for (x, to) in (left..height).zip(pixels).take(S) {
                    let source = from.row(turn.row(x, height)).get(column * N..);
                    if let Some(pixel) = source.and_then(<[u8]>::first_chunk::<N>) {
                        *to = *pixel;
                    }
                }
            }
        }
    }
}

/// Turns the first of those columns with vectors; how many. They become rows `stride` bytes apart.
#[cfg(not(target_arch = "x86_64"))]
fn vectors<const N: usize>(
    _: Level,
    _: Turn,
    _: &[&[u8]],
    _: Range<usize>,
    _: &mut [u8],
    _: usize,
) -> usize {
    0
}

/// Turns the first of those columns with vectors; how many. They become rows `stride` bytes apart.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
fn vectors<const N: usize>(
    level: Level,
    turn: Turn,
    sources: &[&[u8]],
    columns: Range<usize>,
    to: &mut [u8],
    stride: usize,
) -> usize {
    use super::x86;
    let backwards = turn == Turn::CounterClockwise;
    match level.instructions() {
        Instructions::Baseline(_) => 0,
        // SAFETY: such a level exists only where SSE4.1 was detected.
        Instructions::Sse41(_) => unsafe {
            x86::sse41::turn::<N>(backwards, sources, columns, to, stride)
        },
        // SAFETY: such a level exists only where AVX2 was detected.
        Instructions::Avx2(_) => unsafe {
            x86::avx2::turn::<N>(backwards, sources, columns, to, stride)
        },
        // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
        Instructions::Avx512(_) => unsafe {
            x86::avx512::turn::<N>(backwards, sources, columns, to, stride)
        },
    }
}
