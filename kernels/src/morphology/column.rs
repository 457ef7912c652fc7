//! The extreme of some rows above and below each row, at a cost that does not grow with their
//! number: after van Herk, and Gil and Werman.
//!
//! Rows are grouped into blocks as high as the window. A window is the end of one block and the
//! start of the next: the extremes of all ends of a block are computed once, from its last row
//! upwards; those of the starts, row by row.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::{Extreme, Outside, lines};
use crate::{Cpu, PooledBuffer, Window};

/// Up to here, looking at each row of a window is faster.
const FEW: usize = lines::MOST;

/// Windows of `2 * radius + 1` rows.
pub(super) struct Columns<'a, 'b> {
    pub(super) cpu: &'a Cpu,
    pub(super) extreme: Extreme,
    pub(super) outside: Outside,
    pub(super) radius: usize,
    pub(super) input: &'a Window<'b>,
}

impl Columns<'_, '_> {
    /// A row of what stands beyond the edge; empty if that is made of the image.
    pub(super) fn beyond(&self) -> PooledBuffer {
        let needed = self.outside.index(-1, self.input.height()).is_none();
        let mut row = self.cpu.take(if needed { self.input.shape().row_bytes() } else { 0 });
        row.fill(self.outside.sample(self.extreme));
        row
    }

    /// The row at that height, also beyond the edge.
    pub(super) fn row<'r>(&'r self, y: isize, beyond: &'r [u8]) -> &'r [u8] {
        match self.outside.index(y, self.input.height()) {
            Some(y) => self.input.row(y),
            None => beyond,
        }
    }

    /// Calls `each` with the height of each of those rows, and the place where its extreme is to
    /// be; `into` is a row of that length, cut out of something larger perhaps.
    pub(super) fn each(
        &self,
        rows: Range<usize>,
        line: &mut [u8],
        into: Range<usize>,
        mut each: impl FnMut(usize, &mut [u8]),
    ) {
        let beyond = self.beyond();
        let taps = 2 * self.radius + 1;
        if taps <= FEW || rows.len() < 4 {
            for y in rows {
                if let Some(to) = line.get_mut(into.clone()) {
                    self.direct(y, &beyond, to);
                }
                each(y, line);
            }
            return;
        }
        let row_bytes = into.len();
        let mut block = self.cpu.take(row_bytes * taps);
        let mut running = self.cpu.take(row_bytes);
        let nothing = self.extreme.neutral();
        // The window of the first row ends with a block.
        let start = rows.start as isize - self.radius as isize;
        for at in 0..taps + rows.len() - 1 {
            let slot = at % taps;
            if slot == 0 {
                running.fill(nothing);
            }
            let row = self.row(start + at as isize, &beyond);
            let (before, after) = block.split_at_mut((slot + 1) * row_bytes);
            let slot_row = before.get_mut(slot * row_bytes..).unwrap_or_default();
            if at + 1 < taps {
                lines::with_rows(self.cpu.level(), self.extreme, &[row], &mut running);
                slot_row.copy_from_slice(row);
                continue;
            }
            if let Some(to) = line.get_mut(into.clone()) {
                // The last of a block is a window of its own.
                let rest = after.get(..row_bytes).unwrap_or(row);
                lines::step(self.cpu.level(), self.extreme, row, &mut running, rest, slot_row, to);
            }
            each(rows.start + at + 1 - taps, line);
            if slot + 1 == taps {
                self.ends(&mut block, row_bytes);
            }
        }
    }

    /// From rows of a block to the extremes of its ends, in place.
    fn ends(&self, block: &mut [u8], row_bytes: usize) {
        let mut rest = block;
        while let Some(at) = rest.len().checked_sub(2 * row_bytes) {
            let (above, below) = rest.split_at_mut(at + row_bytes);
            let above = above.get_mut(at..).unwrap_or_default();
            lines::with_rows(self.cpu.level(), self.extreme, &[below], above);
            let len = rest.len() - row_bytes;
            rest = rest.get_mut(..len).unwrap_or_default();
        }
    }

    /// Each row of the window.
    fn direct(&self, y: usize, beyond: &[u8], to: &mut [u8]) {
        let first = y as isize - self.radius as isize;
        let all = first..=first + 2 * self.radius as isize;
        let mut written = false;
        let mut some = ArrayVec::<&[u8], FEW>::new();
        for y in all {
            some.push(self.row(y, beyond));
            if some.is_full() {
                self.fold(&some, to, &mut written);
                some.clear();
            }
        }
        self.fold(&some, to, &mut written);
    }

    fn fold(&self, rows: &[&[u8]], to: &mut [u8], written: &mut bool) {
        match (rows, *written) {
            ([], _) => {}
            (_, true) => lines::with_rows(self.cpu.level(), self.extreme, rows, to),
            (_, false) => lines::of_rows(self.cpu.level(), self.extreme, rows, to),
        }
        *written = true;
    }
}
