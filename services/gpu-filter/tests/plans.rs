//! A request's chain is planned once, whatever device it runs on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::{Fixture, with_service};
use ocelli_gpu_filter::Parts;
use ocelli_kernels::{
    Entry, Family, FilterDefinition, PixelFormat, Refusal, Shape,
    operation::{CpuWork, Operation},
};
use ocelli_messages::v1;
use ocelli_testkit::{
    frames::{encoded, grey_pixels, png, request, step},
    gpu::FakeGpu,
};

/// How often the filter below was asked for the shape of its result, which is what planning does.
static PLANS: AtomicUsize = AtomicUsize::new(0);

/// A filter that changes nothing, and counts how often it is planned.
#[derive(Debug)]
struct Counted;

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "counted",
    name: "Counted",
    description: "for tests",
    family: Family::Effect,
    parameters: &[],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "",
};

const COUNTED: Entry = Entry { definition: &DEFINITION, build: |_| Ok(Arc::new(Counted)) };

impl Operation for Counted {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        PLANS.fetch_add(1, Ordering::Relaxed);
        Ok(input)
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Nothing
    }
}

fn without_gpu(parts: &mut Parts) {
    parts.catalog = Arc::new((*parts.catalog).clone().with(COUNTED));
    parts.probe.cuda = Ok(vec![]);
}

fn with_gpu(parts: &mut Parts) {
    without_gpu(parts);
    common::with_gpu(parts, &FakeGpu::default());
}

/// Runs requests of pixels and of a file, and returns how often each was planned.
async fn plans(service: &Fixture, accelerator: v1::Accelerator) -> Vec<usize> {
    let mut plans = Vec::new();
    // More of them than are needed to know both devices, so that estimates are made and compared.
    for _ in 0..6 {
        for frame in [grey_pixels(4, 4, [9; 16]), encoded(png(4, 4).unwrap())] {
            let mut request = request(frame, vec![step("counted", &[])]);
            request.pipeline.as_mut().unwrap().accelerator = accelerator.into();
            let before = PLANS.load(Ordering::Relaxed);
            service.process(&request).await.unwrap();
            plans.push(PLANS.load(Ordering::Relaxed) - before);
        }
    }
    plans
}

/// One test, because the counter belongs to the process.
#[test]
fn a_request_is_planned_once() {
    with_service(without_gpu, async |service| {
        assert_eq!(plans(&service, v1::Accelerator::Auto).await, [1; 12], "without a GPU");
    });
    with_service(with_gpu, async |service| {
        for accelerator in [v1::Accelerator::Auto, v1::Accelerator::Cpu, v1::Accelerator::Cuda] {
            assert_eq!(plans(&service, accelerator).await, [1; 12], "{accelerator:?}");
        }
    });
}
