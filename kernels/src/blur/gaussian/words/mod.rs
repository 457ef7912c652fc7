//! Vectors of 16-bit words for the two passes of the blur, one file for each set of instructions:
//! the compiler does not find these instructions in plain loops.
//!
//! A value of a type that implements [`Words`] proves that its instructions may be used, because
//! it comes from a [`Level`](crate::simd::Level); that makes the methods safe to call. They have to
//! be inlined into a function that is compiled for those instructions, which `simd_levels!` does.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod baseline;
#[cfg(target_arch = "x86_64")]
mod sse41;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
pub(super) use avx512::Vnni;

/// A set of instructions with vectors of `LANES` words of 16 bits.
pub(super) trait Words: Copy {
    /// A vector of words.
    type Lanes: Copy;
    /// A vector of bytes, twice as many as a vector of words has lanes.
    type Samples: Copy;
    /// A vector that repeats two weights.
    type Pair: Copy;
    /// A total of 32 bits for each lane.
    type Totals: Copy;
    /// The number of words in a vector.
    const LANES: usize;

    /// Sets every lane to `value`.
    fn splat(self, value: u16) -> Self::Lanes;
    /// Repeats two weights for [`Words::weigh`]; each is below 128.
    fn byte_pair(self, pair: [u8; 2]) -> Self::Pair;
    /// Repeats two weights for [`Words::dot`].
    fn word_pair(self, pair: [u16; 2]) -> Self::Pair;
    /// Sets every total to `value`.
    fn totals(self, value: i32) -> Self::Totals;
    /// Loads bytes from position `at` on; gives zeros if `from` has too few.
    fn load_bytes(self, from: &[u8], at: usize) -> Self::Samples;
    /// Stores to position `at`; does nothing if `to` has too little room.
    fn store(self, lanes: Self::Lanes, to: &mut [u16], at: usize);
    /// Stores each lane as a byte, which it must fit, to position `at`; does nothing if `to` has
    /// too little room.
    fn store_bytes(self, lanes: Self::Lanes, to: &mut [u8], at: usize);
    /// Adds to each lane a byte of the first samples times the first weight and a byte of the
    /// second samples times the second weight. The products together have at most 15 bits; the sum
    /// is modulo 2^16. The lanes are in an order of their own, see [`Words::in_order`].
    fn weigh(
        self,
        lanes: [Self::Lanes; 2],
        samples: [Self::Samples; 2],
        weights: Self::Pair,
    ) -> [Self::Lanes; 2];
    /// Puts lanes of [`Words::weigh`] in the order of the bytes.
    fn in_order(self, lanes: [Self::Lanes; 2]) -> [Self::Lanes; 2];
    /// Adds to the total of each position from `at` on the signed word there times the first
    /// weight and the word `APART` positions further on times the second. Words beyond the end
    /// count as 0.
    fn dot<const APART: usize>(
        self,
        totals: Self::Totals,
        words: &[u16],
        at: usize,
        weights: Self::Pair,
    ) -> Self::Totals;
    /// Takes the upper 16 bits of each total.
    fn upper(self, totals: Self::Totals) -> Self::Lanes;
}
