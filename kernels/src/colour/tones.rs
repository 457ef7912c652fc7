//! Launches of the kernels in `tones.cu`.

use crate::Shape;
use crate::cuda::{Argument, CudaSource, Launch};

static CUDA: CudaSource =
    CudaSource { name: "tones.cu", text: include_str!("../../cuda/tones.cu") };

/// The numbers of pixels and of channels, as kernels take them.
pub(super) fn counts(input: Shape) -> Option<(i32, i32)> {
    Some((i32::try_from(input.size.pixels()).ok()?, i32::try_from(input.format.channels()).ok()?))
}

/// A launch with `shared_bytes` bytes of shared memory.
pub(super) fn launch(
    kernel: &'static str,
    grid: (u32, u32),
    block: (u32, u32),
    shared_bytes: u32,
    arguments: Vec<Argument>,
) -> Launch {
    Launch { source: &CUDA, kernel, grid, block, shared_bytes, arguments }
}
