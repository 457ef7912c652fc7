//! The GPU half of `draw`: for each row, a list of its spans in order.

use super::cpu::{clip, target};
use super::raster::Drawing;
use crate::Shape;
use crate::cuda::{Argument, CudaProgram, Launch};
use crate::privacy::{CUDA, copy};

/// Threads of a block, across and down: a pixel each.
const THREADS: (usize, usize) = (32, 4);

pub(super) fn program(drawing: &Drawing, input: Shape) -> Option<CudaProgram> {
    let int = |value: usize| i32::try_from(value).ok();
    let (width, height) = (input.size.width(), input.size.height());
    if drawing.is_empty() {
        let (scratch, data) = (Vec::new(), Vec::new());
        return Some(CudaProgram { scratch, data, launches: vec![copy(input)?] });
    }
    // Where the spans of each row begin, then where the last end; then four numbers a span.
    let (mut rows, mut spans) = (Vec::new(), Vec::new());
    for y in 0..height {
        rows.push(int(spans.len() / 4)?);
        for span in drawing.row(y) {
            let Some((columns, coverage)) = clip(span, width) else { continue };
            let ([first, second, third, _], opacity) = target(span.color, input.format);
            spans.push(int(columns.start)?);
            spans.push(int(columns.end)?);
            spans.push(i32::from_le_bytes([first, second, third, opacity]));
            spans.push(coverage.map_or(Some(-1), int)?);
        }
    }
    rows.push(int(spans.len() / 4)?);
    let bytes = |numbers: &[i32]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    // A buffer has at least a byte.
    let coverage = [drawing.coverage(), &[0]].concat();
    let blocks = |pixels: usize, each: usize| u32::try_from(pixels.div_ceil(each)).ok();
    let launch = Launch {
        source: &CUDA,
        kernel: "privacy_draw",
        grid: (blocks(width, THREADS.0)?, blocks(height, THREADS.1)?),
        block: (THREADS.0 as u32, THREADS.1 as u32),
        shared_bytes: 0,
        arguments: vec![
            Argument::Input,
            Argument::Output,
            Argument::Int(int(width)?),
            Argument::Int(int(height)?),
            Argument::Int(int(input.format.channels())?),
            Argument::Data(0),
            Argument::Data(1),
            Argument::Data(2),
        ],
    };
    // No spans in the image: still a list.
    spans.extend([0; 4]);
    let data = vec![bytes(&rows), bytes(&spans), coverage];
    Some(CudaProgram { scratch: Vec::new(), data, launches: vec![launch] })
}
