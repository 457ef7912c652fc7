//! Interpolates between the tables of four tiles.

#![allow(clippy::indexing_slicing, reason = "a byte indexes lists of 256; others are cut to fit")]

use super::tiles::Tiles;
use crate::Cpu;
use crate::scratch::Scratch;
use crate::simd::{Level, simd_levels};

/// Pixels at a time.
const BLOCK: usize = 256;

/// Makes row by row.
pub(super) struct Rows<'a> {
    tiles: &'a Tiles,
    luts: &'a [u8],
    /// How much the right one of two tiles counts, for each column.
    right: Scratch<f32>,
    /// For each pair of neighbouring columns of tiles, a list of what their four tiles make of each
    /// level: upper left, upper right, lower left, lower right.
    fours: Scratch<u32>,
    /// The upper row of tiles that `fours` is about; the first counts 0, and stands for none.
    upper: Option<usize>,
}

/// Between which two of so many tiles a pixel lies, and how much the second counts. The first tile
/// counts 1: 0 and one beyond the last stand for their neighbours.
fn between(at: usize, per_tile: f32, tiles: usize) -> (usize, f32) {
    let place = at as f32 * per_tile - 0.5;
    let first = place.floor();
    (((first + 1.0) as usize).min(tiles), place - first)
}

impl<'a> Rows<'a> {
    pub(super) fn new(cpu: &Cpu, tiles: &'a Tiles, luts: &'a [u8], width: usize) -> Self {
        let mut right = Scratch::take(cpu.pool(), width);
        let per_tile = 1.0 / tiles.width as f32;
        for (x, right) in right.as_mut().iter_mut().enumerate() {
            *right = between(x, per_tile, tiles.across).1;
        }
        let fours = Scratch::take(cpu.pool(), 256 * (tiles.across + 1));
        Self { tiles, luts, right, fours, upper: None }
    }

    /// Row `y` of the result from that of luma.
    pub(super) fn render(&mut self, level: Level, y: usize, luma: &[u8], to: &mut [u8]) {
        let (upper, lower_part) = between(y, 1.0 / self.tiles.height as f32, self.tiles.down);
        if self.upper != Some(upper) {
            self.prepare(upper);
            self.upper = Some(upper);
        }
        let per_tile = 1.0 / self.tiles.width as f32;
        let (mut start, mut fours) = (0, self.fours.as_slice());
        for left in 0..=self.tiles.across {
            // As far as the same tiles count.
            let mut end = (left * self.tiles.width + self.tiles.width / 2).min(luma.len());
            while end < luma.len() && between(end, per_tile, self.tiles.across).0 <= left {
                end += 1;
            }
            while end > start && between(end - 1, per_tile, self.tiles.across).0 > left {
                end -= 1;
            }
            let (list, rest) = fours.split_at_checked(256).unwrap_or_default();
            fours = rest;
            let Some(list) = list.first_chunk() else { return };
            let end = end.max(start);
            let part = start..end;
            let right = &self.right.as_slice()[part.clone()];
            row(level, list, lower_part, right, &luma[part.clone()], &mut to[part]);
            start = end;
        }
    }

    fn prepare(&mut self, upper: usize) {
        let (across, down) = (self.tiles.across, self.tiles.down);
        // The neighbour of one that does not exist.
        let rows = [upper.saturating_sub(1), upper.min(down - 1)];
        for (left, list) in self.fours.as_mut().chunks_exact_mut(256).enumerate() {
            let columns = [left.saturating_sub(1), left.min(across - 1)];
            let lut = |row: usize, column: usize| {
                let start = 256 * (rows[row] * across + columns[column]);
                &self.luts[start..start + 256]
            };
            let luts = [lut(0, 0), lut(0, 1), lut(1, 0), lut(1, 1)];
            for (at, four) in list.iter_mut().enumerate() {
                *four = u32::from_le_bytes(luts.map(|lut| lut[at]));
            }
        }
    }
}

simd_levels! {
    fn row(list: &[u32; 256], lower: f32, right: &[f32], luma: &[u8], to: &mut [u8]) {
        let upper = 1.0 - lower;
        let mut fours = [0_u32; BLOCK];
        let blocks = to.chunks_mut(BLOCK).zip(luma.chunks(BLOCK)).zip(right.chunks(BLOCK));
        for ((to, luma), right) in blocks {
            for (four, luma) in fours.iter_mut().zip(luma) {
                *four = list[usize::from(*luma)];
            }
            for ((to, four), right) in to.iter_mut().zip(&fours).zip(right) {
                let left = 1.0 - *right;
                let part = |at: u32| (*four >> (8 * at) & 0xff) as f32;
                // In OpenCV's order.
                let above = part(0) * left + part(1) * *right;
                let below = part(2) * left + part(3) * *right;
                let value = above * upper + below * lower;
                *to = super::super::spaces::hsv::round(value) as u8;
            }
        }
    }
}
