//! Words without intrinsics: on x86-64 the compiler makes SSE2 of these loops, on aarch64 NEON.

use super::Words;
use crate::simd::Baseline;

/// Long enough that the compiler vectorises the loop over it; it unrolls shorter ones to scalars.
type Wide = [u16; 64];

impl Baseline {
    /// Loads words from position `at` on; gives zeros if there are too few.
    #[inline(always)]
    fn load(self, from: &[u16], at: usize) -> Wide {
        let lanes = from.get(at..).and_then(<[u16]>::first_chunk);
        lanes.copied().unwrap_or([0; 64])
    }
}

impl Words for Baseline {
    type Lanes = Wide;
    type Samples = [u8; 128];
    type Pair = [u16; 2];
    type Totals = [i32; 64];
    const LANES: usize = 64;

    #[inline(always)]
    fn splat(self, value: u16) -> Self::Lanes {
        [value; 64]
    }

    #[inline(always)]
    fn byte_pair(self, pair: [u8; 2]) -> [u16; 2] {
        pair.map(u16::from)
    }

    #[inline(always)]
    fn word_pair(self, pair: [u16; 2]) -> [u16; 2] {
        pair
    }

    #[inline(always)]
    fn totals(self, value: i32) -> Self::Totals {
        [value; 64]
    }

    #[inline(always)]
    fn load_bytes(self, from: &[u8], at: usize) -> Self::Samples {
        let bytes = from.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().unwrap_or([0; 128])
    }

    #[inline(always)]
    fn store(self, lanes: Self::Lanes, to: &mut [u16], at: usize) {
        if let Some(to) = to.get_mut(at..).and_then(<[u16]>::first_chunk_mut) {
            *to = lanes;
        }
    }

    #[inline(always)]
    fn store_bytes(self, lanes: Self::Lanes, to: &mut [u8], at: usize) {
        if let Some(to) = to.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<64>) {
            to.iter_mut().zip(&lanes).for_each(|(to, lane)| *to = *lane as u8);
        }
    }

    #[inline(always)]
    fn weigh(self, mut lanes: [Wide; 2], [a, b]: [[u8; 128]; 2], [x, y]: [u16; 2]) -> [Wide; 2] {
        let products = a.iter().zip(&b).map(|(a, b)| u16::from(*a) * x + u16::from(*b) * y);
        let lanes_of = lanes.as_flattened_mut().iter_mut();
        lanes_of.zip(products).for_each(|(lane, sum)| *lane = lane.wrapping_add(sum));
        lanes
    }

    #[inline(always)]
    fn in_order(self, lanes: [Wide; 2]) -> [Wide; 2] {
        lanes
    }

    #[inline(always)]
    fn dot<const APART: usize>(
        self,
        mut totals: [i32; 64],
        words: &[u16],
        at: usize,
        weights: [u16; 2],
    ) -> [i32; 64] {
        let signed = |word: u16| i32::from(word.cast_signed());
        let (first, second) = (self.load(words, at), self.load(words, at + APART));
        let [x, y] = weights.map(signed);
        for ((total, a), b) in totals.iter_mut().zip(&first).zip(&second) {
            *total += signed(*a) * x + signed(*b) * y;
        }
        totals
    }

    #[inline(always)]
    fn upper(self, totals: [i32; 64]) -> Wide {
        let mut lanes = [0; 64];
        lanes.iter_mut().zip(&totals).for_each(|(lane, total)| *lane = (total >> 16) as u16);
        lanes
    }
}
