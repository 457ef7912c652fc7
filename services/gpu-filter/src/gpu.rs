//! Opens the GPU and publishes its state to the rest of the process.

use std::sync::Arc;

use ocelli_kernels::{
    Accelerator, Backend, BackendError, CudaBackend, Image, Interrupt, Output, Planned, Pool,
};
use ocelli_messages::{ErrorKind, Failure};
use tokio::sync::watch;

type Open = dyn Fn(Pool) -> Result<Box<dyn Backend>, Failure> + Send + Sync;

/// The state of the GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GpuState {
    /// No GPU is used, or none has been opened so far.
    #[default]
    Unused,
    /// The GPU accepts work.
    Up,
    /// The GPU is lost until a new process opens it. The text describes the failure.
    Lost(String),
}

/// How to open the GPU on the thread that will use it, and where to publish its state.
#[derive(Clone)]
pub struct Gpu {
    open: Arc<Open>,
    state: watch::Sender<GpuState>,
}

impl Default for Gpu {
    /// Opens the first CUDA device.
    fn default() -> Self {
        Self::new(|pool| match CudaBackend::open(0, pool) {
            Ok(backend) => Ok(Box::new(backend)),
            Err(error) => {
                let message = format!("cannot open the GPU: {error}");
                Err(Failure::new(ErrorKind::DeviceLost, message))
            }
        })
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("state", &*self.state.borrow()).finish_non_exhaustive()
    }
}

impl Gpu {
    /// A GPU that is opened by the given function. Its results are in the memory of the pool that
    /// the function gets.
    pub fn new(
        open: impl Fn(Pool) -> Result<Box<dyn Backend>, Failure> + Send + Sync + 'static,
    ) -> Self {
        Self { open: Arc::new(open), state: watch::Sender::default() }
    }

    /// The state of the GPU, to watch for changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<GpuState> {
        self.state.subscribe()
    }

    /// Opens the GPU. Its results will be in the memory of `pool`.
    pub(crate) fn open(&self, pool: Pool) -> Result<Watched, Failure> {
        let opened = (self.open)(pool);
        self.state.send_replace(match &opened {
            Ok(_) => GpuState::Up,
            Err(failure) => GpuState::Lost(failure.message.clone()),
        });
        Ok(Watched { backend: opened?, state: self.state.clone() })
    }
}

/// A backend that publishes the loss of its device.
pub(crate) struct Watched {
    backend: Box<dyn Backend>,
    state: watch::Sender<GpuState>,
}

impl Watched {
    fn note<'a>(&self, mut results: impl Iterator<Item = &'a Result<Output, BackendError>>) {
        let lost = results.find_map(|result| match result {
            Err(BackendError::DeviceLost(detail)) => Some(detail.clone()),
            _ => None,
        });
        if let Some(detail) = lost {
            self.state.send_replace(GpuState::Lost(detail));
        }
    }
}

impl Backend for Watched {
    fn accelerator(&self) -> Accelerator {
        self.backend.accelerator()
    }

    fn run_planned(
        &mut self,
        planned: &Planned,
        input: Image,
        interrupt: &Interrupt,
    ) -> Result<Output, BackendError> {
        let result = self.backend.run_planned(planned, input, interrupt);
        self.note(std::iter::once(&result));
        result
    }

    fn run_batch(
        &mut self,
        planned: &Planned,
        inputs: Vec<Image>,
        interrupts: &[Interrupt],
    ) -> Vec<Result<Output, BackendError>> {
        let results = self.backend.run_batch(planned, inputs, interrupts);
        self.note(results.iter());
        results
    }

    fn preparing(&self) -> std::time::Duration {
        self.backend.preparing()
    }
}
