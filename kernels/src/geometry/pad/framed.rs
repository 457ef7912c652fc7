//! A frame of one colour.

use std::ops::Range;

use super::{Pad, fill};
use crate::simd::prefetch;
use crate::{Cpu, Shape, Window};

/// Those rows of the result, which has that shape.
///
/// What lies between a row of the image and the next one is filled at once: two short pieces would
/// take 4 % longer on 1920×1080, and a third on 640×480.
pub(super) fn render(
    pad: &Pad,
    cpu: &Cpu,
    input: &Window<'_>,
    shape: Shape,
    pixel: &[u8],
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (left, right) = (pad.left * pixel.len(), pad.right * pixel.len());
    let ask = prefetch::pays(shape.bytes());
    let (mut frame, mut rest) = (0, output);
    for y in cpu.watched(rows, shape.row_bytes()) {
        let Some(y) = y.checked_sub(pad.top).filter(|y| *y < input.height()) else {
            frame += shape.row_bytes();
            continue;
        };
        let source = input.row(y);
        let (before, from_row) = rest.split_at_mut_checked(frame + left).unwrap_or_default();
        let (row, after) = from_row.split_at_mut_checked(source.len()).unwrap_or_default();
        fill::row(before, pixel);
        if ask {
            prefetch::prefetch(after.get(..shape.row_bytes()).unwrap_or_default());
        }
        row.copy_from_slice(source);
        (frame, rest) = (right, after);
    }
    if !cpu.is_interrupted() {
        fill::row(rest, pixel);
    }
}
