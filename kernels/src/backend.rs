//! What runs chains: one interface, whatever the processor.

use std::time::Duration;

use crate::clock::Stopwatch;
use crate::{Chain, Image, Operation, PixelFormat, Pool};

/// A kind of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accelerator {
    /// The CPU, with its vector instructions.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
}

/// A result and what it took.
#[derive(Clone, Debug)]
pub struct Output {
    /// The image.
    pub image: Image,
    /// How long each step computed.
    pub steps: Vec<Duration>,
}

/// Why a chain did not run through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// A filter does not take images of this layout.
    #[error("{id} does not work on {format:?}")]
    Format {
        /// Of the filter.
        id: &'static str,
        /// Of its input.
        format: PixelFormat,
    },
    /// A filter has no implementation for this processor.
    #[error("{id} does not run on a GPU")]
    Unsupported {
        /// Of the filter.
        id: &'static str,
    },
    /// The device has no memory for this now; a smaller or later one may pass.
    #[error("the device is out of memory: {0}")]
    DeviceBusy(String),
    /// The device is unusable until the process starts anew.
    #[error("the device is lost: {0}")]
    DeviceLost(String),
    /// A bug of ours.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Runs chains, one at a time.
pub trait Backend: Send {
    /// The kind of processor that it runs them on.
    fn accelerator(&self) -> Accelerator;

    /// Runs one. An empty chain returns its input, untouched.
    ///
    /// # Errors
    /// [`BackendError`] says which of them a later try may pass.
    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError>;
}

/// The CPU: always there. Computes on the calling thread.
#[derive(Clone, Debug)]
pub struct CpuBackend {
    pool: Pool,
}

impl CpuBackend {
    /// With memory from that pool.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }
}

impl Backend for CpuBackend {
    fn accelerator(&self) -> Accelerator {
        Accelerator::Cpu
    }

    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError> {
        let mut image = input;
        let mut steps = Vec::with_capacity(chain.len());
        for operation in chain.operations() {
            check_format(operation.as_ref(), image.format())?;
            let watch = Stopwatch::start();
            let result = operation.run_cpu(&image, &self.pool);
            image = result.map_err(|error| BackendError::Internal(error.to_string()))?;
            steps.push(watch.elapsed());
        }
        Ok(Output { image, steps })
    }
}

/// Whether the operation takes that layout.
pub(crate) fn check_format(
    operation: &dyn Operation,
    format: PixelFormat,
) -> Result<(), BackendError> {
    let definition = operation.definition();
    if definition.formats.contains(&format) {
        Ok(())
    } else {
        Err(BackendError::Format { id: definition.id, format })
    }
}
