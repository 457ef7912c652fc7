//! Conversions between interleaved layouts.

use crate::colour::spaces::x86;
use crate::simd::{Level, simd_levels};

/// Blue, green, red to red, green, blue, and back.
pub(crate) fn swap_ends(level: Level, from: &[u8], to: &mut [u8]) {
    let done = 3 * x86::swap_ends(level, from, to);
    if let (Some(from), Some(to)) = (from.get(done..), to.get_mut(done..)) {
        swap_rest(level, from, to);
    }
}

simd_levels! {
    fn swap_rest(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<3>().0.iter().zip(to.as_chunks_mut::<3>().0);
        for (&[first, second, third], to) in pixels {
            *to = [third, second, first];
        }
    }
}

simd_levels! {
    pub(super) fn gray_to_rgb(from: &[u8], to: &mut [u8]) {
        for (&grey, to) in from.iter().zip(to.as_chunks_mut::<3>().0) {
            // Not `[grey; 3]`: the compiler makes a `memset` of it, and no vectors.
            *to = [grey, grey, grey];
        }
    }
}

simd_levels! {
    pub(super) fn gray_to_rgba(from: &[u8], to: &mut [u8]) {
        for (grey, to) in from.iter().zip(to.as_chunks_mut::<4>().0) {
            *to = [*grey, *grey, *grey, u8::MAX];
        }
    }
}

simd_levels! {
    pub(super) fn rgb_to_rgba(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<3>().0.iter().zip(to.as_chunks_mut::<4>().0);
        for (&[red, green, blue], to) in pixels {
            *to = [red, green, blue, u8::MAX];
        }
    }
}

simd_levels! {
    pub(super) fn rgba_to_rgb(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<3>().0);
        for (&[red, green, blue, _], to) in pixels {
            *to = [red, green, blue];
        }
    }
}
