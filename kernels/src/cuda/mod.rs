//! Operations on an NVIDIA GPU.
//!
//! An operation describes its launches as plain data ([`Launch`]): which kernel of which source,
//! how many threads, which arguments. [`CudaPlan`] turns a chain into stages, and neighbouring
//! pointwise steps into one kernel. [`CudaBackend`] compiles the sources for the device with NVRTC
//! and runs them. The tests that compile the kernels for every architecture and run them on the host
//! use the same plans.
//!
//! The driver and NVRTC are loaded at run time; without them there is an error, never a crash.
//! `docs/explanation/gpu.md` says what has been tested so far.

mod arguments;
mod backend;
mod bounded;
mod compile;
mod devices;
mod disk;
mod error;
mod fuse;
mod generated;
mod lane;
mod launch;
mod memory;
mod plan;
mod program;
mod schedule;
mod stage;
mod wait;
pub(crate) mod wide;

pub use backend::{BatchTimes, CudaBackend, CudaOptions};
pub use compile::{CompiledKernels, KernelCompiler};
pub(crate) use devices::devices;
pub use error::{CudaError, DriverFault};
pub use generated::Generated;
pub use launch::{Argument, CudaPointwise, CudaProgram, CudaSource, CudaWork, Launch, MOST_INTS};
pub use plan::CudaPlan;
pub use schedule::Ticket;
pub use stage::{PlannedLaunch, Source, Stage};
