//! Requests and plans for tests.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use ocelli_actors::broker::Hold;
use ocelli_kernels::{
    Accelerator, Backend as _, Catalog, Chain, CpuBackend, Image, Interrupt, Output, PixelFormat,
    Pool, Size,
    codec::{self, Codec},
};
use ocelli_messages::{Deadline, Failure, Limits, v1};
use ocelli_testkit::frames;
use tokio::{sync::oneshot, time::Instant};

use crate::{dispatch::Costs, plan::Plan, worker::Job};

/// The channel on which the answer to a job arrives.
pub(crate) type Answer = oneshot::Receiver<Result<Bytes, Failure>>;

/// A request for a filter on 8 × 8 grey pixels of the given value.
pub(crate) fn request(filter: &str, value: u8) -> v1::ProcessRequest {
    frames::request(frames::grey_pixels(8, 8, [value; 64]), vec![frames::step(filter, &[])])
}

pub(crate) fn check(request: v1::ProcessRequest) -> Plan {
    Plan::check(request, &Catalog::standard(), &Limits::default()).unwrap()
}

pub(crate) fn plan(filter: &str) -> Plan {
    check(request(filter, 7))
}

/// A chain of filters with default parameters.
pub(crate) fn chain(filters: &[&str]) -> Chain {
    let none = BTreeMap::new();
    Chain::parse(&Catalog::standard(), filters.iter().map(|id| (*id, &none))).unwrap()
}

/// The same as [`plan`], but from PNG to PNG.
pub(crate) fn file_plan(filter: &str) -> Plan {
    check(file_request(filter))
}

/// The same as [`request`], but from PNG to PNG.
pub(crate) fn file_request(filter: &str) -> v1::ProcessRequest {
    let image =
        Image::packed(Size::new(8, 8).unwrap(), PixelFormat::Gray8, Pool::new(0).take(64)).unwrap();
    let data = codec::encode(&image, Codec::Png, 90, usize::MAX, &Pool::new(0)).unwrap();
    frames::request(frames::encoded(data), vec![frames::step(filter, &[])])
}

pub(crate) fn job(plan: Plan) -> (Job, Answer) {
    let (reply, answer) = oneshot::channel();
    let job = Job {
        plan,
        arrived: Instant::now(),
        deadline: Deadline::from_unix_ms(u64::MAX),
        span: tracing::Span::none(),
        interrupt: Interrupt::never(),
        hold: Hold::default(),
        max_result: usize::MAX,
        pending: None,
        reply,
    };
    (job, answer)
}

/// Records that a request with the given plan took the given times on each device, often enough for
/// an estimate.
pub(crate) fn measured(costs: &Arc<Costs>, plan: &Plan, cpu: Duration, cuda: Duration) {
    let planned = plan.planned.as_ref().unwrap();
    let input = planned.input();
    let image = Image::packed(input.size, input.format, Pool::new(0).take(input.bytes())).unwrap();
    let made =
        CpuBackend::new(Pool::new(0)).run_planned(planned, image, &Interrupt::never()).unwrap();
    for _ in 0..8 {
        for (accelerator, took) in [(Accelerator::Cpu, cpu), (Accelerator::Cuda, cuda)] {
            let steps = made.steps.iter().map(|_| took / made.steps.len() as u32).collect();
            let output = Output { steps, ..made.clone() };
            costs.record(accelerator, planned, &output, took);
        }
    }
}
