//! Weighted sums of interleaved RGB and RGBA with vector instructions.
//!
//! Of each four pixels, a lane of 128 bits gets red and green as pairs of 16 bits, and another one
//! blue; a multiply-and-add each gives the 32-bit sums of one colour. Saturating packs are the
//! limits 0 and 255.

#![allow(unsafe_code, reason = "vector loads and stores")]

mod avx2;
mod avx512;

use std::arch::x86_64::__m128i;

pub(super) use avx2::avx2;
pub(super) use avx512::{avx512, vnni};

/// How four pixels come into lanes and back; -1 makes a zero, and leaves alpha as it is.
struct Lanes {
    /// Red and green as 16-bit pairs.
    red_green: __m128i,
    /// Blue, each with a zero beside it.
    blue: __m128i,
    /// From four times red, four times green, four times blue to four pixels.
    pixels: __m128i,
    /// As `pixels`, with blue from the last quarter.
    pixels_of_second: __m128i,
}

impl Lanes {
    const RGB: Self = Self {
        red_green: bytes([0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1]),
        blue: bytes([2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1]),
        pixels: bytes([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1]),
        pixels_of_second: bytes([0, 4, 12, 1, 5, 13, 2, 6, 14, 3, 7, 15, -1, -1, -1, -1]),
    };
    const RGBA: Self = Self {
        red_green: bytes([0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1]),
        blue: bytes([2, -1, -1, -1, 6, -1, -1, -1, 10, -1, -1, -1, 14, -1, -1, -1]),
        pixels: bytes([0, 4, 8, -1, 1, 5, 9, -1, 2, 6, 10, -1, 3, 7, 11, -1]),
        pixels_of_second: bytes([0, 4, 12, -1, 1, 5, 13, -1, 2, 6, 14, -1, 3, 7, 15, -1]),
    };

    const fn of(alpha: bool) -> Self {
        if alpha { Self::RGBA } else { Self::RGB }
    }
}

const fn bytes(bytes: [i8; 16]) -> __m128i {
    // SAFETY: both are 16 bytes of plain integers.
    unsafe { std::mem::transmute::<[i8; 16], __m128i>(bytes) }
}

/// Two weights as one pair of 16 bits.
fn pair(low: i16, high: i16) -> i32 {
    i32::from(low) & 0xffff | i32::from(high) << 16
}
