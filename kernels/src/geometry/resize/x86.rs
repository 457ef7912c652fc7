//! Sums along rows and down columns with AVX2 and AVX-512.
//!
//! Along a row, each sum has a lane. Four lanes share 16 bytes of the input, from which a shuffle
//! picks two neighbouring pixels for each; one multiplication weighs and adds both.

#![allow(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::*;

use super::across::Across;
use super::long::Long;
use super::taps::Taps;

/// Sums of a block: a vector of AVX-512.
const BLOCK: usize = 16;
/// With more pairs of pixels a sum, the tables are too large.
const MOST_PAIRS: usize = 12;

/// For a block and two neighbouring pixels of each of its sums.
#[derive(Debug)]
#[repr(C, align(64))]
struct Pick {
    /// Which of the 16 bytes, and 0x80 for the upper halves of 16 bits.
    order: [[u8; 32]; 2],
    weights: [[i16; 16]; 2],
    /// Where the 16 bytes of each four lanes start; 16 bytes are there.
    starts: [u32; 4],
}

/// What the loops need to know.
#[derive(Debug)]
pub(super) struct Vectors {
    /// For each block its pairs; empty where four sums need more than 16 bytes.
    picks: Vec<Pick>,
    /// The same then; only of the first blocks, which read nothing beyond the row.
    far: Vec<Far>,
    /// The same then, of three or four channels.
    long: Option<Long>,
    pairs: usize,
    channels: usize,
}

/// For a block and two neighbouring pixels of each of its sums, which lie far apart.
#[derive(Debug)]
#[repr(C, align(64))]
struct Far {
    /// Where the first pixel's sample is. The second's is at most three bytes further.
    starts: [[i32; 8]; 2],
    weights: [[i16; 16]; 2],
}

impl Vectors {
    pub(super) fn new(taps: &Taps, channels: usize, width: usize) -> Self {
        let pairs = taps.count / 2;
        let picks = if pairs <= MOST_PAIRS { picks(taps, channels, width) } else { None };
        let far = match picks {
            None if channels < 3 || (channels == 3 && pairs == 1) => far(taps, channels, width),
            _ => Vec::new(),
        };
        let long = picks.is_none() && channels > 2 && pairs > 1;
        let long = long.then(|| Long::new(taps));
        Self { picks: picks.unwrap_or_default(), far, long, pairs, channels }
    }

    /// How far apart the samples of neighbouring pixels are within four bytes, for a shuffle.
    fn far_order(&self) -> i32 {
        [0x8001_8000_u32, 0x8001_8000, 0x8002_8000, 0x8003_8000]
            .get(self.channels)
            .map_or(0, |order| order.cast_signed())
    }

    /// How many sums were done.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    pub(super) fn avx512(&self, across: &Across, from: &[u8], to: &mut [i16]) -> usize {
        if let Some(long) = &self.long {
            return match self.channels {
                3 => long.row::<3>(across, from, to),
                _ => long.row::<4>(across, from, to),
            };
        }
        let shift = _mm_cvtsi32_si128(across.shift.cast_signed());
        let round = _mm512_set1_epi32(across.round);
        let blocks = self.picks.chunks_exact(self.pairs);
        for (block, to) in blocks.zip(to.as_chunks_mut::<BLOCK>().0) {
            let mut sums = round;
            for pick in block {
                let [a, b, c, d] = pick.starts.map(|start| load(from, start));
                let low = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(a), b);
                let high = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(c), d);
                let bytes = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
                // SAFETY: 64 bytes are read from an array of 64.
                let order = unsafe { _mm512_loadu_si512(pick.order.as_ptr().cast()) };
                // SAFETY: 64 bytes are read from an array of 32 times 2.
                let weights = unsafe { _mm512_loadu_si512(pick.weights.as_ptr().cast()) };
                let products = _mm512_madd_epi16(_mm512_shuffle_epi8(bytes, order), weights);
                sums = _mm512_add_epi32(sums, products);
            }
            let narrow = _mm512_cvtepi32_epi16(_mm512_sra_epi32(sums, shift));
            // SAFETY: 32 bytes are written to an array of 16 times 2.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), narrow) };
        }
        if !self.picks.is_empty() {
            return self.picks.len() / self.pairs * BLOCK;
        }
        let order = _mm512_set1_epi32(self.far_order());
        // The order within each four bytes, in each of the lanes of 16.
        let lanes = _mm512_broadcast_i32x4(_mm_setr_epi8(
            0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12,
        ));
        let order = _mm512_add_epi8(order, lanes);
        let blocks = self.far.chunks_exact(self.pairs);
        for (block, to) in blocks.zip(to.as_chunks_mut::<BLOCK>().0) {
            let mut sums = round;
            for far in block {
                // SAFETY: 64 bytes are read from an array of 16 times 4.
                let starts = unsafe { _mm512_loadu_si512(far.starts.as_ptr().cast()) };
                // SAFETY: `far` makes only starts with start + 4 <= width * channels, and
                // `Across::row` refuses rows of another length.
                let bytes = unsafe { _mm512_i32gather_epi32::<1>(starts, from.as_ptr().cast()) };
                // SAFETY: 64 bytes are read from an array of 32 times 2.
                let weights = unsafe { _mm512_loadu_si512(far.weights.as_ptr().cast()) };
                let products = _mm512_madd_epi16(_mm512_shuffle_epi8(bytes, order), weights);
                sums = _mm512_add_epi32(sums, products);
            }
            let narrow = _mm512_cvtepi32_epi16(_mm512_sra_epi32(sums, shift));
            // SAFETY: 32 bytes are written to an array of 16 times 2.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), narrow) };
        }
        self.far.len() / self.pairs * BLOCK
    }

    /// How many sums were done.
    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(&self, across: &Across, from: &[u8], to: &mut [i16]) -> usize {
        if let Some(long) = &self.long {
            return match self.channels {
                3 => long.row::<3>(across, from, to),
                _ => long.row::<4>(across, from, to),
            };
        }
        let shift = _mm_cvtsi32_si128(across.shift.cast_signed());
        let round = _mm256_set1_epi32(across.round);
        let blocks = self.picks.chunks_exact(self.pairs);
        for (block, to) in blocks.zip(to.as_chunks_mut::<BLOCK>().0) {
            let mut sums = [round; 2];
            for pick in block {
                let [a, b, c, d] = pick.starts.map(|start| load(from, start));
                let halves = pick.order.iter().zip(&pick.weights).zip([(a, b), (c, d)]);
                for (sum, ((order, weights), (a, b))) in sums.iter_mut().zip(halves) {
                    let bytes = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(a), b);
                    // SAFETY: 32 bytes are read from an array of 32.
                    let order = unsafe { _mm256_loadu_si256(order.as_ptr().cast()) };
                    // SAFETY: 32 bytes are read from an array of 16 times 2.
                    let weights = unsafe { _mm256_loadu_si256(weights.as_ptr().cast()) };
                    let products = _mm256_madd_epi16(_mm256_shuffle_epi8(bytes, order), weights);
                    *sum = _mm256_add_epi32(*sum, products);
                }
            }
            let [low, high] = sums.map(|sum| _mm256_sra_epi32(sum, shift));
            // Sums fit 16 bits; the halves of both come in turns.
            let narrow = _mm256_permute4x64_epi64::<0xd8>(_mm256_packs_epi32(low, high));
            // SAFETY: 32 bytes are written to an array of 16 times 2.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), narrow) };
        }
        if !self.picks.is_empty() {
            return self.picks.len() / self.pairs * BLOCK;
        }
        let order = _mm256_set1_epi32(self.far_order());
        // The order within each four bytes, in each of the lanes of 16.
        let lanes = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12,
        ));
        let order = _mm256_add_epi8(order, lanes);
        let blocks = self.far.chunks_exact(self.pairs);
        for (block, to) in blocks.zip(to.as_chunks_mut::<BLOCK>().0) {
            let mut sums = [round; 2];
            for far in block {
                let halves = far.starts.iter().zip(&far.weights);
                for (sum, (starts, weights)) in sums.iter_mut().zip(halves) {
                    // SAFETY: 32 bytes are read from an array of 8 times 4.
                    let starts = unsafe { _mm256_loadu_si256(starts.as_ptr().cast()) };
                    // SAFETY: `far` makes only starts with start + 4 <= width * channels, and
                    // `Across::row` refuses rows of another length.
                    let bytes =
                        unsafe { _mm256_i32gather_epi32::<1>(from.as_ptr().cast(), starts) };
                    // SAFETY: 32 bytes are read from an array of 16 times 2.
                    let weights = unsafe { _mm256_loadu_si256(weights.as_ptr().cast()) };
                    let products = _mm256_madd_epi16(_mm256_shuffle_epi8(bytes, order), weights);
                    *sum = _mm256_add_epi32(*sum, products);
                }
            }
            let [low, high] = sums.map(|sum| _mm256_sra_epi32(sum, shift));
            // Sums fit 16 bits; the halves of both come in turns.
            let narrow = _mm256_permute4x64_epi64::<0xd8>(_mm256_packs_epi32(low, high));
            // SAFETY: 32 bytes are written to an array of 16 times 2.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), narrow) };
        }
        self.far.len() / self.pairs * BLOCK
    }
}

/// 16 bytes from there on; it is checked when tables are made that they are there, and that the
/// row is as long as they are made for.
#[inline(always)]
fn load(from: &[u8], start: u32) -> __m128i {
    debug_assert!(start as usize + 16 <= from.len());
    // SAFETY: `picks` makes only starts with start + 16 <= width * channels, and `Across::row`
    // refuses rows of another length.
    let from = unsafe { from.as_ptr().add(start as usize) };
    // SAFETY: so 16 bytes are there. SSE2 is part of x86-64.
    unsafe { _mm_loadu_si128(from.cast()) }
}

/// `None` if four sums need more than 16 bytes.
fn picks(taps: &Taps, channels: usize, width: usize) -> Option<Vec<Pick>> {
    let samples = taps.first.len() * channels;
    let (input, pairs) = (width * channels, taps.count / 2);
    let last_start = input.checked_sub(16)?;
    let mut picks = Vec::with_capacity(samples.div_ceil(BLOCK) * pairs);
    for block in 0..samples.div_ceil(BLOCK) {
        for pair in 0..pairs {
            let mut pick = Pick { order: [[0x80; 32]; 2], weights: [[0; 16]; 2], starts: [0; 4] };
            for (four, start) in pick.starts.iter_mut().enumerate() {
                // Both pixels of each lane: where, and how much they count.
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
                for (at, (from, weight)) in both.iter().flatten().enumerate() {
                    let byte = from - first;
                    if byte >= 16 {
                        return None;
                    }
                    *pick.order.as_flattened_mut().get_mut(four * 16 + at * 2)? = byte as u8;
                    *pick.weights.as_flattened_mut().get_mut(four * 8 + at)? = *weight;
                }
            }
            picks.push(pick);
        }
    }
    Some(picks)
}

/// Up to the first block that would read beyond the row.
fn far(taps: &Taps, channels: usize, width: usize) -> Vec<Far> {
    let samples = taps.first.len() * channels;
    let (input, pairs) = (width * channels, taps.count / 2);
    let mut all = Vec::new();
    for block in 0..samples / BLOCK {
        let before = all.len();
        for pair in 0..pairs {
            let mut far = Far { starts: [[0; 8]; 2], weights: [[0; 16]; 2] };
            let weights = far.weights.as_flattened_mut().as_chunks_mut::<2>().0;
            let lanes = far.starts.as_flattened_mut().iter_mut().zip(weights);
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
                *weights = own.first_chunk().copied().unwrap_or_default();
            }
            all.push(far);
        }
    }
    all
}

/// Weighted sums of rows: how many samples were done.
#[target_feature(enable = "avx2")]
pub(super) fn down_avx2(
    rows: &[i16],
    starts: &[u32],
    weights: &[i16],
    bits: u32,
    to: &mut [u8],
) -> usize {
    let shift = _mm_cvtsi32_si128(bits.cast_signed());
    let round = _mm256_set1_epi32(1 << (bits - 1));
    let done = to.len() / 16 * 16;
    for at in (0..done).step_by(16) {
        let (mut low, mut high) = (round, round);
        for (starts, weights) in starts.as_chunks::<2>().0.iter().zip(weights.as_chunks::<2>().0) {
            let [a, b] = starts.map(|start| match rows.get(start as usize + at..) {
                Some(first) if first.len() >= 16 => {
                    // SAFETY: 16 elements are there.
                    unsafe { _mm256_loadu_si256(first.as_ptr().cast()) }
                }
                _ => _mm256_setzero_si256(),
            });
            let [u, v] = weights.map(|weight| i32::from(weight.cast_unsigned()));
            let weights = _mm256_set1_epi32(u | (v << 16));
            low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), weights));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), weights));
        }
        let words = _mm256_packs_epi32(_mm256_sra_epi32(low, shift), _mm256_sra_epi32(high, shift));
        let bytes = _mm256_packus_epi16(words, words);
        let bytes = _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0x08>(bytes));
        if let Some(to) = to.get_mut(at..at + 16) {
            // SAFETY: there is room for 16 bytes.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), bytes) };
        }
    }
    done
}

/// Weighted sums of rows: how many samples were done.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn down_avx512(
    rows: &[i16],
    starts: &[u32],
    weights: &[i16],
    bits: u32,
    to: &mut [u8],
) -> usize {
    let shift = _mm_cvtsi32_si128(bits.cast_signed());
    let round = _mm512_set1_epi32(1 << (bits - 1));
    let done = to.len() / 32 * 32;
    for at in (0..done).step_by(32) {
        let (mut low, mut high) = (round, round);
        for (starts, weights) in starts.as_chunks::<2>().0.iter().zip(weights.as_chunks::<2>().0) {
            let [a, b] = starts.map(|start| match rows.get(start as usize + at..) {
                Some(first) if first.len() >= 32 => {
                    // SAFETY: 32 elements are there.
                    unsafe { _mm512_loadu_si512(first.as_ptr().cast()) }
                }
                _ => _mm512_setzero_si512(),
            });
            let [u, v] = weights.map(|weight| i32::from(weight.cast_unsigned()));
            let weights = _mm512_set1_epi32(u | (v << 16));
            low = _mm512_add_epi32(low, _mm512_madd_epi16(_mm512_unpacklo_epi16(a, b), weights));
            high = _mm512_add_epi32(high, _mm512_madd_epi16(_mm512_unpackhi_epi16(a, b), weights));
        }
        let words = _mm512_packs_epi32(_mm512_sra_epi32(low, shift), _mm512_sra_epi32(high, shift));
        let bytes = _mm512_cvtusepi16_epi8(_mm512_max_epi16(words, _mm512_setzero_si512()));
        if let Some(to) = to.get_mut(at..at + 32) {
            // SAFETY: there is room for 32 bytes.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), bytes) };
        }
    }
    done
}
