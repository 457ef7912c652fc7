//! The least, or the greatest, of several rows, and of several neighbours of a row, for some rows
//! at a time.

#![allow(clippy::indexing_slicing, reason = "all are cut to the same length before the loops")]

use arrayvec::ArrayVec;

use super::Extreme;
use super::bytes::{Bytes, Single};
use crate::simd::{Level, simd_levels};

/// The most rows that share the work on their columns.
pub(super) const GROUP: usize = 8;

/// The most neighbours that are looked at in one loop.
const MOST: usize = 9;

/// Lines of memory, so far apart.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) data: &'a [u8],
    pub(super) stride: usize,
}

impl<'a> Lines<'a> {
    /// The bytes from line `line` on.
    #[inline(always)]
    fn skip(self, line: usize) -> &'a [u8] {
        &self.data[line * self.stride..]
    }
}

/// Room for results: `len` bytes in each of `count` lines.
pub(super) struct Target<'a> {
    pub(super) data: &'a mut [u8],
    pub(super) stride: usize,
    pub(super) len: usize,
    pub(super) count: usize,
}

impl<'a> Target<'a> {
    #[inline(always)]
    fn lines(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let len = self.len;
        self.data.chunks_mut(self.stride).take(self.count).map(move |line| &mut line[..len])
    }
}

/// Where vectors start. The last may overlap the one before, which gives the same once more:
/// results never go to where samples come from.
#[inline(always)]
fn starts<B: Bytes>(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(B::BYTES).map(move |at| at.min(len - B::BYTES))
}

/// The lesser, or the greater, of each two.
#[inline(always)]
fn pick<B: Bytes, const LEAST: bool>(bytes: B, a: B::Vector, b: B::Vector) -> B::Vector {
    if LEAST { bytes.least(a, b) } else { bytes.greatest(a, b) }
}

simd_levels! {
    /// The extremes of columns of `taps` rows, of which there is one more for each next line of
    /// the result. Rows are at least as long as the result.
    pub(super) fn columns<I: Bytes>(
        isa,
        extreme: Extreme,
        rows: &[&[u8]],
        taps: usize,
        to: Target<'_>,
    ) {
        match (extreme, to.len < I::BYTES) {
            (Extreme::Erode, false) => all_columns::<_, true>(isa, rows, taps, to),
            (Extreme::Dilate, false) => all_columns::<_, false>(isa, rows, taps, to),
            (Extreme::Erode, true) => all_columns::<_, true>(Single, rows, taps, to),
            (Extreme::Dilate, true) => all_columns::<_, false>(Single, rows, taps, to),
        }
    }
}

/// As many lines together as there are, if columns have more rows.
#[inline(always)]
fn all_columns<B: Bytes, const LEAST: bool>(bytes: B, rows: &[&[u8]], taps: usize, to: Target<'_>) {
    let Target { data, stride, len, count } = to;
    if taps == 1 {
        let lines = data.chunks_mut(stride).zip(rows).take(count);
        return lines.for_each(|(line, row)| line[..len].copy_from_slice(&row[..len]));
    }
    let mut done = 0;
    while done < count {
        let rows = &rows[done..];
        let some = (&mut data[done * stride..], stride, len);
        done += match (count - done).min(taps - 1) {
            GROUP.. => some_columns::<B, LEAST, GROUP>(bytes, &rows[..taps + GROUP - 1], some),
            6.. => some_columns::<B, LEAST, 6>(bytes, &rows[..taps + 5], some),
            4.. => some_columns::<B, LEAST, 4>(bytes, &rows[..taps + 3], some),
            2.. => some_columns::<B, LEAST, 2>(bytes, &rows[..taps + 1], some),
            _ => some_columns::<B, LEAST, 1>(bytes, &rows[..taps], some),
        };
    }
}

/// After van Herk, and Gil and Werman: each of the columns is the end of what the rows in the
/// middle and above them give, and the start of what the rows below give. With the ends in
/// registers that takes two rows, and three comparisons, for a line, where a column of its own
/// takes `taps` rows: a dilation of 640x480 grey by 9x9 takes 28 µs instead of 49 µs.
#[inline(always)]
fn some_columns<B: Bytes, const LEAST: bool, const N: usize>(
    bytes: B,
    rows: &[&[u8]],
    (to, stride, len): (&mut [u8], usize, usize),
) -> usize {
    let below = rows.len() - N;
    let first: [&[u8]; N] = std::array::from_fn(|at| &rows[at][..len]);
    let last: [&[u8]; N] = std::array::from_fn(|at| &rows[below + at][..len]);
    // All columns have these, and the last of the first rows and the first of the last.
    let middle = rows.get(N..below).unwrap_or_default();
    let mut lines = to.chunks_mut(stride);
    let lines: [&mut [u8]; N] =
        std::array::from_fn(|_| &mut lines.next().unwrap_or_default()[..len]);
    for at in starts::<B>(len) {
        let both = (bytes.fetch(first[N - 1], at), bytes.fetch(last[0], at));
        let mut end = pick::<B, LEAST>(bytes, both.0, both.1);
        for row in middle {
            end = pick::<B, LEAST>(bytes, end, bytes.fetch(row, at));
        }
        let mut ends = [end; N];
        for line in (0..N - 1).rev() {
            end = pick::<B, LEAST>(bytes, end, bytes.fetch(first[line], at));
            ends[line] = end;
        }
        bytes.put(ends[0], lines[0], at);
        let mut start = end;
        for line in 1..N {
            let row = bytes.fetch(last[line], at);
            start = if line == 1 { row } else { pick::<B, LEAST>(bytes, start, row) };
            bytes.put(pick::<B, LEAST>(bytes, ends[line], start), lines[line], at);
        }
    }
    N
}

/// The extremes of `taps` neighbours, `step` apart, from each position of lines on, and of the
/// same position of `columns`, if there are any. `spare` holds what lies between, in lines as far
/// apart as those it is made of: the extremes of powers of four neighbours.
pub(super) fn neighbours(
    level: Level,
    extreme: Extreme,
    (from, step, taps): (Lines<'_>, usize, usize),
    columns: Option<Lines<'_>>,
    to: Target<'_>,
    spare: [&mut [u8]; 2],
) {
    let [mut now, mut next] = spare;
    let (stride, count) = (from.stride, to.count);
    let (mut wide, mut len) = (1, to.len + (taps - 1) * step);
    while taps > MOST && 4 * wide <= taps {
        len -= 3 * wide * step;
        let from = if wide == 1 { from } else { Lines { data: now, stride } };
        let four = [0, 1, 2, 3].map(|at| at * wide * step);
        around(level, extreme, from, &four, None, Target { data: next, stride, len, count });
        std::mem::swap(&mut now, &mut next);
        wide *= 4;
    }
    let from = if wide == 1 { from } else { Lines { data: now, stride } };
    // The last may overlap the one before.
    let all = (0..taps.div_ceil(wide)).map(|at| (at * wide).min(taps - wide) * step);
    let all: ArrayVec<usize, MOST> = all.collect();
    around(level, extreme, from, &all, columns, to);
}

simd_levels! {
    /// The extremes of the samples at those distances after each position, and of `columns`.
    fn around<I: Bytes>(
        isa,
        extreme: Extreme,
        from: Lines<'_>,
        distances: &[usize],
        columns: Option<Lines<'_>>,
        to: Target<'_>,
    ) {
        let from = (from, distances, columns);
        match (extreme, to.len < I::BYTES) {
            (Extreme::Erode, false) => some::<_, true>(isa, from, to),
            (Extreme::Dilate, false) => some::<_, false>(isa, from, to),
            (Extreme::Erode, true) => some::<_, true>(Single, from, to),
            (Extreme::Dilate, true) => some::<_, false>(Single, from, to),
        }
    }
}

/// Lines, distances in them, and columns.
type Source<'a> = (Lines<'a>, &'a [usize], Option<Lines<'a>>);

/// A loop for each number of samples, in which all are in registers.
#[inline(always)]
fn some<B: Bytes, const LEAST: bool>(bytes: B, from: Source<'_>, to: Target<'_>) {
    match from.1.len() + usize::from(from.2.is_some()) {
        0 | 1 => together::<B, LEAST, 1>(bytes, from, to),
        2 => together::<B, LEAST, 2>(bytes, from, to),
        3 => together::<B, LEAST, 3>(bytes, from, to),
        4 => together::<B, LEAST, 4>(bytes, from, to),
        5 => together::<B, LEAST, 5>(bytes, from, to),
        6 => together::<B, LEAST, 6>(bytes, from, to),
        7 => together::<B, LEAST, 7>(bytes, from, to),
        8 => together::<B, LEAST, 8>(bytes, from, to),
        9 => together::<B, LEAST, 9>(bytes, from, to),
        _ => together::<B, LEAST, { MOST + 1 }>(bytes, from, to),
    }
}

#[inline(always)]
fn together<B: Bytes, const LEAST: bool, const N: usize>(
    bytes: B,
    (from, distances, columns): Source<'_>,
    mut to: Target<'_>,
) {
    let len = to.len;
    for (at, to) in to.lines().enumerate() {
        let (line, column) = (from.skip(at), columns.map_or(&[][..], |lines| lines.skip(at)));
        let rows: [&[u8]; N] = std::array::from_fn(|at| match distances.get(at) {
            Some(distance) => &line[*distance..*distance + len],
            None => &column[..len],
        });
        for at in starts::<B>(len) {
            let mut extreme = bytes.fetch(rows[0], at);
            for row in &rows[1..] {
                extreme = pick::<B, LEAST>(bytes, extreme, bytes.fetch(row, at));
            }
            bytes.put(extreme, to, at);
        }
    }
}

simd_levels! {
    /// Subtracts the row from `from`, clamping to 0.
    pub(super) fn subtract(row: &[u8], from: &mut [u8]) {
        from.iter_mut().zip(row).for_each(|(from, by)| *from = from.saturating_sub(*by));
    }
}

simd_levels! {
    /// The row minus what is there; 0 where that is less.
    pub(super) fn subtract_from(row: &[u8], what: &mut [u8]) {
        what.iter_mut().zip(row).for_each(|(what, from)| *what = from.saturating_sub(*what));
    }
}
