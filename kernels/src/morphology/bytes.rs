//! The lesser and the greater of two vectors of bytes, for each set of instructions, so that it
//! does not depend on what the compiler finds in a plain loop.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::simd::Baseline;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512, Sse41};

/// A set of instructions with vectors of `BYTES` bytes.
///
/// A value of a type that implements it proves that the instructions may be used, because it comes
/// from a [`Level`](crate::simd::Level).
pub(super) trait Bytes: Copy {
    /// A vector of bytes.
    type Vector: Copy;
    /// The number of bytes in a vector.
    const BYTES: usize;

    /// Loads bytes from position `at` on; gives zeros if `from` has too few.
    fn fetch(self, from: &[u8], at: usize) -> Self::Vector;
    /// Stores to position `at`; does nothing if `to` has too little room.
    fn put(self, bytes: Self::Vector, to: &mut [u8], at: usize);
    /// The lesser of each pair of bytes.
    fn least(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The greater of each pair of bytes.
    fn greatest(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
}

/// One byte at a time, for rows that are shorter than a vector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Single;

impl Bytes for Single {
    type Vector = u8;
    const BYTES: usize = 1;

    #[inline(always)]
    fn fetch(self, from: &[u8], at: usize) -> u8 {
        from.get(at).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn put(self, bytes: u8, to: &mut [u8], at: usize) {
        if let Some(to) = to.get_mut(at) {
            *to = bytes;
        }
    }

    #[inline(always)]
    fn least(self, a: u8, b: u8) -> u8 {
        a.min(b)
    }

    #[inline(always)]
    fn greatest(self, a: u8, b: u8) -> u8 {
        a.max(b)
    }
}

impl Bytes for Baseline {
    type Vector = [u8; 64];
    const BYTES: usize = 64;

    #[inline(always)]
    fn fetch(self, from: &[u8], at: usize) -> [u8; 64] {
        let bytes = from.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().unwrap_or([0; 64])
    }

    #[inline(always)]
    fn put(self, bytes: [u8; 64], to: &mut [u8], at: usize) {
        if let Some(to) = to.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *to = bytes;
        }
    }

    #[inline(always)]
    fn least(self, mut a: [u8; 64], b: [u8; 64]) -> [u8; 64] {
        for (a, b) in a.iter_mut().zip(&b) {
            *a = (*a).min(*b);
        }
        a
    }

    #[inline(always)]
    fn greatest(self, mut a: [u8; 64], b: [u8; 64]) -> [u8; 64] {
        for (a, b) in a.iter_mut().zip(&b) {
            *a = (*a).max(*b);
        }
        a
    }
}

/// The intrinsics have one naming scheme.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_bytes {
    (
        $name:ident, $vector:ty, $bytes:literal, zero $zero:ident, load $load:ident,
        store $store:ident, least $least:ident, greatest $greatest:ident
    ) => {
        #[allow(unsafe_code, reason = "vector instructions")]
        impl Bytes for $name {
            type Vector = $vector;
            const BYTES: usize = $bytes;

            #[inline(always)]
            fn fetch(self, from: &[u8], at: usize) -> $vector {
                match from.get(at..).and_then(<[u8]>::first_chunk::<$bytes>) {
                    // SAFETY: `self` proves the instruction; the array is as long as the vector.
                    Some(bytes) => unsafe { $load(bytes.as_ptr().cast()) },
                    // SAFETY: `self` proves that the CPU has this instruction.
                    None => unsafe { $zero() },
                }
            }

            #[inline(always)]
            fn put(self, bytes: $vector, to: &mut [u8], at: usize) {
                if let Some(to) = to.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<$bytes>) {
                    // SAFETY: `self` proves the instruction; the array is as long as the vector.
                    unsafe { $store(to.as_mut_ptr().cast(), bytes) };
                }
            }

            #[inline(always)]
            fn least(self, a: $vector, b: $vector) -> $vector {
                // SAFETY: `self` proves that the CPU has this instruction.
                unsafe { $least(a, b) }
            }

            #[inline(always)]
            fn greatest(self, a: $vector, b: $vector) -> $vector {
                // SAFETY: `self` proves that the CPU has this instruction.
                unsafe { $greatest(a, b) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_bytes!(
    Sse41, __m128i, 16, zero _mm_setzero_si128, load _mm_loadu_si128, store _mm_storeu_si128,
    least _mm_min_epu8, greatest _mm_max_epu8
);

#[cfg(target_arch = "x86_64")]
x86_bytes!(
    Avx2, __m256i, 32, zero _mm256_setzero_si256, load _mm256_loadu_si256,
    store _mm256_storeu_si256, least _mm256_min_epu8, greatest _mm256_max_epu8
);

#[cfg(target_arch = "x86_64")]
x86_bytes!(
    Avx512, __m512i, 64, zero _mm512_setzero_si512, load _mm512_loadu_si512,
    store _mm512_storeu_si512, least _mm512_min_epu8, greatest _mm512_max_epu8
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Level, simd_levels};

    simd_levels! {
        fn check<I: Bytes>(isa, _unused: ()) {
            check_one(isa);
        }
    }

    #[inline(always)]
    fn check_one(bytes: impl Bytes) {
        fn len<B: Bytes>(_: B) -> usize {
            B::BYTES
        }
        let len = len(bytes);
        let a: Vec<u8> = (0..=len).map(|at| (at * 37) as u8).collect();
        let b: Vec<u8> = (0..=len).map(|at| (at * 91 + 128) as u8).collect();
        let (first, second) = (bytes.fetch(&a, 1), bytes.fetch(&b, 1));
        let pairs = || a.iter().zip(&b).skip(1);
        let mut to = vec![7; len + 1];
        bytes.put(bytes.least(first, second), &mut to, 1);
        assert!(to[1..].iter().copied().eq(pairs().map(|(a, b)| *a.min(b))));
        bytes.put(bytes.greatest(first, second), &mut to, 1);
        assert!(to[1..].iter().copied().eq(pairs().map(|(a, b)| *a.max(b))));
        assert_eq!(to[0], 7);
        // Beyond the end there is nothing to take, and no room.
        let before = to.clone();
        bytes.put(first, &mut to, 2);
        assert_eq!(to, before);
        bytes.put(bytes.fetch(&a, 2), &mut to, 0);
        assert!(to[..len].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn every_level_takes_the_lesser_and_the_greater() {
        check_one(Single);
        Level::all().into_iter().for_each(|level| check(level, ()));
    }
}
