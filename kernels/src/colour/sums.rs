//! Sums of the channels of a row.

use crate::simd::simd_levels;

/// A multiple of 3 and 4: each position of a block belongs to one channel.
const BLOCK: usize = 192;

/// As many bytes as a sum of 16 bits takes.
const BLOCKS: usize = 257;

simd_levels! {
    pub(super) fn add_row(row: &[u8], channels: usize, sums: &mut [u64; 256]) {
        let (blocks, rest) = row.as_chunks::<BLOCK>();
        for blocks in blocks.chunks(BLOCKS) {
            let mut columns = [0_u16; BLOCK];
            for block in blocks {
                columns.iter_mut().zip(block).for_each(|(sum, sample)| *sum += u16::from(*sample));
            }
            for pixel in columns.chunks_exact(channels) {
                pixel.iter().zip(&mut *sums).for_each(|(part, sum)| *sum += u64::from(*part));
            }
        }
        for pixel in rest.chunks_exact(channels) {
            pixel.iter().zip(&mut *sums).for_each(|(sample, sum)| *sum += u64::from(*sample));
        }
    }
}
