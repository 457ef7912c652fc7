//! Rows of a redacted image: copies, with the regions put over them.
//!
//! What a pixel becomes depends on the input only, not on the region that it is in: regions may
//! overlap in any order.

#![allow(
    clippy::indexing_slicing,
    reason = "regions are clipped to the image, and blocks cover the regions"
)]

use std::ops::Range;

use super::region::Part;
use super::{Mode, Redact};
use crate::effect::spread;
use crate::privacy::pixel;
use crate::scratch::Scratch;
use crate::simd::simd_levels;
use crate::{Cpu, Window};

/// Fractional bits of the weights of two neighbouring blocks.
pub(super) const BITS: u32 = 11;

/// Makes rows `rows` of the result.
pub(super) fn render(
    redact: &Redact,
    cpu: &Cpu,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let row_bytes = input.shape().row_bytes();
    match input.packed(rows.clone()).filter(|_| !cpu.can_be_interrupted()) {
        Some(all) => output.copy_from_slice(all),
        None => {
            let lines = cpu.watched(output.chunks_exact_mut(row_bytes), row_bytes);
            rows.clone().zip(lines).for_each(|(y, to)| to.copy_from_slice(input.row(y)));
        }
    }
    for part in redact.regions.iter().filter_map(|region| region.within(input.shape())) {
        let clipped = part.rows.start.max(rows.start)..part.rows.end.min(rows.end);
        if clipped.is_empty() || cpu.is_interrupted() {
            continue;
        }
        let first = (clipped.start - rows.start) * row_bytes;
        let end = (clipped.end - rows.start) * row_bytes;
        let part = Part { rows: clipped, ..part };
        let lines = &mut output[first..end];
        match redact.mode {
            Mode::Fill => fill(redact, cpu, input, &part, lines),
            Mode::Pixelate => pixelate(redact, cpu, input, &part, lines),
            Mode::Blur => blur(redact, cpu, input, &part, lines),
        }
    }
}

/// `lines` are the whole rows of the part, in all of these.
fn fill(redact: &Redact, cpu: &Cpu, input: &Window<'_>, part: &Part, lines: &mut [u8]) {
    let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
    let samples = part.columns.start * channels..part.columns.end * channels;
    let pixel = pixel(redact.color, input.shape().format);
    let (first, others) = lines.split_at_mut(row_bytes);
    let first = &mut first[samples.clone()];
    first.chunks_exact_mut(channels).for_each(|to| to.copy_from_slice(&pixel[..channels]));
    for other in cpu.watched(others.chunks_exact_mut(row_bytes), row_bytes) {
        other[samples.clone()].copy_from_slice(first);
    }
}

fn pixelate(redact: &Redact, cpu: &Cpu, input: &Window<'_>, part: &Part, lines: &mut [u8]) {
    let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
    let blocks = redact.blocks(input.shape());
    let across = part.columns.start / blocks.side()..part.columns.end.div_ceil(blocks.side());
    let columns = blocks.columns(across.clone());
    let mut means = cpu.take(across.len() * channels);
    let mut pixels = cpu.take(columns.len() * channels);
    let inner = (part.columns.start - columns.start) * channels
        ..(part.columns.end - columns.start) * channels;
    let to = part.columns.start * channels..part.columns.end * channels;
    let mut made = None;
    for (y, line) in
        cpu.watched(part.rows.clone(), row_bytes).zip(lines.chunks_exact_mut(row_bytes))
    {
        let row = y / blocks.side();
        if made != Some(row) {
            blocks.means(cpu, input, row, across.clone(), &mut means);
            spread(channels, blocks.side(), &means, &mut pixels);
            made = Some(row);
        }
        line[to.clone()].copy_from_slice(&pixels[inner.clone()]);
    }
}

/// Between which two of `count` blocks of that many pixels a pixel is, from centre to centre, and
/// how near to the second: the weight of that.
#[inline(always)]
pub(super) fn between(at: usize, side: usize, count: usize) -> (usize, usize, u32) {
    // In halves of a pixel, from the centre of a block before the first on.
    let position = 2 * at + 1 + side;
    let (block, rest) = (position / (2 * side), position % (2 * side));
    let weight = ((rest << BITS) + side) / (2 * side);
    let inside = |block: usize| block.clamp(1, count) - 1;
    (inside(block), inside(block + 1), weight as u32)
}

fn blur(redact: &Redact, cpu: &Cpu, input: &Window<'_>, part: &Part, lines: &mut [u8]) {
    let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
    let blocks = redact.blocks(input.shape());
    let (side, count) = (blocks.side(), blocks.across());
    let first = between(part.columns.start, side, count).0;
    let last = between(part.columns.end - 1, side, count).1;
    let mut means = cpu.take((last + 1 - first) * channels);
    let samples = part.columns.len() * channels;
    let (mut above, mut below) =
        (Scratch::<u32>::take(cpu.pool(), samples), Scratch::take(cpu.pool(), samples));
    let mut make = |row: usize, to: &mut [u32]| {
        blocks.means(cpu, input, row, first..last + 1, &mut means);
        for (x, to) in part.columns.clone().zip(to.chunks_exact_mut(channels)) {
            let (left, right, weight) = between(x, side, count);
            let left = &means[(left - first) * channels..][..channels];
            let right = &means[(right - first) * channels..][..channels];
            for ((left, right), to) in left.iter().zip(right).zip(to) {
                *to = u32::from(*left) * ((1 << BITS) - weight) + u32::from(*right) * weight;
            }
        }
    };
    let to = part.columns.start * channels..part.columns.end * channels;
    // The rows of blocks that `above` and `below` are of.
    let mut made = (None, None);
    for (y, line) in
        cpu.watched(part.rows.clone(), row_bytes).zip(lines.chunks_exact_mut(row_bytes))
    {
        let (upper, lower, weight) = between(y, side, blocks.down());
        if made.0 != Some(upper) {
            if made.1 == Some(upper) {
                std::mem::swap(&mut above, &mut below);
                made.1 = None;
            } else {
                make(upper, above.as_mut());
            }
            made.0 = Some(upper);
        }
        if made.1 != Some(lower) {
            make(lower, below.as_mut());
            made.1 = Some(lower);
        }
        mix(cpu.level(), above.as_slice(), below.as_slice(), weight, &mut line[to.clone()]);
    }
}

simd_levels! {
    fn mix(above: &[u32], below: &[u32], weight: u32, to: &mut [u8]) {
        let rest = (1 << BITS) - weight;
        for ((above, below), to) in above.iter().zip(below).zip(to) {
            // At most 255 × 2^22, and a half.
            *to = ((above * rest + below * weight + (1 << (2 * BITS - 1))) >> (2 * BITS)) as u8;
        }
    }
}
