//! The frame on the left and right of a row, made from the row itself.

use std::ops::Range;

use super::fill;
use crate::border::Border;
use crate::geometry::flip::reverse;
use crate::simd::Level;

/// How rows go on beyond their ends.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) level: Level,
    pub(super) border: Border,
    /// Pixels of a row.
    pub(super) width: usize,
    /// Samples of a pixel.
    pub(super) channels: usize,
}

impl Beside {
    /// Fills those pixels, which end where the row starts.
    pub(super) fn before(&self, row: &[u8], to: &mut [u8], count: usize) {
        let run = self.run(count);
        let close = match self.border {
            Border::Wrap => self.width - run..self.width,
            Border::Reflect101 => 1..1 + run,
            _ => 0..run,
        };
        let far = (count - run) * self.channels;
        let (far, near) = to.split_at_mut_checked(far).unwrap_or_default();
        self.side_by_side(row, close, near);
        self.one_by_one(row, -count.cast_signed(), far);
    }

    /// Fills those pixels, which start where the row ends.
    pub(super) fn after(&self, row: &[u8], to: &mut [u8], count: usize) {
        let run = self.run(count);
        let close = match self.border {
            Border::Wrap => 0..run,
            Border::Reflect101 => self.width - 1 - run..self.width - 1,
            _ => self.width - run..self.width,
        };
        let far = run * self.channels;
        let (near, far) = to.split_at_mut_checked(far).unwrap_or_default();
        self.side_by_side(row, close, near);
        self.one_by_one(row, (self.width + run).cast_signed(), far);
    }

    /// How many of those pixels, the ones next to the row, lie side by side in it, too.
    fn run(&self, count: usize) -> usize {
        match self.border {
            Border::Reflect | Border::Wrap => self.width.min(count),
            Border::Reflect101 => (self.width - 1).min(count),
            Border::Replicate | Border::Constant => 0,
        }
    }

    fn side_by_side(&self, row: &[u8], pixels: Range<usize>, to: &mut [u8]) {
        if to.is_empty() {
            return;
        }
        let channels = self.channels;
        let from = row.get(pixels.start * channels..pixels.end * channels).unwrap_or_default();
        match self.border {
            Border::Wrap => to.copy_from_slice(from),
            _ => reverse::pixels(self.level, channels, from, to),
        }
    }

    /// Fills pixels from that position on, relative to the row.
    fn one_by_one(&self, row: &[u8], start: isize, to: &mut [u8]) {
        if to.is_empty() {
            return;
        }
        let channels = self.channels;
        let pixel = |x: usize| row.get(x * channels..(x + 1) * channels).unwrap_or_default();
        match self.border {
            Border::Replicate => fill::row(to, pixel(if start < 0 { 0 } else { self.width - 1 })),
            _ => {
                for (to, x) in to.chunks_exact_mut(channels.max(1)).zip(start..) {
                    to.copy_from_slice(pixel(self.border.index(x, self.width).unwrap_or(0)));
                }
            }
        }
    }
}
