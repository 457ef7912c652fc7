//! Helpers of operations that compare an image with its blur.

use std::ops::Range;

use crate::blur::gaussian::Gaussian;
use crate::border::Border;
use crate::simd::Level;
use crate::{Cpu, PixelFormat, Reach, Window, alpha};

/// Bytes of the result that are blurred, then compared: few enough to stay in the nearest cache.
const STRIP_BYTES: usize = 16 << 10;

/// The rows that a row of the result depends on.
pub(super) fn reach(gaussian: &Gaussian) -> Reach {
    match gaussian.border() {
        Border::Wrap => Reach::Anywhere,
        _ => Reach::Near(gaussian.radius()),
    }
}

/// Makes rows `rows`: `compare` gets a row of the input and the blurred row, which it turns into
/// the result. Transparency is kept.
pub(super) fn render(
    cpu: &Cpu,
    gaussian: &Gaussian,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
    compare: impl Fn(Level, &[u8], &mut [u8]),
) {
    let row_bytes = input.shape().row_bytes();
    let strip_rows = (STRIP_BYTES / row_bytes).clamp(4, 64);
    let strips = output.chunks_mut(strip_rows * row_bytes);
    for (strip, output) in cpu.watched(strips, strip_rows * row_bytes).enumerate() {
        let first = rows.start + strip * strip_rows;
        let strip = first..first + output.len() / row_bytes;
        gaussian.render(cpu, input, strip.clone(), output);
        for (y, to) in strip.zip(output.chunks_exact_mut(row_bytes)) {
            let from = input.row(y);
            compare(cpu.level(), from, to);
            if input.shape().format == PixelFormat::Rgba8 {
                alpha::keep(cpu.level(), from, to);
            }
        }
    }
}
