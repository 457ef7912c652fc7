//! The tiles of an image, and the table that each makes.

use super::luma::{Counter, Histogram};
use crate::border::Border;
use crate::{Cpu, PooledBuffer, Size};

/// How an image is cut into tiles of the same size. Where it is not a multiple of them, it is
/// mirrored beyond its edges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    pub(super) across: usize,
    pub(super) down: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    /// How often a level may occur in a tile; 0 for any number of times.
    pub(super) limit: u32,
}

impl Tiles {
    pub(super) fn new(size: Size, (across, down): (usize, usize), clip_limit: f64) -> Self {
        let (width, height) = (size.width(), size.height());
        let fits = width.is_multiple_of(across) && height.is_multiple_of(down);
        // OpenCV makes a side that fits larger, too, if the other one does not.
        let larger =
            |side: usize, tiles: usize| if fits { side } else { side + tiles - side % tiles };
        let (width, height) = (larger(width, across) / across, larger(height, down) / down);
        let limit = (clip_limit * (width * height) as f64 / 256.0) as u32;
        let limit = if clip_limit > 0.0 { limit.max(1) } else { 0 };
        Self { across, down, width, height, limit }
    }

    /// For each tile, row by row of them, a list of 256.
    pub(super) fn luts<'a>(
        &self,
        cpu: &Cpu,
        size: Size,
        row: impl Fn(usize) -> &'a [u8] + Sync,
    ) -> PooledBuffer {
        let mut luts = cpu.take(256 * self.across * self.down);
        let row_of_tiles = 256 * self.across;
        // A row of tiles at a time: so the image is read row by row.
        cpu.bands_from(size.pixels(), &mut luts, row_of_tiles, 1, |tiles, luts| {
            for (y, luts) in tiles.zip(luts.chunks_exact_mut(row_of_tiles)) {
                for (x, lut) in luts.chunks_exact_mut(256).enumerate() {
                    self.lut(cpu, size, &row, (x, y), lut);
                }
            }
        });
        luts
    }

    fn lut<'a>(
        &self,
        cpu: &Cpu,
        size: Size,
        row: &impl Fn(usize) -> &'a [u8],
        (tile_x, tile_y): (usize, usize),
        lut: &mut [u8],
    ) {
        let mut counter = Counter::new();
        let (left, right) = (tile_x * self.width, (tile_x + 1) * self.width);
        let rows = tile_y * self.height..(tile_y + 1) * self.height;
        for y in cpu.watched(rows, self.width) {
            let y = Border::Reflect101.index(y as isize, size.height()).unwrap_or(0);
            let row = row(y);
            let inside = left.min(row.len())..right.min(row.len());
            counter.add(row.get(inside).unwrap_or_default());
            for x in left.max(row.len())..right {
                let x = Border::Reflect101.index(x as isize, row.len()).unwrap_or(0);
                counter.add(row.get(x..=x).unwrap_or_default());
            }
        }
        let mut histogram = counter.histogram();
        self.clip(&mut histogram);
        // The same floats as OpenCV's.
        let scale = 255.0 / (self.width * self.height) as f32;
        let mut sum = 0;
        for (to, count) in lut.iter_mut().zip(histogram) {
            sum += count;
            *to = (sum as f32 * scale).round_ties_even() as u8;
        }
    }

    /// Spreads evenly what is beyond the limit.
    fn clip(&self, histogram: &mut Histogram) {
        if self.limit == 0 {
            return;
        }
        let mut clipped = 0;
        for count in histogram.iter_mut() {
            clipped += count.saturating_sub(self.limit);
            *count = (*count).min(self.limit);
        }
        let (each, rest) = (clipped / 256, clipped % 256);
        histogram.iter_mut().for_each(|count| *count += each);
        if let Some(step) = 256_u32.checked_div(rest) {
            let some = histogram.iter_mut().step_by(step.max(1) as usize);
            some.take(rest as usize).for_each(|count| *count += 1);
        }
    }
}
