//! What the filters share that look at the whole image before they change a pixel of it, on a GPU.

use crate::Shape;
use crate::cuda::{Argument, CudaSource, Launch, wide};

/// Kernels that look at the whole image.
pub(super) static STATISTICS: CudaSource = CudaSource {
    name: "colour_statistics.cu",
    text: include_str!("../../cuda/colour_statistics.cu"),
};

/// How many blocks look at a part of an image each: as many as a large one needs to keep a GPU
/// busy.
pub(super) fn statistics_blocks(input: Shape) -> u32 {
    let worth_it = input.size.pixels().div_ceil(STATISTICS_PIXELS);
    u32::try_from(worth_it).unwrap_or(u32::MAX).min(256)
}

/// Pixels that a block looks at, at least.
const STATISTICS_PIXELS: usize = 4096;

/// The last launch: each sample by the table in that scratch memory.
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
