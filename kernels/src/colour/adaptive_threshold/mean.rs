//! Against the mean: sums of rows by doubling (of 2, 4, 8 … samples, put together to as many as
//! the neighbourhood is wide), then sums of columns, which move from row to row.

use std::ops::Range;

use super::Rule;
use crate::border::Border;
use crate::scratch::Scratch;
use crate::simd::{Level, simd_levels};
use crate::{Cpu, Window};

/// Makes rows `rows` of the result.
pub(super) fn render(
    cpu: &Cpu,
    size: usize,
    rule: Rule,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (level, width, radius) = (cpu.level(), input.width(), size / 2);
    let mut padded = Scratch::<u16>::take(cpu.pool(), width + 2 * radius);
    let mut doubled = Scratch::<u16>::take(cpu.pool(), width + 2 * radius);
    // Sums of rows, as many as the neighbourhood is high: row y lies at y modulo that.
    let mut ring = Scratch::<u16>::take(cpu.pool(), size * width);
    let mut columns = Scratch::<u32>::take(cpu.pool(), width);
    let (ring, columns) = (ring.as_mut(), columns.as_mut());
    columns.fill(0);
    let mut fill = |ring: &mut [u16], y: isize| {
        let row = input.bordered_row(y, Border::Replicate).unwrap_or_default();
        let slot = slot(y, size, width);
        let sums = ring.get_mut(slot).unwrap_or_default();
        sum_row(level, row, size, padded.as_mut(), doubled.as_mut(), sums);
    };
    let (start, reach) = (rows.start as isize, radius as isize);
    for y in cpu.watched(start - reach..start + reach, width) {
        fill(ring, y);
        add(level, ring.get(slot(y, size, width)).unwrap_or_default(), columns);
    }
    for (y, to) in cpu.watched(rows, width).zip(output.chunks_exact_mut(width)) {
        fill(ring, y as isize + reach);
        let new = ring.get(slot(y as isize + reach, size, width)).unwrap_or_default();
        let old = ring.get(slot(y as isize - reach, size, width)).unwrap_or_default();
        compare(level, (size * size) as i32, rule, input.row(y), (new, old), columns, to);
    }
}

fn slot(y: isize, size: usize, width: usize) -> Range<usize> {
    let start = y.rem_euclid(size as isize) as usize * width;
    start..start + width
}

/// Of each sample the sum of `size` ones around it; the row goes on beyond its ends.
fn sum_row(
    level: Level,
    row: &[u8],
    size: usize,
    padded: &mut [u16],
    doubled: &mut [u16],
    sums: &mut [u16],
) {
    let radius = size / 2;
    let (Some(first), Some(last)) = (row.first(), row.last()) else { return };
    let (left, rest) = padded.split_at_mut_checked(radius).unwrap_or_default();
    let (middle, right) = rest.split_at_mut_checked(row.len()).unwrap_or_default();
    left.fill(u16::from(*first));
    right.fill(u16::from(*last));
    widen(level, row, middle);
    let (mut from, mut to) = (padded, doubled);
    let (mut count, mut start) = (1, 0);
    loop {
        if size & count != 0 {
            let part = from.get(start..start + row.len()).unwrap_or_default();
            if start == 0 {
                sums.copy_from_slice(part)
            } else {
                add_short(level, part, sums)
            }
            start += count;
        }
        if 2 * count > size {
            return;
        }
        double(level, from, count, to);
        std::mem::swap(&mut from, &mut to);
        count *= 2;
    }
}

simd_levels! {
    fn widen(from: &[u8], to: &mut [u16]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = u16::from(*from);
        }
    }
}

simd_levels! {
    fn double(from: &[u16], by: usize, to: &mut [u16]) {
        let shifted = from.get(by..).unwrap_or_default();
        for ((to, first), second) in to.iter_mut().zip(from).zip(shifted) {
            // What lies behind the row is any number.
            *to = first.wrapping_add(*second);
        }
    }
}

simd_levels! {
    fn add_short(from: &[u16], to: &mut [u16]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to += *from;
        }
    }
}

simd_levels! {
    fn add(from: &[u16], to: &mut [u32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to += u32::from(*from);
        }
    }
}

simd_levels! {
    fn compare(
        area: i32,
        rule: Rule,
        samples: &[u8],
        rows: (&[u16], &[u16]),
        columns: &mut [u32],
        to: &mut [u8],
    ) {
        let (new, old) = rows;
        let Rule { offset, above, below } = rule;
        let all = to.iter_mut().zip(samples).zip(columns).zip(new).zip(old);
        for ((((to, sample), column), new), old) in all {
            let sum = column.wrapping_add(u32::from(*new));
            // sample > round(sum / area) - offset, without the division; nothing is near 2^31.
            let level = 2 * (i32::from(*sample) + offset) - 1;
            let is_above = 2 * sum.cast_signed() < level * area;
            *to = if is_above { above } else { below };
            *column = sum - u32::from(*old);
        }
    }
}
