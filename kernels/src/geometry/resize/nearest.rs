//! The pixel at each place.

use std::ops::Range;

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
    picks: Vec<x86::Pick>,
}

impl Nearest {
    pub(super) fn new(x: Vec<u32>, y: Vec<u32>, channels: usize, width: usize) -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            picks: x86::picks(&x, channels, width),
            input: width * channels,
            x,
            y,
            channels,
        }
    }

    /// Makes those rows.
    pub(super) fn render(
        &self,
        level: Level,
        from: PlaneRows<'_>,
        rows: Range<usize>,
        to: &mut Band<'_>,
    ) {
        let mut before = None;
        for (at, source) in self.y.get(rows).unwrap_or_default().iter().enumerate() {
            if before == Some(*source) {
                to.repeat(at);
                continue;
            }
            before = Some(*source);
            let (from, to) = (from.row(*source as usize), to.row(at));
            if from.len() != self.input {
                continue;
            }
            let done = self.vectors(level, from, to);
            match self.channels {
                1 => self.each::<1>(from, to, done),
                2 => self.each::<2>(from, to, done / 2),
                3 => self.each::<3>(from, to, done / 3),
                _ => self.each::<4>(from, to, done / 4),
            }
        }
    }

    /// From that pixel on.
    fn each<const N: usize>(&self, from: &[u8], to: &mut [u8], done: usize) {
        let from = from.as_chunks::<N>().0;
        for (x, to) in self.x.iter().zip(to.as_chunks_mut::<N>().0).skip(done) {
            if let Some(pixel) = from.get(*x as usize) {
                *to = *pixel;
            }
        }
    }

    /// How many samples were done.
    #[cfg(not(target_arch = "x86_64"))]
    fn vectors(&self, _: Level, _: &[u8], _: &mut [u8]) -> usize {
        0
    }

    /// How many samples were done.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
    fn vectors(&self, level: Level, from: &[u8], to: &mut [u8]) -> usize {
        match level.instructions() {
            crate::simd::Instructions::Baseline(_) => 0,
            // SAFETY: such levels exist only where SSE4.1, which implies SSSE3, was detected. The
            // row is as long as the picks are made for.
            _ => unsafe { x86::pick(&self.picks, from, to) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector loads and stores")]
#[allow(clippy::indexing_slicing, reason = "two halves of two")]
mod x86 {
    use std::arch::x86_64::*;

    /// Where 16 bytes of the result come from.
    #[derive(Debug)]
    #[repr(C, align(16))]
    pub(super) struct Pick {
        /// Which of the 16 bytes from the first start on, and from the second.
        orders: [[u8; 16]; 2],
        /// 16 bytes are there.
        starts: [u32; 2],
    }

    /// None at all if eight bytes of the result come from more than 16.
    pub(super) fn picks(x: &[u32], channels: usize, width: usize) -> Vec<Pick> {
        all(x, channels, width).unwrap_or_default()
    }

    fn all(x: &[u32], channels: usize, width: usize) -> Option<Vec<Pick>> {
        let last_start = (width * channels).checked_sub(16)?;
        let source = |sample: usize| {
            let pixel = x.get(sample / channels).copied().unwrap_or(0) as usize;
            pixel * channels + sample % channels
        };
        let one = |first: usize| {
            let mut pick = Pick { orders: [[0x80; 16]; 2], starts: [0; 2] };
            let halves = pick.orders.iter_mut().zip(&mut pick.starts);
            for (half, (order, start)) in halves.enumerate() {
                let samples = first + half * 8..first + half * 8 + 8;
                let least = samples.clone().map(source).min()?.min(last_start);
                *start = u32::try_from(least).ok()?;
                for (sample, order) in samples.zip(order.iter_mut().skip(half * 8)) {
                    let byte = source(sample) - least;
                    if byte >= 16 {
                        return None;
                    }
                    *order = byte as u8;
                }
            }
            Some(pick)
        };
        (0..x.len() * channels / 16).map(|at| one(at * 16)).collect()
    }

    /// How many samples were done.
    ///
    /// # Safety
    /// `from` is as long as the picks are made for.
    #[target_feature(enable = "sse4.1")]
    pub(super) unsafe fn pick(picks: &[Pick], from: &[u8], to: &mut [u8]) -> usize {
        for (pick, to) in picks.iter().zip(to.as_chunks_mut::<16>().0) {
            let [low, high] = [0, 1].map(|half: usize| {
                // SAFETY: there are 16 bytes from each start on.
                let start = unsafe { from.as_ptr().add(pick.starts[half] as usize) };
                let order = pick.orders[half].as_ptr();
                // SAFETY: as above.
                let bytes = unsafe { _mm_loadu_si128(start.cast()) };
                // SAFETY: 16 bytes are read from an array of 16.
                let order = unsafe { _mm_loadu_si128(order.cast()) };
                _mm_shuffle_epi8(bytes, order)
            });
            let both = _mm_or_si128(low, high);
            // SAFETY: 16 bytes are written to an array of 16.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), both) };
        }
        picks.len() * 16
    }
}
