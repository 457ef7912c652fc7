//! Operations on an NVIDIA GPU.
//!
//! An operation describes its launch as plain data ([`Launch`]): which kernel of which source
//! file, how many threads, which arguments. [`CudaBackend`] compiles the source for the device
//! with NVRTC, and runs it. The same descriptions drive the tests that compile the kernels for
//! every architecture and run them on the host.
//!
//! The driver and NVRTC are loaded at run time; without them there is an error, never a crash.
//! Not yet run on a GPU: so far the kernels are only compiled, and run on the host.

mod backend;
mod devices;
mod error;
mod launch;
mod program;

pub use backend::CudaBackend;
pub(crate) use devices::devices;
pub use error::{CudaError, DriverFault};
pub use launch::{Argument, CudaPointwise, CudaProgram, CudaSource, CudaWork, Launch};
