//! Rows of blocks: the first row of pixels is made, the others are copies of it.

use std::ops::Range;

use crate::effect::blocks::Blocks;
use crate::{Cpu, Window};

/// Makes rows `rows` of the result.
pub(super) fn render(
    blocks: &Blocks,
    cpu: &Cpu,
    input: &Window<'_>,
    rows: Range<usize>,
    output: &mut [u8],
) {
    let (channels, row_bytes) = (input.channels(), input.shape().row_bytes());
    let mut means = cpu.take(blocks.across() * channels);
    let mut rest = output;
    let mut y = rows.start;
    let mut watch = cpu.watch(blocks.side() * row_bytes);
    while y < rows.end && !watch.is_over() {
        let row = y / blocks.side();
        let end = blocks.rows(row).end.min(rows.end);
        let Some((these, after)) = rest.split_at_mut_checked((end - y) * row_bytes) else { return };
        blocks.means(cpu, input, row, 0..blocks.across(), &mut means);
        let Some((first, others)) = these.split_at_mut_checked(row_bytes) else { return };
        spread(channels, blocks.side(), &means, first);
        others.chunks_exact_mut(row_bytes).for_each(|other| other.copy_from_slice(first));
        (rest, y) = (after, end);
    }
}

/// Each pixel of `means` that many times.
pub(crate) fn spread(channels: usize, times: usize, means: &[u8], to: &mut [u8]) {
    match channels {
        1 => spread_pixels::<1>(times, means, to),
        3 => spread_pixels::<3>(times, means, to),
        _ => spread_pixels::<4>(times, means, to),
    }
}

fn spread_pixels<const C: usize>(times: usize, means: &[u8], to: &mut [u8]) {
    let blocks = to.as_chunks_mut::<C>().0.chunks_mut(times);
    blocks.zip(means.as_chunks::<C>().0).for_each(|(block, mean)| block.fill(*mean));
}
