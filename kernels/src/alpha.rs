//! Transparency that an operation leaves alone.

use crate::simd::simd_levels;

simd_levels! {
    /// The alpha of RGBA pixels from one row to another.
    pub(crate) fn keep(from: &[u8], to: &mut [u8]) {
        /// Where alpha lies in a pixel.
        const ALPHA: u32 = u32::from_le_bytes([0, 0, 0, 255]);
        for (from, to) in from.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<4>().0) {
            let alpha = u32::from_le_bytes(*from) & ALPHA;
            *to = (u32::from_le_bytes(*to) & !ALPHA | alpha).to_le_bytes();
        }
    }
}
