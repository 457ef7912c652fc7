//! A backend that records the costs of its runs.

use std::{sync::Arc, time::Duration};

use ocelli_kernels::{Accelerator, Backend, BackendError, Image, Interrupt, Output, Planned};
use tokio::time::Instant;

use super::Costs;

/// Wraps a backend, and records the time of everything that it runs in [`Costs`].
#[derive(Debug)]
pub(crate) struct Measured<B> {
    backend: B,
    costs: Arc<Costs>,
}

impl<B: Backend> Measured<B> {
    pub(crate) const fn new(backend: B, costs: Arc<Costs>) -> Self {
        Self { backend, costs }
    }

    /// The time of a run without work that is done only once. Compiling a kernel takes far longer
    /// than running it, and would make a GPU look too slow to be tried again.
    fn without_preparing(&self, took: Duration, before: Duration) -> Duration {
        took.saturating_sub(self.preparing().saturating_sub(before))
    }
}

impl<B: Backend> Backend for Measured<B> {
    fn accelerator(&self) -> Accelerator {
        self.backend.accelerator()
    }

    fn run_planned(
        &mut self,
        planned: &Planned,
        input: Image,
        interrupt: &Interrupt,
    ) -> Result<Output, BackendError> {
        let (prepared, started) = (self.preparing(), Instant::now());
        let output = self.backend.run_planned(planned, input, interrupt)?;
        let whole = self.without_preparing(started.elapsed(), prepared);
        self.costs.record(self.accelerator(), planned, &output, whole);
        Ok(output)
    }

    fn run_batch(
        &mut self,
        planned: &Planned,
        inputs: Vec<Image>,
        interrupts: &[Interrupt],
    ) -> Vec<Result<Output, BackendError>> {
        if inputs.is_empty() {
            return Vec::new();
        }
        let images = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
        let (prepared, started) = (self.preparing(), Instant::now());
        let results = self.backend.run_batch(planned, inputs, interrupts);
        let each = self.without_preparing(started.elapsed(), prepared) / images;
        for output in results.iter().flatten() {
            self.costs.record(self.accelerator(), planned, output, each);
        }
        results
    }

    fn preparing(&self) -> Duration {
        self.backend.preparing()
    }
}

#[cfg(test)]
mod tests {
    use ocelli_kernels::{CpuBackend, PixelFormat, Pool, Size};
    use ocelli_testkit::gpu::{FakeGpu, Pace};

    use super::*;
    use crate::{dispatch::estimate::MIN_SAMPLES, test_jobs::chain};

    fn image() -> Image {
        let size = Size::new(40, 30).unwrap();
        Image::packed(size, PixelFormat::Rgb8, Pool::new(0).take(40 * 30 * 3)).unwrap()
    }

    fn planned() -> Planned {
        Planned::new(chain(&["blur", "grayscale"]), image().shape()).unwrap()
    }

    #[test]
    fn a_measured_backend_notes_what_it_does() {
        let costs = Arc::new(Costs::default());
        let mut backend = Measured::new(CpuBackend::new(Pool::new(0)), Arc::clone(&costs));
        for _ in 0..MIN_SAMPLES {
            backend.run_planned(&planned(), image(), &Interrupt::never()).unwrap();
        }
        let estimate = costs.estimate(&planned());
        assert!(estimate.cpu.unwrap() > Duration::ZERO);
        assert_eq!(estimate.cuda, None);
    }

    #[test]
    fn a_batch_is_measured_by_its_images_and_without_what_is_done_once() {
        let costs = Arc::new(Costs::default());
        let gpu = FakeGpu::default();
        gpu.set_pace(Pace::Slower(Duration::from_millis(100)));
        gpu.compile(Duration::from_millis(400));
        let mut backend = Measured::new(gpu.clone(), Arc::clone(&costs));
        assert_eq!(backend.run_batch(&planned(), Vec::new(), &[]).len(), 0);
        let results = backend.run_batch(&planned(), vec![image(); MIN_SAMPLES as usize], &[]);
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(gpu.batches(), [MIN_SAMPLES as usize]);
        let cuda = costs.estimate(&planned()).cuda.unwrap();
        // Each frame takes a quarter of 100 ms. If compiling counted, the estimate would be larger.
        assert!((25..100).contains(&cuda.as_millis()), "{cuda:?}");
    }
}
