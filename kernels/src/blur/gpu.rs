//! What the launches of this family share.

use crate::cuda::{Argument, CudaSource};

/// Blurs that are weighted sums.
pub(super) static CUDA: CudaSource =
    CudaSource { name: "blur.cu", text: include_str!("../../cuda/blur.cu") };

/// Blurs that compare samples.
pub(super) static RANK: CudaSource =
    CudaSource { name: "blur_rank.cu", text: include_str!("../../cuda/blur_rank.cu") };

/// As an argument; `None` if it is too great.
pub(super) fn int(value: usize) -> Option<Argument> {
    i32::try_from(value).ok().map(Argument::Int)
}

/// How many blocks cover that length.
pub(super) fn blocks(length: usize, of_block: usize) -> Option<u32> {
    u32::try_from(length.div_ceil(of_block)).ok()
}
