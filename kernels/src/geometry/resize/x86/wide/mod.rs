//! Vectors of 64 bytes, as one register of AVX-512 or as two of AVX2: so that each loop over them
//! is written once.

mod avx2;
mod avx512;

use std::arch::x86_64::*;

/// The number of bytes in a lane.
pub(super) const LANE: usize = 16;

/// Two words as one number, with the first one in the lower half.
#[inline(always)]
pub(super) fn two_words([first, second]: [i16; 2]) -> i32 {
    i32::from(first.cast_unsigned()) | i32::from(second) << 16
}

/// Operations on 64 bytes. A value is the proof that the instructions may be used; the operations
/// have to be inlined into a function that is compiled for them.
pub(super) trait Wide: Copy {
    /// 64 bytes; "lanes" of 16 bytes are what shuffles stay within.
    type V: Copy;

    /// Sets every number to `value`.
    fn splat(self, value: i32) -> Self::V;
    /// Loads numbers in memory order.
    fn load(self, from: &[i32; 16]) -> Self::V;
    /// Loads words in memory order.
    fn load_words(self, from: &[i16; 32]) -> Self::V;
    /// Sixteen bytes of each from that one on, one lane each.
    ///
    /// # Safety
    /// They are there.
    #[inline(always)]
    unsafe fn load_rows(self, from: [&[u8]; 4], start: usize) -> Self::V {
        // SAFETY: the caller promises that 16 bytes are there.
        self.lanes_of(from.map(|from| unsafe { sixteen(from, start) }))
    }
    /// Sixteen bytes from each start on, one lane each.
    ///
    /// # Safety
    /// They are there.
    #[inline(always)]
    unsafe fn load_lanes(self, from: &[u8], starts: [usize; 4]) -> Self::V {
        // SAFETY: the caller promises that 16 bytes are there.
        self.lanes_of(starts.map(|start| unsafe { sixteen(from, start) }))
    }
    /// A vector of which each argument is one lane.
    fn lanes_of(self, lanes: [__m128i; 4]) -> Self::V;
    /// Repeats `from` in every lane.
    fn lanes(self, from: &[i16; 8]) -> Self::V;
    /// The order, for [`Wide::shuffle`], of two neighbouring pixels of that many samples, the
    /// first of which starts at that byte of its lane: the same sample of both together, as 16
    /// bits each. Of one channel, eight pixels one after the other.
    #[inline(always)]
    fn pairs(self, channels: usize, first: usize) -> Self::V {
        let numbers = std::array::from_fn(|number| {
            let sample = number % 4;
            let at = match channels {
                1 => [first + 2 * sample, first + 2 * sample + 1],
                _ if sample < channels => [first + sample, first + channels + sample],
                _ => [0x80; 2],
            };
            (0x8000_8000 | at[0] as u32 | (at[1] as u32) << 16).cast_signed()
        });
        self.load(&numbers)
    }
    /// Four bytes from each start on.
    ///
    /// # Safety
    /// They are there.
    unsafe fn gather(self, from: &[u8], starts: Self::V) -> Self::V;
    /// The bytes of each lane in that order; 0 where it is negative.
    fn shuffle(self, bytes: Self::V, order: Self::V) -> Self::V;
    /// Adds numbers of 32 bits.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// Products of 16 bits, the neighbours added.
    fn multiply_add(self, a: Self::V, b: Self::V) -> Self::V;
    /// Numbers of 32 bits over two to the power of the lowest of `by`.
    fn shift_down(self, a: Self::V, by: __m128i) -> Self::V;
    /// Words of both in turns: of the lower half of each lane, and of the upper.
    fn zip(self, a: Self::V, b: Self::V) -> [Self::V; 2];
    /// Adds up the numbers of each vector's lane; a lane of the result has the four sums.
    fn sum_up(self, sums: [Self::V; 4]) -> Self::V;
    /// Stores words in memory order.
    fn store_words(self, a: Self::V, to: &mut [i16; 32]);
    /// The four numbers of 32 bits of each lane of both, which fit 16: the eight of a lane to one
    /// place.
    ///
    /// # Safety
    /// There is room for eight elements at each.
    unsafe fn store_lanes(self, pair: [Self::V; 2], to: *mut i16, places: [usize; 4]);
    /// The same with the first three of each four; the last two that are written mean nothing.
    ///
    /// # Safety
    /// There is room for eight elements at each.
    unsafe fn store_lane_threes(self, pair: [Self::V; 2], to: *mut i16, places: [usize; 4]);
    /// Sixteen numbers of 32 bits that fit 16.
    fn store(self, a: Self::V, to: &mut [i16; 16]);
    /// The first three numbers of 32 bits of each lane, which fit 16; the last four that are
    /// written mean nothing.
    fn store_threes(self, a: Self::V, to: &mut [i16; 16]);
    /// The numbers of 32 bits that lie as [`Wide::zip`] gave them, cut to the range of a byte.
    fn store_bytes(self, zipped: [Self::V; 2], to: &mut [u8; 32]);
}

/// The order of the first three words of each four of a lane.
const THREES_OF_FOUR: [i32; 16] = {
    let (a, b, c) = (0x0302_0100, 0x0908_0504, 0x0d0c_0b0a);
    [a, b, c, -1, a, b, c, -1, a, b, c, -1, a, b, c, -1]
};

/// # Safety
/// Sixteen bytes are there.
#[inline(always)]
unsafe fn sixteen(from: &[u8], start: usize) -> __m128i {
    debug_assert!(start + 16 <= from.len());
    // SAFETY: the caller promises it.
    let from = unsafe { from.as_ptr().add(start) };
    // SAFETY: as above. SSE2 is part of x86-64.
    unsafe { _mm_loadu_si128(from.cast()) }
}

/// Compiles a function for AVX-512 and for AVX2; it gets a [`Level`](crate::simd::Level) as its
/// first parameter, which chooses, and does nothing and returns `None` with others. The body is
/// generic over [`Wide`], of which its own first parameter is a value.
macro_rules! wide_levels {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident<$kind:ident>($wide:ident, $($arg:ident: $type:ty),* $(,)?)
        -> $result:ty $body:block
    ) => {
        $(#[$meta])*
        $vis fn $name(
            level: $crate::simd::Level,
            $($arg: $type),*
        ) -> Option<$result> {
            use $crate::simd::{Avx2, Avx512, Instructions};

            #[inline(always)]
            fn with<$kind: Wide>($wide: $kind, $($arg: $type),*) -> $result $body

            #[target_feature(enable = "avx2")]
            fn avx2(wide: Avx2, $($arg: $type),*) -> $result {
                with(wide, $($arg),*)
            }

            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            fn avx512(wide: Avx512, $($arg: $type),*) -> $result {
                with(wide, $($arg),*)
            }

            match level.instructions() {
                Instructions::Baseline(_) | Instructions::Sse41(_) => None,
                // SAFETY: `wide` exists only where AVX2 was detected.
                Instructions::Avx2(wide) => Some(unsafe { avx2(wide, $($arg),*) }),
                // SAFETY: `wide` exists only where AVX-512 F, BW and VL were detected.
                Instructions::Avx512(wide) => Some(unsafe { avx512(wide, $($arg),*) }),
            }
        }
    };
}
pub(super) use wide_levels;
