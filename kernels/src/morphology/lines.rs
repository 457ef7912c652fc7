//! The least, or the greatest, of several rows, and of several neighbours of a row: plain loops
//! that the compiler vectorises.

#![allow(clippy::indexing_slicing, reason = "all are cut to the same length before the loops")]

use arrayvec::ArrayVec;

use super::Extreme;
use crate::simd::{Level, simd_levels};

/// The most rows that one loop looks at.
pub(super) const MOST: usize = 9;

/// Writes the extreme of so many rows at each position, and of what is there `with` it.
#[inline(always)]
fn together<const N: usize>(
    rows: [&[u8]; N],
    with: bool,
    to: &mut [u8],
    pick: impl Fn(u8, u8) -> u8,
) {
    let len = to.len();
    let rows = rows.map(|row| &row[..len]);
    if len < BLOCK {
        for at in 0..len {
            let extreme = rows.iter().map(|row| row[at]).reduce(&pick).unwrap_or_default();
            to[at] = if with { pick(to[at], extreme) } else { extreme };
        }
        return;
    }
    // The last block may overlap the one before: the extreme of a sample and itself is itself.
    for at in (0..len).step_by(BLOCK).map(|at| at.min(len - BLOCK)) {
        let mut extreme = block(if with { to } else { rows[0] }, at);
        for row in &rows[usize::from(!with)..] {
            let row = block(row, at);
            for (extreme, sample) in extreme.iter_mut().zip(&row) {
                *extreme = pick(*extreme, *sample);
            }
        }
        to[at..at + BLOCK].copy_from_slice(&extreme);
    }
}

/// So many samples at a time: copies, of which the compiler knows that they do not overlap.
const BLOCK: usize = 64;

#[inline(always)]
fn block(row: &[u8], at: usize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block.copy_from_slice(&row[at..at + BLOCK]);
    block
}

/// The extreme of up to [`MOST`] rows: a loop for each number, in which all are in registers.
#[inline(always)]
fn of_some(rows: &[&[u8]], with: bool, to: &mut [u8], pick: impl Fn(u8, u8) -> u8) {
    match *rows {
        [a] => together([a], with, to, pick),
        [a, b] => together([a, b], with, to, pick),
        [a, b, c] => together([a, b, c], with, to, pick),
        [a, b, c, d] => together([a, b, c, d], with, to, pick),
        [a, b, c, d, e] => together([a, b, c, d, e], with, to, pick),
        [a, b, c, d, e, f] => together([a, b, c, d, e, f], with, to, pick),
        [a, b, c, d, e, f, g] => together([a, b, c, d, e, f, g], with, to, pick),
        [a, b, c, d, e, f, g, h] => together([a, b, c, d, e, f, g, h], with, to, pick),
        [a, b, c, d, e, f, g, h, i, ..] => {
            together([a, b, c, d, e, f, g, h, i], with, to, pick);
        }
        [] => {}
    }
}

simd_levels! {
    /// The extreme of up to [`MOST`] rows; each is at least as long as the result.
    pub(super) fn of_rows(extreme: Extreme, rows: &[&[u8]], to: &mut [u8]) {
        match extreme {
            Extreme::Erode => of_some(rows, false, to, u8::min),
            Extreme::Dilate => of_some(rows, false, to, u8::max),
        }
    }
}

simd_levels! {
    /// The extreme of what is there and up to [`MOST`] rows; each is at least as long.
    pub(super) fn with_rows(extreme: Extreme, rows: &[&[u8]], to: &mut [u8]) {
        match extreme {
            Extreme::Erode => of_some(rows, true, to, u8::min),
            Extreme::Dilate => of_some(rows, true, to, u8::max),
        }
    }
}

/// The extreme of `taps` neighbours, `step` apart, from each position on, and of those rows; rows
/// may be none. `spare` holds what lies between: powers of four.
pub(super) fn of_neighbours(
    level: Level,
    extreme: Extreme,
    (from, step, taps): (&[u8], usize, usize),
    rows: &[&[u8]],
    to: &mut [u8],
    spare: [&mut [u8]; 2],
) {
    /// Up to here in one loop.
    const FEW: usize = 6;
    let len = to.len();
    let [mut now, mut next] = spare;
    let mut all = ArrayVec::<&[u8], MOST>::new();
    let (mut wide, mut valid) = (1, len + (taps - 1) * step);
    while taps > FEW && 4 * wide <= taps {
        valid -= 3 * wide * step;
        let source = if wide == 1 { from } else { &*now };
        let four = [0, 1, 2, 3].map(|at| &source[at * wide * step..]);
        of_rows(level, extreme, &four, &mut next[..valid]);
        std::mem::swap(&mut now, &mut next);
        wide *= 4;
    }
    let from = if wide == 1 { from } else { &*now };
    // The last may overlap the one before.
    all.extend((0..taps.div_ceil(wide)).map(|at| &from[(at * wide).min(taps - wide) * step..]));
    all.extend(rows.iter().copied());
    of_rows(level, extreme, &all, to);
}

#[inline(always)]
fn slide(
    row: &[u8],
    running: &mut [u8],
    rest: &[u8],
    slot: &mut [u8],
    to: &mut [u8],
    pick: impl Fn(u8, u8) -> u8,
) {
    let len = to.len();
    let (row, running, rest) = (&row[..len], &mut running[..len], &rest[..len]);
    let slot = &mut slot[..len];
    for at in 0..len {
        let extreme = pick(running[at], row[at]);
        running[at] = extreme;
        slot[at] = row[at];
        to[at] = pick(extreme, rest[at]);
    }
}

simd_levels! {
    /// One step of a running extreme: `running` takes the row in, `slot` keeps it, and the result
    /// is the extreme of `running` and `rest`. All have the same length.
    pub(super) fn step(
        extreme: Extreme,
        row: &[u8],
        running: &mut [u8],
        rest: &[u8],
        slot: &mut [u8],
        to: &mut [u8],
    ) {
        match extreme {
            Extreme::Erode => slide(row, running, rest, slot, to, u8::min),
            Extreme::Dilate => slide(row, running, rest, slot, to, u8::max),
        }
    }
}

simd_levels! {
    /// What is there minus the row; 0 where that is less.
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
