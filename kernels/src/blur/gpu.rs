//! The GPU half of the blurs: sources and helpers that their launches share.

use crate::cuda::{Argument, CudaSource};

/// The source of blurs that are weighted sums.
pub(super) static CUDA: CudaSource =
    CudaSource { name: "blur.cu", text: include_str!("../../cuda/blur.cu") };

/// The source of blurs that compare samples.
pub(super) static RANK: CudaSource =
    CudaSource { name: "blur_rank.cu", text: include_str!("../../cuda/blur_rank.cu") };

/// The number as an argument; `None` if it is too large.
pub(super) fn int(value: usize) -> Option<Argument> {
    i32::try_from(value).ok().map(Argument::Int)
}

/// The number of blocks that cover that length.
pub(super) fn blocks(length: usize, of_block: usize) -> Option<u32> {
    u32::try_from(length.div_ceil(of_block)).ok()
}
