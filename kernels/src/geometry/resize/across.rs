//! The pass along rows: from samples to weighted sums of them, at the places of the result.

use super::taps::Taps;
#[cfg(target_arch = "x86_64")]
use super::x86;
#[cfg(target_arch = "x86_64")]
use crate::simd::Instructions;
use crate::simd::Level;

/// Bits after the point of the sums, with six of which no filter exceeds 16 bits.
pub(super) const FRACTION: u32 = 6;

/// One row after the other.
#[derive(Debug)]
pub(super) struct Across {
    pub(super) taps: Taps,
    pub(super) channels: usize,
    /// Samples of a row of the input.
    pub(super) input: usize,
    /// Bits that go, and what is added before they do.
    pub(super) shift: u32,
    pub(super) round: i32,
    #[cfg(target_arch = "x86_64")]
    vectors: x86::Vectors,
}

impl Across {
    /// Sums with [`FRACTION`] bits after the point, rounded to nearest.
    pub(super) fn rounded(taps: Taps, channels: usize, width: usize) -> Self {
        let shift = taps.bits - FRACTION;
        Self::new(taps, channels, width, shift, 1 << (shift - 1))
    }

    /// As OpenCV's bilinear filter goes on with them: seven bits after the point, the rest cut off.
    pub(super) fn cut_off(taps: Taps, channels: usize, width: usize) -> Self {
        Self::new(taps, channels, width, 4, 0)
    }

    fn new(taps: Taps, channels: usize, width: usize, shift: u32, round: i32) -> Self {
        let (taps, input) = (taps.within(width), width * channels);
        Self {
            #[cfg(target_arch = "x86_64")]
            vectors: x86::Vectors::new(&taps, channels, width),
            taps,
            channels,
            input,
            shift,
            round,
        }
    }

    /// Elements that a row of sums needs: whole vectors.
    pub(super) fn room(&self) -> usize {
        (self.taps.first.len() * self.channels).next_multiple_of(32)
    }

    /// The sums of a row.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn row(&self, _: Level, from: &[u8], to: &mut [i16]) {
        self.plain(from, to, 0);
    }

    /// The sums of a row.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "instructions beyond the baseline, proved by a Level")]
    pub(super) fn row(&self, level: Level, from: &[u8], to: &mut [i16]) {
        if from.len() != self.input || to.len() < self.room() {
            return;
        }
        let done = match level.instructions() {
            // SAFETY: such a level exists only where AVX-512 F, BW and VL were detected.
            Instructions::Avx512(_) => unsafe { self.vectors.avx512(self, from, to) },
            // SAFETY: such a level exists only where AVX2 was detected.
            Instructions::Avx2(_) => unsafe { self.vectors.avx2(self, from, to) },
            Instructions::Baseline(_) | Instructions::Sse41(_) => 0,
        };
        self.plain(from, to, done);
    }

    /// What is left after so many sums.
    fn plain(&self, from: &[u8], to: &mut [i16], done: usize) {
        match self.channels {
            1 => self.each::<1>(from, to, done),
            2 => self.each::<2>(from, to, done / 2),
            3 => self.each::<3>(from, to, done / 3),
            _ => self.each::<4>(from, to, done / 4),
        }
    }

    fn each<const N: usize>(&self, from: &[u8], to: &mut [i16], done: usize) {
        let pixels = from.as_chunks::<N>().0;
        let lists = self.taps.weights.chunks_exact(self.taps.count);
        let all = self.taps.first.iter().zip(lists);
        for ((first, weights), to) in all.zip(to.as_chunks_mut::<N>().0).skip(done) {
            let mut sums = [self.round; N];
            let pixels = pixels.get(*first as usize..).unwrap_or_default();
            for (pixel, weight) in pixels.iter().zip(weights) {
                for (sum, sample) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(*sample) * i32::from(*weight);
                }
            }
            *to = sums.map(|sum| (sum >> self.shift) as i16);
        }
    }
}
