//! Rectangles: the extreme of columns, then of rows.

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
    let pass = pass.of_rectangle();
    let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
    let (radius, first) = (pass.element.radius, rows.start);
    let margin = radius * channels;
    let length = row_bytes + 2 * margin;
    let mut memory = cpu.take(3 * length);
    let (line, spare) = memory.split_at_mut(length);
    let (one, other) = spare.split_at_mut(length);
    let columns = Columns { cpu, extreme: pass.extreme, outside: pass.outside, radius, input };
    columns.each(rows, line, margin..margin + row_bytes, |y, line| {
        pass.extend(line, channels);
        let start = (y - first) * row_bytes;
        let to = output.get_mut(start..start + row_bytes).unwrap_or_default();
        let spare = [&mut *one, &mut *other];
        let taps = 2 * radius + 1;
        lines::of_neighbours(cpu.level(), pass.extreme, (line, channels, taps), &[], to, spare);
    });
}
