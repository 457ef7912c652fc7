//! The service with a GPU, for which something stands in that computes on the CPU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{Fixture, with_gpu, with_service};
use ocelli_gpu_filter::{GpuState, Parts};
use ocelli_messages::{ErrorKind, Failure, v1};
use ocelli_testkit::{
    eventually,
    frames::{grey_pixels, request, step},
    gpu::{FakeGpu, LOST, PANIC, Pace},
    patiently,
};

/// How much longer than the CPU a slow GPU takes.
const SLOWER: Duration = Duration::from_millis(100);

fn inversion(value: u8, accelerator: v1::Accelerator) -> v1::ProcessRequest {
    let mut request = request(grey_pixels(4, 4, [value; 16]), vec![step("invert", &[])]);
    request.pipeline.as_mut().unwrap().accelerator = accelerator.into();
    request
}

async fn backend(service: &Fixture, accelerator: v1::Accelerator) -> v1::Accelerator {
    service.process(&inversion(7, accelerator)).await.unwrap().steps[0].backend()
}

/// Asks for these together, while the GPU is busy with something else.
async fn together(service: &Fixture, gpu: &FakeGpu, values: &[u8]) -> Vec<Result<u8, ErrorKind>> {
    gpu.hold();
    let (before, first) = (gpu.batches().len(), inversion(0, v1::Accelerator::Cuda));
    let busy = service.process(&first);
    let one = async |value: &u8| {
        eventually("the GPU is busy", || gpu.batches().len() > before).await.unwrap();
        let response = service.process(&inversion(*value, v1::Accelerator::Cuda)).await;
        let frame = response.map_err(|failure| failure.kind)?.frame.unwrap();
        let Some(v1::frame::Payload::Raw(raw)) = frame.payload else { panic!("no pixels") };
        Ok(raw.data[0])
    };
    let all = futures::future::join_all(values.iter().map(one));
    let release = async {
        let waiting = || queued(&service.tree.to_json()) == Some(values.len() as u64);
        eventually("all wait for the GPU", waiting).await.unwrap();
        gpu.release();
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
    let gpu = FakeGpu::default();
    with_service(
        |parts| with_gpu(parts, &gpu),
        async |service| {
            let results = together(&service, &gpu, &[1, 2, 3, 4, 5, 6, 7, 8, 9]).await;
            let must: Vec<_> = (1..=9).map(|value| Ok(255 - value)).collect();
            assert_eq!(results, must);
            // As many as `gpu_filter.batch`, and what is left.
            assert_eq!(gpu.batches(), [1, 8, 1]);
        },
    );
}

#[test]
fn a_panic_in_a_batch_fails_only_its_own_request() {
    let gpu = FakeGpu::default();
    with_service(
        |parts| with_gpu(parts, &gpu),
        async |service| {
            let results = together(&service, &gpu, &[1, PANIC, 3]).await;
            assert_eq!(results, [Ok(254), Err(ErrorKind::Internal), Ok(252)]);
            assert_eq!(gpu.batches(), [1, 3, 1, 1, 1]);
            // Once for all of them, and once for the one.
            let counted = || service.restarts("cuda-worker") == 2;
            eventually("restarts are counted", counted).await.unwrap();
            assert_eq!(backend(&service, v1::Accelerator::Cuda).await, v1::Accelerator::Cuda);
        },
    );
}

/// Where twenty requests that leave it open are done, one after the other.
fn twenty(pace: Pace) -> Vec<v1::Accelerator> {
    let (gpu, mut used) = (FakeGpu::default(), Vec::new());
    gpu.set_pace(pace);
    with_service(
        |parts| with_gpu(parts, &gpu),
        async |service| {
            let request =
                request(grey_pixels(256, 256, vec![7; 256 * 256]), vec![step("blur", &[])]);
            for _ in 0..20 {
                used.push(service.process(&request).await.unwrap().steps[0].backend());
            }
        },
    );
    used
}

#[test]
fn auto_goes_to_the_device_that_was_measured_to_be_faster() {
    use v1::Accelerator::{Cpu, Cuda};
    for (pace, faster) in [(Pace::Slower(SLOWER), Cpu), (Pace::Instant, Cuda)] {
        let used = twenty(pace);
        // Both are tried first.
        assert_eq!(used[..8], [Cuda, Cuda, Cuda, Cuda, Cpu, Cpu, Cpu, Cpu]);
        assert_eq!(used[8..], [faster; 12]);
    }
}

#[test]
fn without_its_gpu_auto_goes_on_with_the_cpu() {
    use v1::Accelerator::{Auto, Cpu, Cuda};
    let gpu = FakeGpu::default();
    with_service(
        |parts| with_gpu(parts, &gpu),
        async |service| {
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
            patiently("the service", service.service.ready()).await.unwrap().unwrap();
        },
    );
}

#[test]
fn a_gpu_that_cannot_be_opened_is_lost() {
    let configure = |parts: &mut Parts| {
        with_gpu(parts, &FakeGpu::default());
        parts.gpu = ocelli_gpu_filter::Gpu::new(|_| {
            Err(Failure::new(ErrorKind::DeviceLost, "it does not open"))
        });
    };
    with_service(configure, async |service| {
        let lost = GpuState::Lost("it does not open".into());
        let mut state = service.parts.gpu.watch();
        patiently("the loss", state.wait_for(|is| *is == lost)).await.unwrap().unwrap();
        assert_eq!(backend(&service, v1::Accelerator::Auto).await, v1::Accelerator::Cpu);
    });
}
