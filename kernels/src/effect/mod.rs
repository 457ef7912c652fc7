//! Filters that change the look of an image.

mod blocks;
mod emboss;
mod pixelate;
mod posterize;
mod vignette;

pub(crate) use blocks::{Blocks, LONGEST};
pub(crate) use pixelate::spread;

use crate::Entry;
use crate::cuda::CudaSource;
pub(crate) const ENTRIES: &[Entry] =
    &[emboss::ENTRY, pixelate::ENTRY, posterize::ENTRY, vignette::ENTRY];

static CUDA: CudaSource =
    CudaSource { name: "effect.cu", text: include_str!("../../cuda/effect.cu") };
