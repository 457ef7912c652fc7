//! Tensors: input for models, and histograms.

mod data;
mod histogram;
mod mapping;
mod normalize;
#[cfg(test)]
mod tests;

use crate::Entry;
use crate::cuda::CudaSource;
pub use data::{Element, Tensor, TensorShape};
pub use mapping::{Fit, Mapping};
pub(crate) const ENTRIES: &[Entry] = &[histogram::ENTRY, normalize::ENTRY];

static CUDA: CudaSource =
    CudaSource { name: "tensor.cu", text: include_str!("../../cuda/tensor.cu") };
