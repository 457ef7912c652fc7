//! One step on the CPU, some rows at a time.
//!
//! An element is the union of rectangles, each narrower and higher than the one before. What was
//! found in the widest is spread sideways, a bit for each next one, and joined on the way by the
//! extremes of higher and higher columns: a rectangle is columns, then their neighbours; a cross
//! is rows, their neighbours, and columns. So the cost of an ellipse grows with its height, not
//! with its area.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::element::{MAX_RADIUS, Rectangles};
use super::lines::{self, GROUP, Lines, Target};
use super::pass::Pass;
use crate::border::Border;
use crate::pool::LINE;
use crate::simd::Level;
use crate::{Cpu, PooledBuffer, Shape, Window};

/// Bytes of a plane that leave room for the rows around it in a first-level cache.
const GROUP_BYTES: usize = 8 << 10;

/// The most rows that those of a group depend on.
const ROWS: usize = 2 * MAX_RADIUS + GROUP;

/// Planes of lines: two for what is found so far, one for columns, two to spread with.
const PLANES: usize = 5;

/// A step, with the memory that it works in.
pub(super) struct Band {
    pass: Pass,
    rectangles: Rectangles,
    level: Level,
    shape: Shape,
    /// Rows that are made together: each plane has a line for each.
    group: usize,
    /// Bytes of a line up to its first pixel; the last of them are its margin.
    before: usize,
    /// Bytes from line to line.
    stride: usize,
    /// A line of what stands beyond the edge, and the planes.
    memory: PooledBuffer,
}

impl Band {
    pub(super) fn new(cpu: &Cpu, pass: Pass, shape: Shape) -> Self {
        let (radius, row_bytes) = (pass.element.radius, shape.row_bytes());
        let margin = radius * shape.format.channels();
        let before = margin.next_multiple_of(LINE);
        let stride = before + (row_bytes + margin).next_multiple_of(LINE);
        // As many rows as share the work on their columns, or more where they are short.
        let share = (2 * radius).clamp(1, GROUP);
        let group = share * (GROUP_BYTES / (share * stride)).clamp(1, GROUP / share);
        let mut memory = cpu.take((1 + PLANES * group) * stride);
        let sample = pass.outside.sample(pass.extreme);
        let (beyond, [found, other, ..]) = planes(&mut memory, stride, group);
        beyond.fill(sample);
        // Nothing else is ever written there, unless the image wraps.
        for line in found.chunks_exact_mut(stride).chain(other.chunks_exact_mut(stride)) {
            line.get_mut(..before).unwrap_or_default().fill(sample);
            line.get_mut(before + row_bytes..).unwrap_or_default().fill(sample);
        }
        let rectangles = pass.element.rectangles();
        Self { pass, rectangles, level: cpu.level(), shape, group, before, stride, memory }
    }

    /// The number of rows that are made at a time.
    pub(super) fn group_rows(&self) -> usize {
        self.group
    }

    /// Makes those rows, some at a time, and calls `finish` with each of these while they are in
    /// the first-level cache.
    pub(super) fn render(
        &mut self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
        mut finish: impl FnMut(Range<usize>, &mut [u8]),
    ) {
        let row_bytes = self.shape.row_bytes();
        let groups = output.chunks_mut(self.group * row_bytes);
        for (start, output) in
            cpu.watched(rows.step_by(self.group), self.group * row_bytes).zip(groups)
        {
            let rows = start..start + output.len() / row_bytes;
            self.group(input, rows.clone(), output);
            finish(rows, output);
        }
    }

    fn group(&mut self, input: &Window<'_>, now: Range<usize>, output: &mut [u8]) {
        let Self { pass, level, before, stride, .. } = *self;
        let (count, len) = (now.len(), self.shape.row_bytes());
        let (radius, channels) = (pass.element.radius, self.shape.format.channels());
        let (beyond, planes) = planes(&mut self.memory, stride, self.group);
        let [mut found, mut other, columns, one, two] = planes;
        let heights = now.start as isize - radius as isize..(now.end + radius) as isize;
        // Not collected: that would move the whole capacity.
        let mut rows = ArrayVec::<&[u8], ROWS>::new();
        rows.extend(heights.map(|y| match pass.outside.index(y, input.height()) {
            Some(y) => input.row(y),
            None => &*beyond,
        }));
        let column = |down: usize, data: &mut [u8]| {
            let rows = rows.get(radius - down..radius + count + down).unwrap_or_default();
            let to = Target { data, stride, len, count };
            lines::columns(level, pass.extreme, rows, 2 * down + 1, to);
        };
        let mut rest = self.rectangles.as_slice();
        if let [widest, ..] = rest {
            column(widest.down, found.get_mut(before..).unwrap_or_default());
        }
        while let [wide, narrower @ ..] = rest {
            if pass.outside.wraps() {
                let margin = radius * channels;
                for line in found.chunks_exact_mut(stride).take(count) {
                    let row = line.get_mut(before - margin..before + len + margin);
                    Border::Wrap.extend(row.unwrap_or_default(), radius, channels);
                }
            }
            let next = narrower.first();
            let across = next.map_or(0, |next| next.across);
            let joined = next.map(|next| {
                column(next.down, columns);
                Lines { data: &*columns, stride }
            });
            let to = match across {
                0 => Target { data: &mut *output, stride: len, len, count },
                _ => {
                    Target { data: other.get_mut(before..).unwrap_or_default(), stride, len, count }
                }
            };
            let reach = wide.across - across;
            let from = found.get(before - reach * channels..).unwrap_or_default();
            let around = (Lines { data: from, stride }, channels, 2 * reach + 1);
            lines::neighbours(level, pass.extreme, around, joined, to, [&mut *one, &mut *two]);
            if across == 0 {
                break;
            }
            std::mem::swap(&mut found, &mut other);
            rest = narrower;
        }
    }
}

/// The line of what stands beyond the edge, and the planes.
fn planes(memory: &mut [u8], stride: usize, group: usize) -> (&mut [u8], [&mut [u8]; PLANES]) {
    let (beyond, rest) = memory.split_at_mut_checked(stride).unwrap_or_default();
    let mut planes = rest.chunks_exact_mut(group * stride);
    (beyond, std::array::from_fn(|_| planes.next().unwrap_or_default()))
}
