//! The interface of what runs chains, whatever the processor.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use crate::chain::MAX_STEPS;
use crate::cpu::{self, Cpu};
use crate::simd::Level;
use crate::{Chain, Image, Interrupt, PixelFormat, Planned, Pool, Refusal, Tensor, WorkerPool};

/// A kind of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accelerator {
    /// The CPU, with its vector instructions.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
}

impl Accelerator {
    /// The name in metrics, traces and messages, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// The result of a chain, and how long it took.
#[derive(Clone, Debug)]
pub struct Output {
    /// The image. If the chain ends with a tensor, it is the image that the tensor was made from.
    pub image: Image,
    /// The tensor, if the last step makes one.
    pub tensor: Option<Tensor>,
    /// How long each step took to compute.
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
        /// The id of the filter.
        id: &'static str,
        /// The layout of its input.
        format: PixelFormat,
    },
    /// A step does not fit the size of its input.
    #[error("step {step}: {refusal}")]
    Refused {
        /// The step, counted from 0.
        step: usize,
        /// Why it does not fit.
        refusal: Refusal,
    },
    /// A filter has no implementation for this processor.
    #[error("{id} does not run on a GPU")]
    Unsupported {
        /// The id of the filter.
        id: &'static str,
    },
    /// The device has no memory for this now. A smaller image, or a later attempt, may succeed.
    #[error("the device is out of memory: {0}")]
    DeviceBusy(String),
    /// The device cannot be used again before the process is restarted.
    #[error("the device is lost: {0}")]
    DeviceLost(String),
    /// The interrupt of the run was set before the result was complete.
    #[error("the work was interrupted")]
    Interrupted,
    /// There is a bug in this crate.
    #[error("internal error: {0}")]
    Internal(String),
}

static NEVER: Interrupt = Interrupt::never();

/// A processor that runs chains.
pub trait Backend: Send {
    /// The kind of processor that this backend uses.
    fn accelerator(&self) -> Accelerator;

    /// Runs a planned chain on an image of the shape that it was planned for. An empty chain returns
    /// the image as it is.
    ///
    /// Once `interrupt` is set, the run ends with [`BackendError::Interrupted`]: on a CPU at most
    /// 50 ms later, on a GPU when the launches that it has begun are done.
    ///
    /// # Errors
    /// [`BackendError`] says after which errors another attempt may succeed.
    fn run_planned(
        &mut self,
        planned: &Planned,
        input: Image,
        interrupt: &Interrupt,
    ) -> Result<Output, BackendError>;

    /// Runs a planned chain on several images of the shape that it was planned for, and returns a
    /// result for each, in their order. A processor may run them together; then an error that one
    /// image causes may be the result of others too.
    ///
    /// Each image has an interrupt, at the same place in `interrupts`; one that has none cannot be
    /// interrupted. Images that are computed together stop when all their interrupts are set; the
    /// result of an image whose own interrupt is set is [`BackendError::Interrupted`] all the same.
    fn run_batch(
        &mut self,
        planned: &Planned,
        inputs: Vec<Image>,
        interrupts: &[Interrupt],
    ) -> Vec<Result<Output, BackendError>> {
        let interrupts = interrupts.iter().chain(std::iter::repeat(&NEVER));
        let all = inputs.into_iter().zip(interrupts);
        all.map(|(input, interrupt)| self.run_planned(planned, input, interrupt)).collect()
    }

    /// Plans a chain for one image, and runs it.
    ///
    /// # Errors
    /// As [`Planned::new`] and [`Backend::run_planned`].
    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError> {
        let planned = Planned::new(chain.clone(), input.shape())?;
        self.run_planned(&planned, input, &NEVER)
    }

    /// The time spent so far on work that is only done once, such as compiling and taking memory.
    /// No later run has to do it again, so it says nothing about how long they take.
    fn preparing(&self) -> Duration {
        Duration::ZERO
    }
}

impl Backend for Box<dyn Backend> {
    fn accelerator(&self) -> Accelerator {
        (**self).accelerator()
    }

    fn run_planned(
        &mut self,
        planned: &Planned,
        input: Image,
        interrupt: &Interrupt,
    ) -> Result<Output, BackendError> {
        (**self).run_planned(planned, input, interrupt)
    }

    fn run_batch(
        &mut self,
        planned: &Planned,
        inputs: Vec<Image>,
        interrupts: &[Interrupt],
    ) -> Vec<Result<Output, BackendError>> {
        (**self).run_batch(planned, inputs, interrupts)
    }

    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError> {
        (**self).run(chain, input)
    }

    fn preparing(&self) -> Duration {
        (**self).preparing()
    }
}

/// The CPU, which every machine has. It computes on the calling thread, with the help of a
/// [`WorkerPool`] if there is one.
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

    fn run_planned(
        &mut self,
        planned: &Planned,
        input: Image,
        interrupt: &Interrupt,
    ) -> Result<Output, BackendError> {
        if interrupt.can_be_set() {
            let cpu = self.cpu.clone().with_interrupt(interrupt.clone());
            return cpu::run_planned(&cpu, planned, input);
        }
        cpu::run_planned(&self.cpu, planned, input)
    }

    /// Keeps the plan on the stack, so that a steady load allocates nothing.
    fn run(&mut self, chain: &Chain, input: Image) -> Result<Output, BackendError> {
        cpu::run(&self.cpu, chain, input)
    }
}
