//! The positions in the input of the pixels of a row, in OpenCV's fixed-point numbers.

use super::{Filter, Map};
use crate::cpu::Cpu;
use crate::scratch::Scratch;
use crate::simd::simd_levels;
use crate::{Size, simd::Level};

/// Fractional bits of positions between pixels.
pub(super) const FRACTION: u32 = 5;
/// Fractional bits of the steps from pixel to pixel of an affine map.
const STEP_FRACTION: u32 = 10;
/// Larger positions are cut to it, so that the sum of two does not overflow.
const FARTHEST: f64 = ((1_i32 << 30) - 1024) as f64;
/// A number of doubles next to which whole numbers are neighbours: adding it rounds to nearest,
/// half to even, and the low half of its bits is the result.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// Positions of the pixels of one row: whole for nearest, with [`FRACTION`] bits otherwise.
pub(super) struct Positions {
    x: Scratch<i32>,
    y: Scratch<i32>,
    /// The numbers that an affine map adds for each column.
    across: Option<[Scratch<i32>; 2]>,
    /// Rows of a block: OpenCV computes positions from the left edge of blocks.
    block: usize,
    limit: i32,
    shift: u32,
}

impl Positions {
    pub(super) fn new(cpu: &Cpu, map: &Map, filter: Filter, input: Size, output: Size) -> Self {
        let (pool, width) = (cpu.pool(), output.width());
        let across = match map {
            Map::Affine([a, _, _, d, ..]) => Some([*a, *d].map(|step| {
                let mut list = Scratch::take(pool, width);
                steps(cpu.level(), step, list.as_mut());
                list
            })),
            Map::Perspective(_) => None,
        };
        let (x, y) = (Scratch::take(pool, width), Scratch::take(pool, width));
        let block = block_width(output);
        Self { x, y, across, block, limit: limit(input), shift: shift(filter) }
    }

    /// The positions x and y for a row of the result.
    pub(super) fn row(&mut self, level: Level, map: &Map, filter: Filter, y: usize) -> [&[i32]; 2] {
        let (to_x, to_y) = (self.x.as_mut(), self.y.as_mut());
        match (map, &self.across) {
            (Map::Affine(_), Some([across_x, across_y])) => {
                let [x, y] = affine_start(map, filter, y);
                let bits = if filter == Filter::Nearest { 0 } else { FRACTION };
                add(level, across_x.as_slice(), x, self.shift, bits, self.limit, to_x);
                add(level, across_y.as_slice(), y, self.shift, bits, self.limit, to_y);
            }
            (Map::Perspective(matrix), _) => {
                let scale = if filter == Filter::Nearest { 1.0 } else { 32.0 };
                let bits = if filter == Filter::Nearest { 0 } else { FRACTION };
                let blocks = to_x.chunks_mut(self.block).zip(to_y.chunks_mut(self.block));
                for (index, (to_x, to_y)) in blocks.enumerate() {
                    let left = (index * self.block) as f64;
                    let ends = (scale, bits, self.limit);
                    divide(level, matrix, [left, y as f64], ends, to_x, to_y);
                }
            }
            (Map::Affine(_), None) => {}
        }
        [self.x.as_slice(), self.y.as_slice()]
    }
}

/// Bits of the sum of steps that are not needed.
pub(super) fn shift(filter: Filter) -> u32 {
    if filter == Filter::Nearest { STEP_FRACTION } else { STEP_FRACTION - FRACTION }
}

/// The farthest position in whole pixels: as in OpenCV, whose positions have 16 bits, unless the
/// image is larger.
pub(super) fn limit(input: Size) -> i32 {
    let most = i16::MAX as usize;
    if input.width() <= most && input.height() <= most { i32::from(i16::MAX) } else { 1 << 20 }
}

/// The width of OpenCV's blocks.
pub(super) fn block_width(output: Size) -> usize {
    let height = output.height().min(16);
    (1024 / height).min(output.width())
}

/// The start of a row of an affine map, plus half a step to round to nearest.
pub(super) fn affine_start(map: &Map, filter: Filter, y: usize) -> [i32; 2] {
    let Map::Affine([_, b, c, _, e, f]) = map else { return [0; 2] };
    let half = (1_i32 << shift(filter)) / 2;
    let y = y as f64;
    [b * y + c, e * y + f].map(|start| whole(start * 1024.0) + half)
}

/// Rounds to nearest, halves to even, within a range in which sums do not overflow.
#[inline(always)]
#[allow(clippy::manual_clamp, reason = "what is no number becomes one, as on a GPU")]
fn whole(value: f64) -> i32 {
    (value.max(-FARTHEST).min(FARTHEST) + WHOLE).to_bits() as i32
}

/// The numbers that an affine map adds for each column.
pub(super) fn steps(level: Level, step: f64, to: &mut [i32]) {
    columns(level, step, to);
}

simd_levels! {
    fn columns(step: f64, to: &mut [i32]) {
        for (at, to) in to.iter_mut().enumerate() {
            *to = whole(step * f64::from(at as i32) * 1024.0);
        }
    }
}

/// Limits the whole part of a position, which is followed by `bits` fractional bits.
#[inline(always)]
fn cut(position: i32, bits: u32, limit: i32) -> i32 {
    let inside = (position >> bits).clamp(-limit - 1, limit);
    (inside << bits) | (position & ((1 << bits) - 1))
}

simd_levels! {
    fn add(across: &[i32], start: i32, shift: u32, bits: u32, limit: i32, to: &mut [i32]) {
        for (to, across) in to.iter_mut().zip(across) {
            *to = cut((start + across) >> shift, bits, limit);
        }
    }
}

simd_levels! {
    fn divide(
        matrix: &[f64; 9],
        corner: [f64; 2],
        ends: (f64, u32, i32),
        to_x: &mut [i32],
        to_y: &mut [i32],
    ) {
        let [a, b, c, d, e, f, g, h, i] = *matrix;
        let ([left, y], (scale, bits, limit)) = (corner, ends);
        let (x0, y0, w0) = (a * left + b * y + c, d * left + e * y + f, g * left + h * y + i);
        for (at, (to_x, to_y)) in to_x.iter_mut().zip(to_y).enumerate() {
            let at = f64::from(at as i32);
            let w = w0 + g * at;
            let factor = if w == 0.0 { 0.0 } else { scale / w };
            *to_x = cut(whole((x0 + a * at) * factor), bits, limit);
            *to_y = cut(whole((y0 + d * at) * factor), bits, limit);
        }
    }
}
