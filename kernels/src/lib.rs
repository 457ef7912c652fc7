//! Image operations, each with its CPU and its CUDA implementation side by side, and the codecs.
//!
//! - [`Image`]: pixels; [`Pool`]: where their memory comes from and goes back to.
//! - [`FilterDefinition`]: what a filter is called and takes; everything shown to users follows it.
//! - [`Operation`]: a filter with its parameters set; [`Catalog`]: the filters there are;
//!   [`Chain`]: operations one after the other.
//! - [`Tensor`]: numbers for models, which the last step of a chain can make beside the image.
//! - [`Backend`]: runs chains, on the CPU ([`CpuBackend`]) or on a GPU ([`CudaBackend`]).
//! - [`probe()`]: what this machine offers.
//! - [`convert`]: other pixel layouts to ours and back, at the edge.
//! - [`analysis`]: what can be said of images.
//! - [`codec`]: PNG, JPEG and WebP files to images and back.
//!
//! No NATS, no actors, no protobuf here: images in, images out.

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
mod image;
mod morphology;
mod operation;
mod parameters;
mod pool;
mod privacy;
mod probe;
mod scratch;
mod sharpen;
mod simd;
mod tensor;
#[cfg(test)]
mod test_images;

pub use backend::{Accelerator, Backend, BackendError, CpuBackend, Output, StepTimes};
pub use catalog::{Catalog, Entry};
pub use chain::{Chain, ChainError, MAX_STEPS};
pub use cpu::{Cpu, Cut, Table, Window, WorkerPool};
pub use cuda::{
    Ahead, Argument, BatchTimes, Choice, CompiledKernels, Costs, CudaBackend, CudaError,
    CudaOptions, CudaPlan, CudaPointwise, CudaProgram, CudaSource, CudaWork, DriverFault, Estimate,
    FileWork, Generated, KernelCompiler, Launch, Load, MOST_INTS, Measured, PlannedLaunch, Source,
    Stage, Ticket,
};
pub use definition::{Family, FilterDefinition, ParameterDefinition, ParameterKind};
pub use image::{Image, ImageError, PixelFormat, Plane, Shape, Size};
pub use operation::{
    CpuWork, CutRows, Operation, Pointwise, Reach, Refusal, Rows, ToTensor, Whole,
};
pub use parameters::{ParameterError, Parameters};
pub use pool::{Pool, PooledBuffer};
pub use probe::{CudaDevice, Probe, probe};
pub use simd::Level;
pub use tensor::{Element, Fit, Mapping, Tensor, TensorShape};
