//! One stage of a plan: kernels, from one image on the device to the next.

use std::borrow::Cow;
use std::sync::Arc;

use super::generated::Generated;
use super::{Argument, CudaProgram, CudaSource};
use crate::Shape;

/// The text in front of every source.
const COMMON: &str = concat!(
    include_str!("../../cuda/common.cuh"),
    include_str!("../../cuda/wide.cuh"),
    include_str!("../../cuda/tile.cuh"),
);
/// The text in front of generated sources, after [`COMMON`].
const POINTWISE: &str = include_str!("../../cuda/pointwise.cu");

/// One stage of a plan: kernels that make one image or tensor on the device from another.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The steps of the chain that this stage does.
    pub steps: Vec<usize>,
    /// The shape of the input.
    pub input: Shape,
    /// The shape of the image after this stage.
    pub output: Shape,
    /// The size in bytes of what the stage makes, which is the image or a tensor.
    pub output_bytes: usize,
    /// The sizes of the scratch buffers, as in [`CudaProgram::scratch`].
    pub scratch: Vec<usize>,
    /// Large constants, as in [`CudaProgram::data`].
    pub data: Vec<Vec<u8>>,
    /// The launches of this stage, in order.
    pub launches: Vec<PlannedLaunch>,
}

/// One launch of a kernel: a [`Launch`](super::Launch) whose source may be generated.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedLaunch {
    /// The source that has the kernel.
    pub source: Source,
    /// The name of the kernel in that source.
    pub kernel: Cow<'static, str>,
    /// The number of blocks, across and down.
    pub grid: (u32, u32),
    /// The number of threads in a block, across and down.
    pub block: (u32, u32),
    /// The dynamic shared memory of a block in bytes.
    pub shared_bytes: u32,
    /// The arguments, in the order of the kernel's parameters.
    pub arguments: Vec<Argument>,
}

/// The source of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file of this crate.
    File(&'static CudaSource),
    /// A kernel that was generated for a chain.
    Generated(Arc<Generated>),
}

impl Source {
    /// The name of the source, which is unique.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::File(source) => source.name,
            Self::Generated(generated) => generated.name(),
        }
    }

    /// The complete text to compile.
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
