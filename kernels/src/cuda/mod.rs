//! Operations on an NVIDIA GPU.
//!
//! An operation describes its launch as plain data ([`Launch`]): which kernel of which source
//! file, how many threads, which arguments. [`CudaPlan`] makes stages of a chain, and one kernel of
//! neighbouring steps that work pixel by pixel. [`CudaBackend`] compiles the sources for the device
//! with NVRTC, and runs them. The same plans drive the tests that compile the kernels for every
//! architecture and run them on the host.
//!
//! The driver and NVRTC are loaded at run time; without them there is an error, never a crash.
//! Not yet run on a GPU: so far the kernels are only compiled, and run on the host.

mod arguments;
mod backend;
mod bounded;
mod choice;
mod compile;
mod cost;
mod devices;
mod disk;
mod error;
mod fuse;
mod generated;
mod lane;
mod launch;
mod line;
mod memory;
mod plan;
mod program;
mod schedule;
mod stage;
mod wait;
pub(crate) mod wide;

pub use backend::{BatchTimes, CudaBackend, CudaOptions};
pub use choice::{Ahead, Choice, Estimate, Load};
pub use compile::{CompiledKernels, KernelCompiler};
pub use cost::{Costs, FileWork, Measured};
pub(crate) use devices::devices;
pub use error::{CudaError, DriverFault};
pub use generated::Generated;
pub use launch::{Argument, CudaPointwise, CudaProgram, CudaSource, CudaWork, Launch, MOST_INTS};
pub use plan::CudaPlan;
pub use schedule::Ticket;
pub use stage::{PlannedLaunch, Source, Stage};
