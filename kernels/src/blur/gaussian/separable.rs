//! Two passes: down the columns into one row of sums, then along that row.
//!
//! The vertical pass comes first, so that only one row of sums exists at a time: it and the few
//! input rows that it needs stay in the first-level cache, and nothing is computed twice. The
//! order does not matter to the result: both passes are exact (a sum of 256 × 255 fits 16 bits),
//! and the second rounds once, to nearest.

use std::ops::Range;

use super::along::along;
use super::down::down;
use super::sums::ZERO;
use super::weights::{Kernel, MAX_TAPS};
use crate::border::Border;
use crate::scratch::Scratch;
use crate::{Cpu, Window};

/// Makes rows `rows` of the blurred image.
pub(super) fn render(
    cpu: &Cpu,
    kernel: &Kernel,
    border: Border,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (level, channels, row_bytes) = (cpu.level(), input.channels(), input.shape().row_bytes());
    let margin = kernel.radius() * channels;
    let extended = row_bytes + 2 * margin;
    // The last tap makes a pair with one more, which counts for nothing.
    let mut scratch = Scratch::<u16>::with_margin(cpu.pool(), extended + 1, margin);
    let sums = scratch.as_mut();
    // Only a constant border needs it.
    let mut zeros = cpu.take(if border == Border::Constant { row_bytes } else { 0 });
    zeros.fill(0);
    let mut around: [&[u8]; MAX_TAPS] = [&[]; MAX_TAPS];
    for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        for (tap, slot) in around.iter_mut().take(kernel.weights().len()).enumerate() {
            let at = (y + tap) as isize - kernel.radius() as isize;
            *slot = input.bordered_row(at, border).unwrap_or(&zeros);
        }
        let taps = around.get(..kernel.weights().len()).unwrap_or_default();
        if let Some(middle) = sums.get_mut(margin..margin + row_bytes) {
            down(level, taps, kernel.weights(), middle);
        }
        if let Some(sums) = sums.get_mut(..extended) {
            border.extend_with(ZERO, sums, kernel.radius(), channels);
        }
        along(level, sums, kernel.weights(), channels, output);
    }
}
