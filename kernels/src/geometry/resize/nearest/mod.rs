//! Resizing that takes the nearest pixel.

#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use crate::Cpu;
use crate::geometry::planes::{Band, PlaneRows};
use crate::simd::Level;

/// From which column and row each pixel comes.
#[derive(Debug)]
pub(crate) struct Nearest {
    pub(super) x: Vec<u32>,
    pub(super) y: Vec<u32>,
    channels: usize,
    /// Samples of a row of the input.
    input: usize,
    #[cfg(target_arch = "x86_64")]
    picks: x86::Picks,
}

impl Nearest {
    pub(super) fn new(x: Vec<u32>, y: Vec<u32>, channels: usize, width: usize) -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            picks: x86::Picks::new(&x, channels, width),
            input: width * channels,
            x,
            y,
            channels,
        }
    }

    /// The row of the input that the row of that number is.
    pub(super) fn row(&self, y: usize) -> usize {
        self.y.get(y).map_or(0, |row| *row as usize)
    }

    /// Makes rows `rows` of the result.
    pub(super) fn render(
        &self,
        cpu: &Cpu,
        from: PlaneRows<'_>,
        rows: Range<usize>,
        to: &mut Band<'_>,
    ) {
        let (mut before, level) = (None, cpu.level());
        let sources = self.y.get(rows).unwrap_or_default();
        for (at, source) in cpu.watched(sources, to.samples()).enumerate() {
            if before == Some(*source) {
                to.repeat(at);
                continue;
            }
            before = Some(*source);
            let (from, to) = (from.row(*source as usize), to.row(at));
            if from.len() != self.input {
                continue;
            }
            if self.vectors(level, from, to) {
                continue;
            }
            match self.channels {
                1 => self.each::<1>(from, to),
                2 => self.each::<2>(from, to),
                3 => self.each::<3>(from, to),
                _ => self.each::<4>(from, to),
            }
        }
    }

    fn each<const N: usize>(&self, from: &[u8], to: &mut [u8]) {
        let from = from.as_chunks::<N>().0;
        for (x, to) in self.x.iter().zip(to.as_chunks_mut::<N>().0) {
            if let Some(pixel) = from.get(*x as usize) {
                *to = *pixel;
            }
        }
    }

    /// Returns whether there are instructions for it.
    #[cfg(not(target_arch = "x86_64"))]
    fn vectors(&self, _: Level, _: &[u8], _: &mut [u8]) -> bool {
        false
    }

    /// Returns whether there are instructions for it.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "vector loads that were made for rows of this length")]
    fn vectors(&self, level: Level, from: &[u8], to: &mut [u8]) -> bool {
        // SAFETY: the row is as long as the picks are made for.
        unsafe { self.picks.row(level, from, to) }
    }
}
