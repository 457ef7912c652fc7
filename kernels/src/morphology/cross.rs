//! Crosses: the extreme of a column and of a row.

use std::ops::Range;

use super::column::Columns;
use super::lines;
use super::pass::Pass;
use crate::{Cpu, Window};

pub(super) fn render(
    cpu: &Cpu,
    pass: &Pass,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
    let (radius, first) = (pass.element.radius, rows.start);
    let margin = radius * channels;
    let length = row_bytes + 2 * margin;
    let mut memory = cpu.take(3 * length + row_bytes);
    let (column, rest) = memory.split_at_mut(row_bytes);
    let (line, spare) = rest.split_at_mut(length);
    let (one, other) = spare.split_at_mut(length);
    let columns = Columns { cpu, extreme: pass.extreme, outside: pass.outside, radius, input };
    columns.each(rows, column, 0..row_bytes, |y, column| {
        line.get_mut(margin..margin + row_bytes).unwrap_or_default().copy_from_slice(input.row(y));
        pass.extend(line, channels);
        let start = (y - first) * row_bytes;
        let to = output.get_mut(start..start + row_bytes).unwrap_or_default();
        let spare = [&mut *one, &mut *other];
        let taps = 2 * radius + 1;
        let around = (&*line, channels, taps);
        lines::of_neighbours(cpu.level(), pass.extreme, around, &[column], to, spare);
    });
}
