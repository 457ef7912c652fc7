//! Sums along a row of one or two channels, of three where two pixels make one: each has 32 bits of a vector. Four of them share 16 bytes of the input, from which a shuffle picks two
//! neighbouring pixels for each; one multiplication weighs and adds both.

use super::super::across::Across;
use super::super::taps::Taps;
use super::shift_by;
use super::wide::{Wide, two_words, wide_levels};
use crate::simd::Level;

/// The number of sums in a block.
const BLOCK: usize = 16;
/// The largest number of pairs of pixels in a sum: with more, the tables are too large.
const MOST_PAIRS: usize = 12;

/// How to load two neighbouring pixels for each sum of a block.
#[derive(Debug)]
#[repr(C, align(64))]
struct Pick {
    /// The positions among 16 bytes, and 0x80 for the upper halves of words.
    order: [i32; BLOCK],
    /// Two weights of 16 bits each.
    weights: [i32; BLOCK],
    /// The starts of the 16 bytes for each four lanes, all of which exist.
    starts: [u32; 4],
}

/// How to load two neighbouring pixels for each sum of a block if the sums are far apart.
#[derive(Debug)]
#[repr(C, align(64))]
struct FarPick {
    /// The position of the first pixel's sample. The second's is at most three bytes further.
    starts: [i32; BLOCK],
    /// Two weights of 16 bits each.
    weights: [i32; BLOCK],
}

/// Four sums need at most 16 bytes.
#[derive(Debug)]
pub(in super::super) struct Near {
    /// The pairs of each block.
    picks: Vec<Pick>,
    /// The number of samples in a row.
    input: usize,
}

#[derive(Debug)]
pub(in super::super) struct Far {
    /// The pairs of the first blocks, which read nothing beyond the row.
    all: Vec<FarPick>,
    /// The number of samples in a row.
    input: usize,
}

impl Near {
    /// `None` if four sums need more than 16 bytes, or the tables would be too large.
    pub(super) fn new(taps: &Taps, channels: usize, width: usize) -> Option<Self> {
        Some(Self { picks: picks(taps, channels, width)?, input: width * channels })
    }

    /// Returns the number of sums that were computed.
    pub(super) fn row(&self, level: Level, across: &Across, from: &[u8], to: &mut [i16]) -> usize {
        let done = match across.taps.count {
            2 => near_pair(level, self, across, from, to),
            _ => near_pairs(level, self, across, from, to),
        };
        done.unwrap_or(0)
    }
}

impl Far {
    pub(super) fn new(taps: &Taps, channels: usize, width: usize) -> Self {
        Self { all: fars(taps, channels, width), input: width * channels }
    }

    /// Returns the number of sums that were computed.
    pub(super) fn row(&self, level: Level, across: &Across, from: &[u8], to: &mut [i16]) -> usize {
        let done = match across.taps.count {
            2 => far_pair(level, self, across, from, to),
            _ => far_pairs(level, self, across, from, to),
        };
        done.unwrap_or(0)
    }
}

wide_levels! {
    fn near_pair<W>(
        wide, near: &Near, across: &Across, from: &[u8], to: &mut [i16],
    ) -> usize {
        near_blocks(wide, near, 1, across, from, to)
    }
}

wide_levels! {
    fn near_pairs<W>(
        wide, near: &Near, across: &Across, from: &[u8], to: &mut [i16],
    ) -> usize {
        near_blocks(wide, near, across.taps.count / 2, across, from, to)
    }
}

wide_levels! {
    fn far_pair<W>(
        wide, far: &Far, across: &Across, from: &[u8], to: &mut [i16],
    ) -> usize {
        far_blocks(wide, far, 1, across, from, to)
    }
}

wide_levels! {
    fn far_pairs<W>(
        wide, far: &Far, across: &Across, from: &[u8], to: &mut [i16],
    ) -> usize {
        far_blocks(wide, far, across.taps.count / 2, across, from, to)
    }
}

#[inline(always)]
fn near_blocks<W: Wide>(
    wide: W,
    near: &Near,
    pairs: usize,
    across: &Across,
    from: &[u8],
    to: &mut [i16],
) -> usize {
    if from.len() != near.input {
        return 0;
    }
    let (shift, round) = (shift_by(across.shift), wide.splat(across.round));
    for (block, to) in near.picks.chunks_exact(pairs).zip(to.as_chunks_mut::<BLOCK>().0) {
        let mut sums = round;
        for pick in block {
            // SAFETY: `picks` makes only starts with 16 bytes after them, in rows of that length.
            let bytes = unsafe { wide.load_lanes(from, pick.starts.map(|at| at as usize)) };
            let pixels = wide.shuffle(bytes, wide.load(&pick.order));
            sums = wide.add(sums, wide.multiply_add(pixels, wide.load(&pick.weights)));
        }
        wide.store(wide.shift_down(sums, shift), to);
    }
    near.picks.len() / pairs * BLOCK
}

#[inline(always)]
fn far_blocks<W: Wide>(
    wide: W,
    far: &Far,
    pairs: usize,
    across: &Across,
    from: &[u8],
    to: &mut [i16],
) -> usize {
    if from.len() != far.input {
        return 0;
    }
    let (shift, round) = (shift_by(across.shift), wide.splat(across.round));
    // Both pixels within four bytes, in each of the four parts of a lane.
    let second = across.channels as u32;
    let order = std::array::from_fn(|number| {
        let first = number as u32 % 4 * 4;
        (0x8000_8000 | first | (first + second) << 16).cast_signed()
    });
    let order = wide.load(&order);
    for (block, to) in far.all.chunks_exact(pairs).zip(to.as_chunks_mut::<BLOCK>().0) {
        let mut sums = round;
        for pick in block {
            // SAFETY: `fars` makes only starts with four bytes after them, in rows of that length.
            let bytes = unsafe { wide.gather(from, wide.load(&pick.starts)) };
            let pixels = wide.shuffle(bytes, order);
            sums = wide.add(sums, wide.multiply_add(pixels, wide.load(&pick.weights)));
        }
        wide.store(wide.shift_down(sums, shift), to);
    }
    far.all.len() / pairs * BLOCK
}

/// `None` if four sums need more than 16 bytes, or the tables would be too large.
fn picks(taps: &Taps, channels: usize, width: usize) -> Option<Vec<Pick>> {
    let samples = taps.first.len() * channels;
    let (input, pairs) = (width * channels, taps.count / 2);
    if pairs > MOST_PAIRS {
        return None;
    }
    let last_start = input.checked_sub(16)?;
    let mut picks = Vec::with_capacity(samples.div_ceil(BLOCK) * pairs);
    for block in 0..samples.div_ceil(BLOCK) {
        for pair in 0..pairs {
            let mut pick = Pick { order: [0; BLOCK], weights: [0; BLOCK], starts: [0; 4] };
            let lanes = pick.order.as_chunks_mut::<4>().0.iter_mut();
            let lanes = lanes.zip(pick.weights.as_chunks_mut::<4>().0).zip(&mut pick.starts);
            for (four, ((order, weights), start)) in lanes.enumerate() {
                // Both pixels of each: where, and how much they count.
                let both: [[(usize, i16); 2]; 4] = std::array::from_fn(|lane| {
                    let sample = (block * BLOCK + four * 4 + lane).min(samples - 1);
                    let (pixel, channel) = (sample / channels, sample % channels);
                    std::array::from_fn(|side| {
                        let tap = pair * 2 + side;
                        let first = taps.first.get(pixel).copied().unwrap_or(0) as usize;
                        let weight = taps.weights.get(pixel * taps.count + tap);
                        // Beyond the row there are only weights of 0.
                        let from = (first + tap).min(width - 1);
                        (from * channels + channel, weight.copied().unwrap_or(0))
                    })
                });
                let first = both.iter().flatten().map(|(at, _)| *at).min()?.min(last_start);
                *start = u32::try_from(first).ok()?;
                for (both, (order, weight)) in both.iter().zip(order.iter_mut().zip(weights)) {
                    let [(a, u), (b, v)] = both.map(|(at, weight)| (at - first, weight));
                    if a.max(b) >= 16 {
                        return None;
                    }
                    *order = (0x8000_8000 | a as u32 | (b as u32) << 16).cast_signed();
                    *weight = two_words([u, v]);
                }
            }
            picks.push(pick);
        }
    }
    Some(picks)
}

/// Up to the first block that would read beyond the row.
fn fars(taps: &Taps, channels: usize, width: usize) -> Vec<FarPick> {
    let samples = taps.first.len() * channels;
    let (input, pairs) = (width * channels, taps.count / 2);
    let mut all = Vec::new();
    for block in 0..samples / BLOCK {
        let before = all.len();
        for pair in 0..pairs {
            let mut far = FarPick { starts: [0; BLOCK], weights: [0; BLOCK] };
            let lanes = far.starts.iter_mut().zip(&mut far.weights);
            for (sample, (start, weights)) in (block * BLOCK..).zip(lanes) {
                let (pixel, channel) = (sample / channels, sample % channels);
                let first = taps.first.get(pixel).copied().unwrap_or(0) as usize;
                let from = (first + pair * 2) * channels + channel;
                if from + 4 > input {
                    all.truncate(before);
                    return all;
                }
                *start = from as i32;
                let own = taps.weights.get(pixel * taps.count + pair * 2..).unwrap_or_default();
                *weights = two_words(own.first_chunk().copied().unwrap_or_default());
            }
            all.push(far);
        }
    }
    all
}
