//! What runs chains: one interface, whatever the processor.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use crate::chain::MAX_STEPS;
use crate::cpu::{self, Cpu};
use crate::simd::Level;
use crate::{Chain, Image, PixelFormat, Pool, Refusal, Tensor, WorkerPool};

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
    /// The image; of a chain that ends with a tensor, the one that the tensor was made of.
    pub image: Image,
    /// What the last step made beside it, if it is one that makes a tensor.
    pub tensor: Option<Tensor>,
    /// How long each step computed.
    pub steps: StepTimes,
}

/// A time for each step of a chain.
pub type StepTimes = ArrayVec<Duration, MAX_STEPS>;

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
    /// A step does not fit the size of its input.
    #[error("step {step}: {refusal}")]
    Refused {
        /// Counted from 0.
        step: usize,
        /// What does not fit.
        refusal: Refusal,
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

/// Runs chains.
pub trait Backend: Send {
    /// The kind of processor that it runs them on.
    fn accelerator(&self) -> Accelerator;

    /// Runs one. An empty chain returns its input, untouched.
    ///
    /// # Errors
    /// [`BackendError`] says which of them a later try may pass.
    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError>;

    /// Runs one on several images of one shape: as many results, in their order. One after the
    /// other, unless the processor is better at all of them together; then what goes wrong with
    /// one of them may be the result of others too.
    fn run_batch(
        &mut self,
        chain: &Chain,
        inputs: Vec<Image>,
    ) -> Vec<Result<Output, BackendError>> {
        inputs.into_iter().map(|input| self.run(chain, input)).collect()
    }

    /// How long it took so far for what is only done once: to compile, to take memory. No later
    /// run costs it again, so it says nothing about them.
    fn preparing(&self) -> Duration {
        Duration::ZERO
    }
}

impl Backend for Box<dyn Backend> {
    fn accelerator(&self) -> Accelerator {
        (**self).accelerator()
    }

    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError> {
        (**self).run(chain, input)
    }

    fn run_batch(
        &mut self,
        chain: &Chain,
        inputs: Vec<Image>,
    ) -> Vec<Result<Output, BackendError>> {
        (**self).run_batch(chain, inputs)
    }

    fn preparing(&self) -> Duration {
        (**self).preparing()
    }
}

/// The CPU: always there. Computes on the calling thread, or with a [`WorkerPool`].
#[derive(Clone, Debug)]
pub struct CpuBackend {
    cpu: Cpu,
}

impl CpuBackend {
    /// With memory from that pool.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self { cpu: Cpu::new(pool) }
    }

    /// With threads that help while they have nothing else to do.
    #[must_use]
    pub fn with_workers(self, workers: Arc<WorkerPool>) -> Self {
        Self { cpu: self.cpu.with_workers(workers) }
    }

    /// The names of the vector instructions that this CPU has, narrowest first.
    #[must_use]
    pub fn levels() -> Vec<&'static str> {
        Level::all().into_iter().map(Level::name).collect()
    }

    /// With one of [`CpuBackend::levels`] instead of the widest, for comparisons; `None` if the
    /// CPU lacks it.
    #[must_use]
    pub fn with_level(self, name: &str) -> Option<Self> {
        let level = Level::all().into_iter().find(|level| level.name() == name)?;
        Some(Self { cpu: self.cpu.with_level(level) })
    }
}

impl Backend for CpuBackend {
    fn accelerator(&self) -> Accelerator {
        Accelerator::Cpu
    }

    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError> {
        cpu::run(&self.cpu, chain, input)
    }
}
