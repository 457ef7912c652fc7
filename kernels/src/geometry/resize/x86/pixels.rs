//! Sums of two or four neighbouring pixels along a row of three or four channels. Each lane of 16
//! bytes makes one pixel of the result: a shuffle picks two neighbouring samples of each channel,
//! and one multiplication weighs and adds both.

use super::super::across::Across;
use super::super::taps::Taps;
use super::shift_by;
use super::wide::{LANE, Wide, two_words, wide_levels};
use crate::simd::Level;

/// Pixels of the result that are made at once, one a lane.
const BLOCK: usize = 4;

#[derive(Debug)]
pub(in super::super) struct Pixels {
    /// The positions at which the bytes of a block are read.
    starts: Vec<[u32; BLOCK]>,
    /// The pairs of each block: both weights of a pixel four times, once for each channel.
    weights: Vec<[i32; BLOCK * 4]>,
    /// The number of blocks at the left for which the bytes at `starts` are the first of what is
    /// loaded. For the others they are the last, so that nothing beyond the row is read.
    head: usize,
    /// The number of samples in a row.
    input: usize,
}

impl Pixels {
    /// `None` where the row is too short for vectors.
    pub(super) fn new(taps: &Taps, channels: usize, width: usize) -> Option<Self> {
        let (count, input) = (taps.count, width * channels);
        let (blocks, bytes) = (taps.first.len().div_ceil(BLOCK), count * channels);
        let spare = LANE.checked_sub(bytes)?;
        let starts = Vec::with_capacity(blocks);
        let mut all = Self { starts, weights: Vec::new(), head: 0, input };
        for block in 0..blocks {
            // What is beyond the last pixel of the result is made of the same.
            let pixel = |lane: usize| (block * BLOCK + lane).min(taps.first.len() - 1);
            let firsts: [usize; BLOCK] = std::array::from_fn(|lane| {
                taps.first.get(pixel(lane)).map_or(0, |first| *first as usize * channels)
            });
            let head = firsts.iter().any(|first| *first < spare);
            let starts = firsts.map(|first| if head { first } else { first - spare });
            if starts.iter().any(|start| start + LANE > input) {
                return None;
            }
            all.head += usize::from(head);
            all.starts.push(starts.map(|start| start as u32));
            all.weights.extend((0..count / 2).map(|pair| {
                std::array::from_fn(|number| {
                    let at = pixel(number / 4) * count + pair * 2;
                    let own = taps.weights.get(at..).and_then(<[i16]>::first_chunk);
                    two_words(own.copied().unwrap_or_default())
                })
            }));
        }
        Some(all)
    }

    /// Returns the number of sums that were computed.
    pub(super) fn row(&self, level: Level, across: &Across, from: &[u8], to: &mut [i16]) -> usize {
        let done = match (across.channels, across.taps.count) {
            (3, 2) => two_of_three(level, self, across, from, to),
            (3, _) => four_of_three(level, self, across, from, to),
            (_, 2) => two_of_four(level, self, across, from, to),
            _ => four_of_four(level, self, across, from, to),
        };
        done.unwrap_or(0)
    }

    #[inline(always)]
    fn blocks<W: Wide, const N: usize, const PAIRS: usize>(
        &self,
        wide: W,
        across: &Across,
        from: &[u8],
        to: &mut [i16],
    ) -> usize {
        if from.len() != self.input {
            return 0;
        }
        let (shift, round) = (shift_by(across.shift), wide.splat(across.round));
        let weights = self.weights.as_chunks::<PAIRS>().0;
        let (starts, weights) = (self.starts.split_at(self.head), weights.split_at(self.head));
        let mut at = 0;
        // Where the pixels lie in what is read.
        for (first, starts, weights) in
            [(0, starts.0, weights.0), (LANE - PAIRS * 2 * N, starts.1, weights.1)]
        {
            let orders: [W::V; PAIRS] =
                std::array::from_fn(|pair| wide.pairs(N, first + pair * 2 * N));
            for (starts, weights) in starts.iter().zip(weights) {
                // SAFETY: `new` has made sure of it, for rows of that length.
                let bytes = unsafe { wide.load_lanes(from, starts.map(|start| start as usize)) };
                let mut sums = round;
                for (order, weights) in orders.iter().zip(weights) {
                    let pixels = wide.shuffle(bytes, *order);
                    sums = wide.add(sums, wide.multiply_add(pixels, wide.load(weights)));
                }
                let sums = wide.shift_down(sums, shift);
                if let Some(to) = to.get_mut(at..).and_then(<[i16]>::first_chunk_mut) {
                    if N == 3 { wide.store_threes(sums, to) } else { wide.store(sums, to) }
                }
                at += BLOCK * N;
            }
        }
        across.taps.first.len() * N
    }
}

/// A function each, so that the compiler knows the numbers.
macro_rules! known {
    ($($name:ident $pixels:literal of $channels:literal)*) => { $(
        wide_levels! {
            fn $name<W>(
                wide, pixels: &Pixels, across: &Across, from: &[u8], to: &mut [i16],
            ) -> usize {
                pixels.blocks::<W, $channels, { $pixels / 2 }>(wide, across, from, to)
            }
        }
    )* };
}
known!(two_of_three 2 of 3 four_of_three 4 of 3 two_of_four 2 of 4 four_of_four 4 of 4);
