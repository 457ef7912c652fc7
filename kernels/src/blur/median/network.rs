//! Sorting networks: the same comparisons whatever the samples are, so that vectors do many at once.
//!
//! First each column of the square is sorted, into as many rows as it is high: neighbouring squares
//! share that. Then the few comparisons that are left find the median of sorted columns.
#![allow(clippy::indexing_slicing, reason = "slices are cut to the length that is indexed")]

use std::ops::Range;

use crate::simd::{Level, simd_levels};
use crate::{Cpu, Window};

/// Makes rows `rows` of the image of medians of 3 by 3 pixels.
pub(super) fn three(cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
    let sort = |level, [a, b, c]: [&[u8]; 3], [low, middle, high]: [&mut [u8]; 3]| {
        sort_three(level, a, b, c, low, middle, high);
    };
    each_row(cpu, input, rows, output, sort, median_of_three);
}

/// Makes rows `rows` of the image of medians of 5 by 5 pixels.
pub(super) fn five(cpu: &Cpu, input: &Window<'_>, rows: Range<usize>, output: &mut [u8]) {
    let sort = |level, rows: [&[u8]; 5], [p, q, r, s, t]: [&mut [u8]; 5]| {
        sort_five(level, rows, p, q, r, s, t);
    };
    each_row(cpu, input, rows, output, sort, median_of_five);
}

/// Samples that are done at a time: what is sorted stays in the first-level cache.
const BLOCK: usize = 1536;

/// Sorts the columns of some rows, then finds the medians of as many sorted columns side by side.
///
/// Columns beside the image are the outermost of it, so that they are copied after they were
/// sorted, and the rows of the image are read where they are.
fn each_row<const SIDE: usize>(
    cpu: &Cpu,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
    sort: impl Fn(Level, [&[u8]; SIDE], [&mut [u8]; SIDE]),
    medians: impl Fn(Level, [&[u8]; SIDE], usize, &mut [u8]),
) {
    let (radius, channels, row_bytes) = (SIDE / 2, input.channels(), input.shape().row_bytes());
    let (margin, bottom) = (radius * channels, input.height() - 1);
    let mut buffer = cpu.take(SIDE * (BLOCK + 2 * margin));
    for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        let around: [&[u8]; SIDE] =
            std::array::from_fn(|row| input.row((y + row).saturating_sub(radius).min(bottom)));
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            // The block and its margins start and end there, and the image in between.
            let (start, end) = (block * BLOCK, block * BLOCK + output.len() + 2 * margin);
            let inside = start.max(margin)..end.min(row_bytes + margin);
            let from = around.map(|row| &row[inside.start - margin..inside.end - margin]);
            let inside = inside.start - start..inside.end - start;
            let mut parts = buffer.chunks_exact_mut(end - start);
            let mut sorted: [&mut [u8]; SIDE] =
                std::array::from_fn(|_| parts.next().unwrap_or_default());
            sort(cpu.level(), from, sorted.each_mut().map(|row| &mut row[inside.clone()]));
            for row in &mut sorted {
                replicate(row, inside.clone(), channels);
            }
            medians(cpu.level(), sorted.map(|row| &*row), channels, output);
        }
    }
}

/// Fills what is beside some pixels of a row with the outermost of them.
fn replicate(row: &mut [u8], inside: Range<usize>, channels: usize) {
    for at in 0..inside.start {
        row[at] = row[inside.start + at % channels];
    }
    for at in inside.end..row.len() {
        row[at] = row[at - channels];
    }
}

/// Puts the lesser sample of each pair first.
macro_rules! exchange {
    ($samples:ident: $($a:literal $b:literal),*) => { $(
        let (a, b) = ($samples[$a], $samples[$b]);
        ($samples[$a], $samples[$b]) = (a.min(b), a.max(b));
    )* };
}

// Each row of the result is a parameter: that they do not overlap lets the compiler vectorise.
simd_levels! {
    fn sort_three(
        a: &[u8],
        b: &[u8],
        c: &[u8],
        low: &mut [u8],
        middle: &mut [u8],
        high: &mut [u8],
    ) {
        let rows = a.iter().zip(b).zip(c).zip(low).zip(middle).zip(high);
        for (((((a, b), c), low), middle), high) in rows {
            let mut column = [*a, *b, *c];
            exchange!(column: 1 2, 0 1, 1 2);
            [*low, *middle, *high] = column;
        }
    }
}

simd_levels! {
    fn median_of_three(sorted: [&[u8]; 3], channels: usize, output: &mut [u8]) {
        let low = beside::<3>(sorted[0], channels, output);
        let middle = beside::<3>(sorted[1], channels, output);
        let high = beside::<3>(sorted[2], channels, output);
        for (at, out) in output.iter_mut().enumerate() {
            let greatest_low = low[0][at].max(low[1][at]).max(low[2][at]);
            let least_high = high[0][at].min(high[1][at]).min(high[2][at]);
            let middle = median(middle[0][at], middle[1][at], middle[2][at]);
            *out = median(greatest_low, middle, least_high);
        }
    }
}

#[inline(always)]
fn median(a: u8, b: u8, c: u8) -> u8 {
    a.min(b).max(a.max(b).min(c))
}

/// The samples of neighbouring pixels: as many rows, each as long as the output.
#[inline(always)]
fn beside<'a, const SIDE: usize>(
    row: &'a [u8],
    channels: usize,
    output: &[u8],
) -> [&'a [u8]; SIDE] {
    let mut pixels: [&[u8]; SIDE] = [&[]; SIDE];
    for (pixel, samples) in pixels.iter_mut().enumerate() {
        *samples = &row[pixel * channels..][..output.len()];
    }
    pixels
}

simd_levels! {
    fn sort_five(
        rows: [&[u8]; 5],
        p: &mut [u8],
        q: &mut [u8],
        r: &mut [u8],
        s: &mut [u8],
        t: &mut [u8],
    ) {
        let [a, b, c, d, e] = rows;
        let inputs = a.iter().zip(b).zip(c).zip(d).zip(e);
        let outputs = p.iter_mut().zip(q).zip(r).zip(s).zip(t);
        for (((((a, b), c), d), e), ((((p, q), r), s), t)) in inputs.zip(outputs) {
            let mut column = [*a, *b, *c, *d, *e];
            exchange!(column: 0 3, 1 4, 0 2, 1 3, 0 1, 2 4, 1 2, 3 4, 2 3);
            [*p, *q, *r, *s, *t] = column;
        }
    }
}

simd_levels! {
    fn median_of_five(sorted: [&[u8]; 5], channels: usize, output: &mut [u8]) {
        let p = beside::<5>(sorted[0], channels, output);
        let q = beside::<5>(sorted[1], channels, output);
        let r = beside::<5>(sorted[2], channels, output);
        let s = beside::<5>(sorted[3], channels, output);
        let t = beside::<5>(sorted[4], channels, output);
        for (at, out) in output.iter_mut().enumerate() {
            let mut rows = [[0; 5]; 5];
            for pixel in 0..5 {
                rows[0][pixel] = p[pixel][at];
                rows[1][pixel] = q[pixel][at];
                rows[2][pixel] = r[pixel][at];
                rows[3][pixel] = s[pixel][at];
                rows[4][pixel] = t[pixel][at];
            }
            *out = median_of_sorted_columns(rows);
        }
    }
}

/// The network was found by leaving out of a sorting network what sorted columns do not need; a
/// test tries all orders that columns can have.
#[inline(always)]
pub(super) fn median_of_sorted_columns(rows: [[u8; 5]; 5]) -> u8 {
    let [p, q, r, s, t] = rows;
    let mut v = [
        p[0], p[1], p[2], p[3], p[4], q[0], q[1], q[2], q[3], q[4], r[0], r[1], r[2], r[3], r[4],
        s[0], s[1], s[2], s[3], s[4], t[0], t[1], t[2], t[3], t[4],
    ];
    exchange!(v:
        1 4, 0 2, 0 1, 2 4, 1 2, 3 4, 2 3, 5 8, 6 9, 6 8, 5 6, 7 9, 6 7, 8 9, 7 8, 10 13, 11 14,
        10 12, 11 13, 10 11, 12 14, 11 12, 13 14, 15 18, 16 19, 15 17, 16 18, 15 16, 17 19, 17 18,
        20 23, 21 24, 20 22, 21 23, 20 21, 22 24, 21 22, 12 13, 9 11, 15 8, 20 12, 21 13, 11 17,
        21 12, 7 20, 3 20, 8 21, 16 4, 8 20, 11 16, 20 4, 20 9, 21 11, 12 16, 8 21, 12 9, 21 12
    );
    v[12]
}
