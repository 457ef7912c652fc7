//! A stand-in for a GPU, for tests on machines that have none.

use std::{sync::Arc, time::Duration};

use ocelli_kernels::{
    Accelerator, Backend, BackendError, CpuBackend, CudaDevice, Image, Interrupt, Output, Planned,
    Pool, StepTimes,
};
use parking_lot::{Condvar, Mutex};
use tokio::time::Instant;

/// A batch fails with an internal error if one of its images begins with this byte.
pub const ERROR: u8 = 200;
/// The backend panics if one of a batch's images begins with this byte.
pub const PANIC: u8 = 201;
/// The device is lost if one of a batch's images begins with this byte.
pub const LOST: u8 = 202;

/// How fast the stand-in is compared with the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// It takes as long as the CPU, on which it computes.
    #[default]
    Equal,
    /// Every batch takes this much longer than on the CPU.
    Slower(Duration),
    /// It takes no time, because it returns the images as they are.
    Instant,
}

/// A backend that calls itself a GPU and computes on the CPU.
///
/// As on a GPU, an image that fails makes its whole batch fail: see [`ERROR`], [`PANIC`] and
/// [`LOST`]. Clones share one device, so a test keeps one clone and gives another one away.
#[derive(Clone, Debug, Default)]
pub struct FakeGpu {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    batches: Vec<usize>,
    held: bool,
    pace: Pace,
    compiling: Duration,
    compiled: Duration,
}

impl FakeGpu {
    /// What a probe reports of this device.
    #[must_use]
    pub fn device() -> CudaDevice {
        CudaDevice {
            ordinal: 0,
            name: "stand-in".into(),
            memory_bytes: 1,
            compute_capability: (9, 0),
        }
    }

    /// The sizes of the batches so far, in images. A batch counts as soon as it begins.
    #[must_use]
    pub fn batches(&self) -> Vec<usize> {
        self.shared.state.lock().batches.clone()
    }

    /// Makes every batch wait before it computes, until [`FakeGpu::release`] is called.
    pub fn hold(&self) {
        self.shared.state.lock().held = true;
    }

    /// Lets batches compute again.
    pub fn release(&self) {
        self.shared.state.lock().held = false;
        self.shared.released.notify_all();
    }

    /// Sets the pace of the batches that begin from now on.
    pub fn set_pace(&self, pace: Pace) {
        self.shared.state.lock().pace = pace;
    }

    /// Makes the next batch take this much longer, for which it reports that it compiles kernels.
    pub fn compile(&self, takes: Duration) {
        self.shared.state.lock().compiling = takes;
    }

    /// Notes that a batch begins, waits while the device is held, and compiles if it has to.
    fn begin(&self, images: usize) -> Pace {
        let mut state = self.shared.state.lock();
        state.batches.push(images);
        self.shared.released.wait_while(&mut state, |state| state.held);
        let compiling = std::mem::take(&mut state.compiling);
        let pace = state.pace;
        drop(state);
        if !compiling.is_zero() {
            let took = work(compiling);
            self.shared.state.lock().compiled += took;
        }
        pace
    }
}

impl Backend for FakeGpu {
    fn accelerator(&self) -> Accelerator {
        Accelerator::Cuda
    }

    fn run_planned(
        &mut self,
        planned: &Planned,
        image: Image,
        interrupt: &Interrupt,
    ) -> Result<Output, BackendError> {
        let interrupts = std::slice::from_ref(interrupt);
        let result = self.run_batch(planned, vec![image], interrupts).pop();
        result.unwrap_or_else(|| Err(BackendError::Internal("no result for the image".into())))
    }

    fn run_batch(
        &mut self,
        planned: &Planned,
        images: Vec<Image>,
        interrupts: &[Interrupt],
    ) -> Vec<Result<Output, BackendError>> {
        let pace = self.begin(images.len());
        let has = |byte: u8| images.iter().any(|image| image.data().first() == Some(&byte));
        assert!(!has(PANIC), "a bug in a filter");
        let failed = [
            has(ERROR).then(|| BackendError::Internal("an error".into())),
            has(LOST).then(|| BackendError::DeviceLost("it is gone".into())),
        ];
        if let Some(error) = failed.into_iter().flatten().next() {
            return images.iter().map(|_| Err(error.clone())).collect();
        }
        match pace {
            Pace::Equal => {}
            Pace::Slower(by) => drop(work(by)),
            Pace::Instant => {
                let steps: StepTimes = planned.chain().ids().map(|_| Duration::ZERO).collect();
                let same = |image| Ok(Output { image, tensor: None, steps: steps.clone() });
                return images.into_iter().map(same).collect();
            }
        }
        CpuBackend::new(Pool::new(0)).run_batch(planned, images, interrupts)
    }

    fn preparing(&self) -> Duration {
        self.shared.state.lock().compiled
    }
}

/// Takes that long, as a device does that is busy, and returns how long it was.
fn work(takes: Duration) -> Duration {
    let started = Instant::now();
    #[allow(clippy::disallowed_methods, reason = "a busy device blocks its thread")]
    std::thread::sleep(takes);
    started.elapsed()
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        panic::{AssertUnwindSafe, catch_unwind},
    };

    use ocelli_kernels::{Catalog, Chain, PixelFormat, Size};

    use super::*;
    use crate::eventually;

    fn image(byte: u8) -> Image {
        let size = Size::new(2, 2).unwrap();
        Image::new(size, PixelFormat::Gray8, 2, vec![byte; 4].into()).unwrap()
    }

    fn inversion() -> Planned {
        let none = BTreeMap::new();
        let chain = Chain::parse(&Catalog::standard(), [("invert", &none)]).unwrap();
        Planned::new(chain, image(0).shape()).unwrap()
    }

    #[test]
    fn it_computes_and_notes_its_batches() {
        let mut gpu = FakeGpu::default();
        assert_eq!(gpu.accelerator(), Accelerator::Cuda);
        let outputs = gpu.run_batch(&inversion(), vec![image(1), image(2)], &[]);
        let first: Vec<_> = outputs.into_iter().map(|it| it.unwrap().image.data()[0]).collect();
        assert_eq!(first, [254, 253]);
        assert_eq!(
            gpu.run_planned(&inversion(), image(3), &Interrupt::never()).unwrap().image.data()[0],
            252
        );
        gpu.set_pace(Pace::Instant);
        assert_eq!(
            gpu.run_planned(&inversion(), image(3), &Interrupt::never()).unwrap().image.data()[0],
            3
        );
        assert_eq!(gpu.batches(), [2, 1, 1]);
    }

    #[test]
    fn one_image_that_fails_makes_its_batch_fail() {
        let mut gpu = FakeGpu::default();
        let lost = BackendError::DeviceLost("it is gone".into());
        for (byte, error) in [(ERROR, BackendError::Internal("an error".into())), (LOST, lost)] {
            let results = gpu.run_batch(&inversion(), vec![image(1), image(byte)], &[]);
            assert!(results.iter().all(|it| it.as_ref().unwrap_err() == &error), "{results:?}");
        }
        let run = || gpu.run_batch(&inversion(), vec![image(1), image(PANIC)], &[]);
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert!(
            gpu.run_planned(&inversion(), image(1), &Interrupt::never()).is_ok(),
            "it works after a panic"
        );
    }

    #[test]
    fn it_takes_the_time_that_it_is_told() {
        let mut gpu = FakeGpu::default();
        gpu.compile(Duration::from_millis(20));
        gpu.set_pace(Pace::Slower(Duration::from_millis(5)));
        let started = Instant::now();
        gpu.run_planned(&inversion(), image(1), &Interrupt::never()).unwrap();
        assert!(started.elapsed() >= Duration::from_millis(25));
        let compiled = gpu.preparing();
        assert!(compiled >= Duration::from_millis(20), "{compiled:?}");
        gpu.run_planned(&inversion(), image(1), &Interrupt::never()).unwrap();
        assert_eq!(gpu.preparing(), compiled, "it compiles once");
    }

    #[tokio::test]
    async fn a_batch_waits_while_it_is_held() {
        let gpu = FakeGpu::default();
        gpu.hold();
        let mut device = gpu.clone();
        let batch = tokio::task::spawn_blocking(move || {
            device.run_planned(&inversion(), image(1), &Interrupt::never())
        });
        eventually("the batch has begun", || gpu.batches() == [1]).await.unwrap();
        assert!(!batch.is_finished());
        gpu.release();
        crate::patiently("the batch", batch).await.unwrap().unwrap().unwrap();
    }
}
