//! Ellipses, as the union of rectangles, each narrower and higher than the one before: what was
//! found in the widest is spread sideways, a bit for each rectangle, and joined on the way by the
//! extremes of higher and higher columns. So the cost grows with the height of the ellipse, not
//! with its area.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::column::Columns;
use super::lines;
use super::pass::Pass;
use crate::{Cpu, Window};

/// Rows that are looked at together.
const GROUP: usize = lines::MOST;

pub(super) fn render(
    cpu: &Cpu,
    pass: &Pass,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
    let (radius, taps) = (pass.element.radius, 2 * pass.element.radius + 1);
    let margin = radius * channels;
    let length = row_bytes + 2 * margin;
    // Rows with their margins; row y lies at y modulo the height of the element.
    let mut ring = cpu.take(taps * length);
    let place = |y: isize| {
        let start = y.rem_euclid(taps as isize) as usize * length;
        start..start + length
    };
    let source = Columns { cpu, extreme: pass.extreme, outside: pass.outside, radius, input };
    let beyond = source.beyond();
    let fill = |ring: &mut [u8], y: isize| {
        let line = ring.get_mut(place(y)).unwrap_or_default();
        let inner = line.get_mut(margin..margin + row_bytes).unwrap_or_default();
        inner.copy_from_slice(source.row(y, &beyond));
        pass.extend(line, channels);
    };
    let reach = radius as isize;
    let first = rows.start as isize;
    (first - reach..first + reach).for_each(|y| fill(&mut ring, y));
    let rectangles = pass.element.rectangles();
    let mut memory = cpu.take(5 * length);
    for (y, output) in rows.zip(output.chunks_exact_mut(row_bytes)) {
        let y = y as isize;
        fill(&mut ring, y + reach);
        let line = |y: isize| ring.get(place(y)).unwrap_or_default();
        let mut lines = memory.chunks_exact_mut(length);
        let mut next = || lines.next().unwrap_or_default();
        let (mut found, mut spread, column) = (next(), next(), next());
        let (one, other) = (next(), next());
        let mut before = None;
        for rectangle in &rectangles {
            // The rows that the rectangle before has not.
            let (down, inner) = (rectangle.down as isize, before.map_or(-1, |(_, down)| down));
            let mut some = ArrayVec::<&[u8], GROUP>::new();
            let mut whole = inner >= 0;
            for away in inner + 1..=down {
                some.push(line(y - away));
                if away > 0 {
                    some.push(line(y + away));
                }
                if some.remaining_capacity() < 2 || away == down {
                    if whole {
                        lines::with_rows(cpu.level(), pass.extreme, &some, column);
                    } else {
                        lines::of_rows(cpu.level(), pass.extreme, &some, column);
                    }
                    whole = true;
                    some.clear();
                }
            }
            // What is found so far is that wide, with the margins that are still needed.
            let across = rectangle.across;
            let wide = row_bytes + 2 * across * channels;
            let skip = (radius - across) * channels;
            let column = column.get(skip..skip + wide).unwrap_or_default();
            match before {
                None => found.get_mut(..wide).unwrap_or_default().copy_from_slice(column),
                Some((wider, _)) => {
                    let to = match across {
                        0 => &mut *output,
                        _ => spread.get_mut(..wide).unwrap_or_default(),
                    };
                    let taps = 2 * (wider - across) + 1;
                    let spare = [&mut *one, &mut *other];
                    let level = cpu.level();
                    let around = (&*found, channels, taps);
                    lines::of_neighbours(level, pass.extreme, around, &[column], to, spare);
                    std::mem::swap(&mut found, &mut spread);
                }
            }
            before = Some((across, down));
        }
    }
}
