//! The service with a GPU, for which something stands in that computes on the CPU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use common::{Fixture, PATIENCE, gray, request, step, with_service};
use ocelli_gpu_filter::{GpuState, Parts};
use ocelli_kernels::{
    Accelerator, Backend, BackendError, CpuBackend, CudaDevice, Image, Output, Planned, Pool,
    StepTimes,
};
use ocelli_messages::{ErrorKind, Failure, v1};

/// Images that begin with this make the GPU panic.
const PANIC: u8 = 201;
/// And with this it is lost.
const LOST: u8 = 202;

/// What a test knows of the GPU, and tells it.
#[derive(Clone, Default)]
struct Gpu {
    batches: Arc<Mutex<Vec<usize>>>,
    /// It computes while this is false.
    held: Arc<(Mutex<bool>, Condvar)>,
    pace: Arc<Mutex<Pace>>,
}

/// How it compares with the CPU.
#[derive(Clone, Copy, Default)]
enum Pace {
    #[default]
    Equal,
    Slow,
    /// It computes nothing.
    Fast,
}

impl Gpu {
    fn parts(&self) -> impl FnOnce(&mut Parts) {
        let gpu = self.clone();
        move |parts| {
            parts.probe.cuda = Ok(vec![CudaDevice {
                ordinal: 0,
                name: "stand-in".into(),
                memory_bytes: 1,
                compute_capability: (9, 0),
            }]);
            parts.gpu = ocelli_gpu_filter::Gpu::new(move |_| Ok(Box::new(gpu.clone())));
        }
    }

    fn hold(&self, held: bool) {
        *self.held.0.lock().unwrap() = held;
        self.held.1.notify_all();
    }

    fn batches(&self) -> Vec<usize> {
        self.batches.lock().unwrap().clone()
    }
}

impl Backend for Gpu {
    fn accelerator(&self) -> Accelerator {
        Accelerator::Cuda
    }

    fn run_planned(&mut self, planned: &Planned, image: Image) -> Result<Output, BackendError> {
        self.run_batch(planned, vec![image]).remove(0)
    }

    fn run_batch(
        &mut self,
        planned: &Planned,
        images: Vec<Image>,
    ) -> Vec<Result<Output, BackendError>> {
        self.batches.lock().unwrap().push(images.len());
        let held = self.held.0.lock().unwrap();
        drop(self.held.1.wait_while(held, |held| *held).unwrap());
        let has = |value| images.iter().any(|image| image.data()[0] == value);
        assert!(!has(PANIC), "a bug in a filter");
        if has(LOST) {
            let lost = BackendError::DeviceLost("it is gone".into());
            return images.iter().map(|_| Err(lost.clone())).collect();
        }
        let pace = *self.pace.lock().unwrap();
        match pace {
            Pace::Equal => {}
            #[allow(clippy::disallowed_methods, reason = "a busy device blocks its thread")]
            Pace::Slow => std::thread::sleep(Duration::from_millis(100)),
            Pace::Fast => {
                let steps: StepTimes = planned.chain().ids().map(|_| Duration::ZERO).collect();
                let same = |image| Ok(Output { image, tensor: None, steps: steps.clone() });
                return images.into_iter().map(same).collect();
            }
        }
        CpuBackend::new(Pool::new(0)).run_batch(planned, images)
    }
}

fn inversion(value: u8, accelerator: v1::Accelerator) -> v1::ProcessRequest {
    let mut request = request(gray(4, 4, &[value; 16]), vec![step("invert", &[])]);
    request.pipeline.as_mut().unwrap().accelerator = accelerator.into();
    request
}

async fn backend(service: &Fixture, accelerator: v1::Accelerator) -> v1::Accelerator {
    service.process(&inversion(7, accelerator)).await.unwrap().steps[0].backend()
}

/// Asks for these together, while the GPU is busy with something else.
async fn together(service: &Fixture, gpu: &Gpu, values: &[u8]) -> Vec<Result<u8, ErrorKind>> {
    gpu.hold(true);
    let (before, first) = (gpu.batches().len(), inversion(0, v1::Accelerator::Cuda));
    let busy = service.process(&first);
    let one = async |value: &u8| {
        common::eventually("the GPU is busy", || gpu.batches().len() > before).await;
        let response = service.process(&inversion(*value, v1::Accelerator::Cuda)).await;
        let frame = response.map_err(|failure| failure.kind)?.frame.unwrap();
        let Some(v1::frame::Payload::Raw(raw)) = frame.payload else { panic!("no pixels") };
        Ok(raw.data[0])
    };
    let all = futures::future::join_all(values.iter().map(one));
    let release = async {
        let waiting = || queued(&service.tree.to_json()) == Some(values.len() as u64);
        common::eventually("all wait for the GPU", waiting).await;
        gpu.hold(false);
    };
    let (busy, all, ()) = tokio::join!(busy, all, release);
    busy.unwrap();
    all
}

/// How many jobs wait for the GPU.
fn queued(node: &serde_json::Value) -> Option<u64> {
    if node["name"] == "cuda-worker" {
        return node["observed"]["queued"].as_u64();
    }
    node["children"].as_array()?.iter().find_map(queued)
}

#[test]
fn frames_that_wait_for_the_gpu_are_done_in_one_go() {
    let gpu = Gpu::default();
    with_service(gpu.parts(), async |service| {
        let results = together(&service, &gpu, &[1, 2, 3, 4, 5, 6, 7, 8, 9]).await;
        let must: Vec<_> = (1..=9).map(|value| Ok(255 - value)).collect();
        assert_eq!(results, must);
        // As many as `gpu_filter.batch`, and what is left.
        assert_eq!(gpu.batches(), [1, 8, 1]);
    });
}

#[test]
fn a_panic_in_a_batch_fails_only_its_own_request() {
    let gpu = Gpu::default();
    with_service(gpu.parts(), async |service| {
        let results = together(&service, &gpu, &[1, PANIC, 3]).await;
        assert_eq!(results, [Ok(254), Err(ErrorKind::Internal), Ok(252)]);
        assert_eq!(gpu.batches(), [1, 3, 1, 1, 1]);
        // Once for all of them, and once for the one.
        common::eventually("restarts are counted", || service.restarts("cuda-worker") == 2).await;
        assert_eq!(backend(&service, v1::Accelerator::Cuda).await, v1::Accelerator::Cuda);
    });
}

/// Where twenty requests that leave it open are done, one after the other.
fn twenty(pace: Pace) -> Vec<v1::Accelerator> {
    let (gpu, mut used) = (Gpu::default(), Vec::new());
    *gpu.pace.lock().unwrap() = pace;
    with_service(gpu.parts(), async |service| {
        let request = request(gray(256, 256, &[7; 256 * 256]), vec![step("blur", &[])]);
        for _ in 0..20 {
            used.push(service.process(&request).await.unwrap().steps[0].backend());
        }
    });
    used
}

#[test]
fn auto_goes_to_the_device_that_was_measured_to_be_faster() {
    use v1::Accelerator::{Cpu, Cuda};
    for (pace, faster) in [(Pace::Slow, Cpu), (Pace::Fast, Cuda)] {
        let used = twenty(pace);
        // Both are tried first.
        assert_eq!(used[..8], [Cuda, Cuda, Cuda, Cuda, Cpu, Cpu, Cpu, Cpu]);
        assert_eq!(used[8..], [faster; 12]);
    }
}

#[test]
fn without_its_gpu_auto_goes_on_with_the_cpu() {
    use v1::Accelerator::{Auto, Cpu, Cuda};
    let gpu = Gpu::default();
    with_service(gpu.parts(), async |service| {
        let state = service.parts.gpu.watch();
        assert_eq!(*state.borrow(), GpuState::Up);
        let failure = service.process(&inversion(LOST, Cuda)).await.unwrap_err();
        assert_eq!(*state.borrow(), GpuState::Lost("it is gone".into()));
        assert_eq!(failure.kind, ErrorKind::DeviceLost);
        assert_eq!(backend(&service, Auto).await, Cpu);
        let refused = service.process(&inversion(1, Cuda)).await.unwrap_err();
        assert_eq!(
            (refused.kind, &*refused.field),
            (ErrorKind::DeviceLost, "pipeline.accelerator")
        );
        assert_eq!(gpu.batches(), [1]);
        assert_eq!(service.restarts("cuda-worker"), 0);
        tokio::time::timeout(PATIENCE, service.service.ready()).await.unwrap().unwrap();
    });
}

#[test]
fn a_gpu_that_cannot_be_opened_is_lost() {
    let configure = |parts: &mut Parts| {
        Gpu::default().parts()(parts);
        parts.gpu = ocelli_gpu_filter::Gpu::new(|_| {
            Err(Failure::new(ErrorKind::DeviceLost, "it does not open"))
        });
    };
    with_service(configure, async |service| {
        let lost = GpuState::Lost("it does not open".into());
        let mut state = service.parts.gpu.watch();
        tokio::time::timeout(PATIENCE, state.wait_for(|is| *is == lost)).await.unwrap().unwrap();
        assert_eq!(backend(&service, v1::Accelerator::Auto).await, v1::Accelerator::Cpu);
    });
}
