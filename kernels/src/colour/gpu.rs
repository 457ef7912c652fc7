//! The GPU half of filters that need statistics of the whole image first.

use crate::Shape;
use crate::cuda::{Argument, CudaSource, Launch, wide};

/// The source of kernels that compute statistics of the whole image.
pub(super) static STATISTICS: CudaSource = CudaSource {
    name: "colour_statistics.cu",
    text: include_str!("../../cuda/colour_statistics.cu"),
};

/// The number of blocks that each read a part of the image: enough for a large image to keep a GPU
/// busy.
pub(super) fn statistics_blocks(input: Shape) -> u32 {
    let worth_it = input.size.pixels().div_ceil(STATISTICS_PIXELS);
    u32::try_from(worth_it).unwrap_or(u32::MAX).min(256)
}

/// The smallest number of pixels for one block.
const STATISTICS_PIXELS: usize = 4096;

/// The last launch, which applies the table in that scratch buffer to each sample.
pub(super) fn apply_table(input: Shape, scratch: usize) -> Option<Launch> {
    let (samples, channels) = (input.bytes(), input.format.channels());
    let arguments = vec![
        Argument::Input,
        Argument::Output,
        Argument::Scratch(scratch),
        Argument::Int(i32::try_from(samples).ok()?),
        Argument::Int(i32::try_from(channels).ok()?),
    ];
    let launch = wide::of_bytes(&STATISTICS, "colour_statistics_apply", samples, arguments)?;
    Some(Launch { shared_bytes: 768, ..launch })
}
