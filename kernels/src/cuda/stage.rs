//! One stage of a plan: kernels, from one image on the device to the next.

use std::borrow::Cow;
use std::sync::Arc;

use super::generated::Generated;
use super::{Argument, CudaProgram, CudaSource};
use crate::Shape;

/// What stands before every source.
const COMMON: &str = concat!(
    include_str!("../../cuda/common.cuh"),
    include_str!("../../cuda/wide.cuh"),
    include_str!("../../cuda/tile.cuh"),
);
/// What else stands before a generated one.
const POINTWISE: &str = include_str!("../../cuda/pointwise.cu");

/// From one image on the device to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The steps of the chain that it is.
    pub steps: Vec<usize>,
    /// Of what it reads.
    pub input: Shape,
    /// Of the image after it.
    pub output: Shape,
    /// Of what it makes: the image, or a tensor.
    pub output_bytes: usize,
    /// As in [`CudaProgram`].
    pub scratch: Vec<usize>,
    /// As in [`CudaProgram`].
    pub data: Vec<Vec<u8>>,
    /// In order.
    pub launches: Vec<PlannedLaunch>,
}

/// One launch of a kernel, as [`Launch`](super::Launch), of a source that may be generated.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedLaunch {
    /// Where the kernel is.
    pub source: Source,
    /// What it is called there.
    pub kernel: Cow<'static, str>,
    /// Blocks, across and down.
    pub grid: (u32, u32),
    /// Threads of a block, across and down.
    pub block: (u32, u32),
    /// Dynamic shared memory of a block.
    pub shared_bytes: u32,
    /// In the order of the kernel's parameters.
    pub arguments: Vec<Argument>,
}

/// Where a kernel comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(&'static CudaSource),
    /// Generated for a chain.
    Generated(Arc<Generated>),
}

impl Source {
    /// Unique among all.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::File(source) => source.name,
            Self::Generated(generated) => generated.name(),
        }
    }

    /// All that is compiled.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::File(source) => format!("{COMMON}{}", source.text),
            Self::Generated(generated) => format!("{COMMON}{POINTWISE}{}", generated.kernel_text()),
        }
    }
}

impl Stage {
    /// The stage that runs one program for one step of a chain.
    pub(super) fn of(program: CudaProgram, step: usize, input: Shape, output: Shape) -> Self {
        let launches = program.launches.into_iter().map(|launch| PlannedLaunch {
            source: Source::File(launch.source),
            kernel: launch.kernel.into(),
            grid: launch.grid,
            block: launch.block,
            shared_bytes: launch.shared_bytes,
            arguments: launch.arguments,
        });
        Self {
            steps: vec![step],
            input,
            output,
            output_bytes: output.bytes(),
            scratch: program.scratch,
            data: program.data,
            launches: launches.collect(),
        }
    }
}
