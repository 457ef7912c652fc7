//! Filters that move pixels.

mod crop;
mod flip;
pub(crate) mod letterbox;
mod pad;
pub(crate) mod planes;
pub(crate) mod resize;
mod rotate;
mod warp;

use crate::cuda::{Argument, CudaSource};
use crate::{Entry, PixelFormat};
pub(crate) const ENTRIES: &[Entry] = &[
    crop::ENTRY,
    flip::ENTRY,
    letterbox::ENTRY,
    pad::ENTRY,
    resize::ENTRY,
    rotate::ENTRY,
    warp::AFFINE,
    warp::PERSPECTIVE,
];

/// What operations take that work on one plane after the other.
pub(crate) const WITH_NV12: [PixelFormat; 4] =
    [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Rgba8, PixelFormat::Nv12];

/// The longest side that an image may get.
pub(crate) const MAX_SIDE: usize = 16384;

static CUDA: CudaSource =
    CudaSource { name: "geometry.cu", text: include_str!("../../cuda/geometry.cu") };

/// An argument of a kernel; `None` if the number is too large for it.
pub(crate) fn int(value: usize) -> Option<Argument> {
    i32::try_from(value).ok().map(Argument::Int)
}

/// The number of blocks that cover that many elements.
pub(crate) fn blocks(elements: usize, block: usize) -> Option<u32> {
    u32::try_from(elements.div_ceil(block)).ok()
}

/// Blocks of 32 threads beside each other that write a row, 16 aligned bytes each. A row need not
/// start aligned: then its first and its last bytes are a thread's, too.
fn parts(samples: usize) -> Option<u32> {
    blocks(samples + 15, 32 * 16)
}

/// The colour as the samples of a pixel; grey is computed like `cvtColor`.
pub(crate) fn samples_of(color: [u8; 4], channels: usize) -> [u8; 4] {
    let [red, green, blue, _] = color;
    if channels > 1 {
        return color;
    }
    let mut grey = [0];
    crate::colour::grayscale::bt601(crate::simd::Level::best(), &[red, green, blue], &mut grey);
    [grey[0]; 4]
}
