//! Draws spans over rows.

use std::ops::Range;

use super::raster::{Drawing, Span};
use crate::privacy::pixel;
use crate::{Cpu, PixelFormat, Window};

/// Makes rows `rows` of the result.
pub(super) fn render(
    drawing: &Drawing,
    cpu: &Cpu,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (format, row_bytes) = (input.shape().format, input.shape().row_bytes());
    let mut spans = cpu.watch(row_bytes);
    for (y, line) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
        line.copy_from_slice(input.row(y));
        for span in drawing.row(y) {
            // There may be hundreds over the whole width.
            if spans.is_over() {
                return;
            }
            let Some((columns, coverage)) = clip(span, input.width()) else { continue };
            let samples = columns.start * format.channels()..columns.end * format.channels();
            let coverage = coverage.map(|at| drawing.coverage().get(at..).unwrap_or_default());
            let part = line.get_mut(samples).unwrap_or_default();
            let color = target(span.color, format);
            match format {
                PixelFormat::Rgb8 => paint::<3>(color, coverage, part),
                PixelFormat::Rgba8 => paint::<4>(color, coverage, part),
                _ => paint::<1>(color, coverage, part),
            }
        }
    }
}

/// The columns of a span that are in an image, and where the coverage of the first is.
pub(super) fn clip(span: &Span, width: usize) -> Option<(Range<usize>, Option<usize>)> {
    let start = usize::try_from(span.x.max(0)).ok()?;
    let end = usize::try_from(span.x + i64::try_from(span.len).ok()?).ok()?.min(width);
    let cut = usize::try_from(start as i64 - span.x).ok()?;
    (start < end).then_some((start..end, span.coverage.map(|at| at + cut)))
}

/// The pixel where the colour covers all of it, and the opacity of the colour.
pub(super) fn target(color: [u8; 4], format: PixelFormat) -> ([u8; 4], u8) {
    let [first, second, third, opacity] = pixel(color, format);
    ([first, second, third, u8::MAX], opacity)
}

fn paint<const C: usize>((color, opacity): ([u8; 4], u8), coverage: Option<&[u8]>, to: &mut [u8]) {
    let pixels = to.as_chunks_mut::<C>().0;
    let Some(color) = color.first_chunk::<C>() else { return };
    match coverage {
        None if opacity == u8::MAX => pixels.fill(*color),
        None => pixels.iter_mut().for_each(|to| *to = mix(*to, *color, opacity)),
        Some(coverage) => {
            for (to, covered) in pixels.iter_mut().zip(coverage) {
                *to = mix(*to, *color, over_255(u32::from(opacity) * u32::from(*covered)));
            }
        }
    }
}

fn mix<const C: usize>(from: [u8; C], color: [u8; C], opacity: u8) -> [u8; C] {
    let (opacity, rest) = (u32::from(opacity), u32::from(u8::MAX - opacity));
    let mut mixed = from;
    for (to, color) in mixed.iter_mut().zip(color) {
        *to = over_255(u32::from(*to) * rest + u32::from(color) * opacity);
    }
    mixed
}

/// Divides a product of two bytes by 255, rounding to nearest.
fn over_255(product: u32) -> u8 {
    ((product + 127) / 255) as u8
}
