//! The pass along rows: weighted sums of samples, at the columns of the result.

use super::taps::Taps;
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::simd::Level;

/// Bits after the point of the sums, with six of which no filter exceeds 16 bits.
pub(super) const FRACTION: u32 = 6;

/// The most rows that are best done together.
pub(super) const MOST_AT_ONCE: usize = 4;

/// Some rows after the other.
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

    /// Elements that a row of sums needs: whole vectors, and what the last one writes beyond.
    pub(super) fn room(&self) -> usize {
        (self.taps.first.len() * self.channels + 16).next_multiple_of(32)
    }

    /// Rows that [`Across::rows`] best does together.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn rows_at_once(&self) -> usize {
        self.vectors.rows_at_once()
    }

    /// Rows that [`Across::rows`] best does together.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn rows_at_once(&self) -> usize {
        1
    }

    /// Elements of memory that [`Across::rows`] works in.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn memory(&self) -> usize {
        self.vectors.memory()
    }

    /// Elements of memory that [`Across::rows`] works in.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn memory(&self) -> usize {
        0
    }

    /// The sums of some rows, to one place each.
    pub(super) fn rows(
        &self,
        level: Level,
        from: &[&[u8]],
        memory: &mut [i16],
        to: &mut [i16],
        places: &[usize],
    ) {
        if from.iter().any(|row| row.len() != self.input) {
            return;
        }
        #[cfg(target_arch = "x86_64")]
        let done = self.vectors.rows(level, self, from, memory, to, places);
        #[cfg(not(target_arch = "x86_64"))]
        let (done, _) = (0, (level, memory));
        for (from, place) in from.iter().zip(places) {
            let to = to.get_mut(*place..place + self.room()).unwrap_or_default();
            self.plain(from, to, done);
        }
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
