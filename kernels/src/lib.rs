//! Image operations for the CPU and for NVIDIA GPUs.
//!
//! - An [`Image`] holds pixels in memory of a [`Pool`]; both come from `ocelli-media`, which says what
//!   a picture is.
//! - A [`FilterDefinition`] describes a filter and its parameters; everything that users see about
//!   the filter is made from it. The [`Catalog`] has all filters.
//! - A [`Chain`] is a list of filters with their parameters, checked; [`Planned`] is a chain together
//!   with the shapes that its steps make of an input.
//! - A [`Backend`] runs chains: [`CpuBackend`] on the CPU, [`CudaBackend`] on an NVIDIA GPU.
//! - A [`Tensor`] holds numbers for a model; the last filter of a chain may make one.
//! - [`probe()`] says what this machine offers.
//! - [`convert`] translates between pixel layouts, [`analysis`] compares images, and [`codec`] reads
//!   and writes PNG, JPEG and WebP files.
//! - [`operation`] is for those who write a filter.
//!
//! This crate knows nothing of NATS, actors or protobuf: images go in, images come out.

mod alpha;
pub mod analysis;
mod backend;
mod blur;
mod border;
mod catalog;
mod chain;
mod clock;
pub mod codec;
mod colour;
pub mod convert;
mod cpu;
mod cuda;
mod definition;
mod edges;
mod effect;
mod geometry;
mod interrupt;
mod morphology;
pub mod operation;
mod parameters;
mod privacy;
mod probe;
mod scratch;
mod sharpen;
mod simd;
mod tensor;
#[cfg(test)]
mod test_images;

/// The memory that images and tensors lie in.
mod pool {
    pub(crate) use ocelli_media::{CACHE_LINE as LINE, Pixels};
}

pub use backend::{Accelerator, Backend, BackendError, CpuBackend, Output, StepTimes};
pub use catalog::{Catalog, Entry};
pub use chain::{Chain, ChainError, MAX_STEPS, Planned};
pub use cpu::WorkerPool;
pub(crate) use cpu::{Cpu, Cut, Table, Window};
pub use cuda::{CudaBackend, CudaError};
pub use definition::{Family, FilterDefinition, ParameterDefinition, ParameterKind};
pub use interrupt::Interrupt;
pub use ocelli_media::{
    Image, ImageError, Limits, PixelFormat, Plane, Pool, PooledBuffer, Shape, Size,
};
pub use operation::Refusal;
pub(crate) use operation::{
    CpuWork, CutRows, Operation, Pointwise, Reach, Rows, ScratchBytes, ToTensor, Whole, WorkError,
};
pub use parameters::{ParameterError, Parameters};
pub use probe::{CudaDevice, Probe, probe};
pub use tensor::{Element, Fit, Mapping, Tensor, TensorShape};

/// What only this crate's own tests and benchmarks use. It may change at any time.
#[doc(hidden)]
pub mod internals {
    pub use crate::cuda::{
        Argument, BatchTimes, CompiledKernels, CudaOptions, CudaPlan, CudaPointwise, CudaProgram,
        CudaSource, CudaWork, DriverFault, Generated, KernelCompiler, Launch, MOST_INTS,
        PlannedLaunch, Source, Stage, Ticket,
    };
}
