//! The work of one device: decode, compute, encode.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use metrics::Histogram;
use ocelli_actors::{
    device::Worker,
    metrics::{Metric, histogram},
};
use ocelli_kernels::{
    Accelerator, Backend, BackendError, Pool, Shape, StepTimes, codec::DecodeLimits,
};
use ocelli_messages::{Deadline, ErrorKind, Failure, v1};
use prost::Message as _;
use tokio::{sync::oneshot, time::Instant};

use crate::{pixels, plan::Plan};

/// A request on its way through a device.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) plan: Plan,
    /// When its message came.
    pub(crate) arrived: Instant,
    pub(crate) deadline: Deadline,
    /// The span of its request, so that what is logged here says which one it was.
    pub(crate) span: tracing::Span,
    /// An encoded `ProcessResponse`.
    pub(crate) reply: oneshot::Sender<Result<Bytes, Failure>>,
}

/// Does jobs on one backend.
pub(crate) struct FilterWorker {
    backend: Box<dyn Backend>,
    pool: Pool,
    limits: DecodeLimits,
    /// How it signs its responses.
    name: Arc<str>,
    stages: [Histogram; 3],
    filters: HashMap<&'static str, Histogram>,
}

impl FilterWorker {
    pub(crate) fn new(
        backend: Box<dyn Backend>,
        pool: Pool,
        limits: DecodeLimits,
        name: Arc<str>,
    ) -> Self {
        let stages =
            ["queue", "decode", "encode"].map(|stage| histogram(Metric::StageSeconds, &[stage]));
        Self { backend, pool, limits, name, stages, filters: HashMap::new() }
    }

    fn process(&mut self, plan: Plan, queued: Duration) -> Result<Bytes, Failure> {
        let started = Instant::now();
        let image = pixels::decode(&plan.payload, &self.limits, &self.pool)?;
        let decoded = started.elapsed();
        self.check_results(&plan, image.shape())?;
        let output = self.backend.run(&plan.chain, image).map_err(|error| refused(&error))?;
        let computed = started.elapsed();
        let payload = match output.tensor {
            Some(tensor) => v1::frame::Payload::Tensor(pixels::tensor(tensor)),
            None => pixels::encode(output.image, plan.output, &self.pool)?,
        };
        let times = Times {
            queue: queued,
            decode: decoded,
            steps: output.steps,
            encode: started.elapsed().saturating_sub(computed),
        };
        self.measure(&plan, &times);
        let response = v1::ProcessResponse {
            steps: self.report(&plan, &times),
            timing: Some(times.total()),
            frame: Some(v1::Frame { payload: Some(payload), ..plan.identity }),
            error: None,
            worker: self.name.to_string(),
        };
        Ok(encode(&response, &self.pool))
    }

    /// Whether all that is made on the way is within the limits that hold for what comes in.
    fn check_results(&self, plan: &Plan, input: Shape) -> Result<(), Failure> {
        let DecodeLimits { max_side, max_pixels } = self.limits;
        let too_large =
            |message: String| Failure::new(ErrorKind::TooLarge, message).at("pipeline.steps");
        for result in plan.chain.results(input).map_err(|error| refused(&error))? {
            let (width, height) = (result.size.width(), result.size.height());
            let within =
                width.max(height) <= max_side as usize && result.size.pixels() as u64 <= max_pixels;
            if !within && result.size != input.size {
                return Err(too_large(format!(
                    "a step makes an image of {width}x{height}: at most {max_pixels} pixels and \
                     sides of {max_side} are allowed"
                )));
            }
        }
        // As much as the largest image with four channels.
        let most = max_pixels.saturating_mul(4);
        let tensor = plan.chain.tensor(input).map_err(|error| refused(&error))?;
        match tensor.map(|tensor| tensor.bytes() as u64) {
            Some(bytes) if bytes > most => Err(too_large(format!(
                "the last step makes a tensor of {bytes} bytes: at most {most} are allowed"
            ))),
            _ => Ok(()),
        }
    }

    fn measure(&mut self, plan: &Plan, times: &Times) {
        for (stage, took) in self.stages.iter().zip([times.queue, times.decode, times.encode]) {
            stage.record(took);
        }
        let accelerator = match self.backend.accelerator() {
            Accelerator::Cpu => "cpu",
            Accelerator::Cuda => "cuda",
        };
        for (id, took) in plan.chain.ids().zip(&times.steps) {
            let filter = || histogram(Metric::FrameSeconds, &[accelerator, id]);
            self.filters.entry(id).or_insert_with(filter).record(*took);
        }
    }

    fn report(&self, plan: &Plan, times: &Times) -> Vec<v1::StepReport> {
        let backend = match self.backend.accelerator() {
            Accelerator::Cpu => v1::Accelerator::Cpu,
            Accelerator::Cuda => v1::Accelerator::Cuda,
        };
        let last = times.steps.len().saturating_sub(1);
        (plan.chain.ids().zip(&times.steps).enumerate())
            .map(|(index, (id, compute))| {
                let (first, last) = (index == 0, index == last);
                let timing = v1::Timing {
                    queue_ns: if first { ns(times.queue) } else { 0 },
                    decode_ns: if first { ns(times.decode) } else { 0 },
                    compute_ns: ns(*compute),
                    encode_ns: if last { ns(times.encode) } else { 0 },
                };
                v1::StepReport { id: id.into(), backend: backend.into(), timing: Some(timing) }
            })
            .collect()
    }
}

impl Worker for FilterWorker {
    type Job = Job;

    fn work(&mut self, job: Job) -> Result<(), Failure> {
        let Job { plan, arrived, deadline, span, reply } = job;
        if reply.is_closed() {
            // Nobody waits any more: its deadline passed, or its connection broke.
            return Ok(());
        }
        let _entered = span.enter();
        let result = if deadline.left(SystemTime::now()).is_none() {
            Err(Failure::deadline("the deadline passed before the work began"))
        } else {
            self.process(plan, arrived.elapsed())
        };
        let lost = result.as_ref().err().filter(|failure| failure.kind == ErrorKind::DeviceLost);
        let lost = lost.cloned();
        if reply.send(result).is_err() {
            tracing::debug!("nobody waits for this result any more");
        }
        lost.map_or(Ok(()), Err)
    }
}

struct Times {
    queue: Duration,
    decode: Duration,
    steps: StepTimes,
    encode: Duration,
}

impl Times {
    fn total(&self) -> v1::Timing {
        v1::Timing {
            queue_ns: ns(self.queue),
            decode_ns: ns(self.decode),
            compute_ns: ns(self.steps.iter().sum()),
            encode_ns: ns(self.encode),
        }
    }
}

pub(crate) fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A response as bytes, in memory that comes back to the pool when it was sent.
pub(crate) fn encode(response: &v1::ProcessResponse, pool: &Pool) -> Bytes {
    let mut buffer = pool.take(response.encoded_len());
    let mut room: &mut [u8] = &mut buffer;
    match response.encode(&mut room) {
        Ok(()) => buffer.freeze(),
        // It cannot be: the room is the message's own length.
        Err(_) => response.encode_to_vec().into(),
    }
}

fn refused(error: &BackendError) -> Failure {
    match error {
        BackendError::Refused { step, refusal } => {
            let place = match refusal.parameter {
                Some(parameter) => format!("pipeline.steps[{step}].filter.parameters.{parameter}"),
                None => format!("pipeline.steps[{step}].filter"),
            };
            let allowed = refusal.allowed.iter().map(String::as_str);
            Failure::invalid(place, refusal.message.clone()).allow(allowed)
        }
        BackendError::Format { .. } | BackendError::Unsupported { .. } => {
            Failure::new(ErrorKind::Unsupported, error.to_string()).at("pipeline.steps")
        }
        BackendError::DeviceBusy(_) => {
            Failure::new(ErrorKind::DeviceBusy, "the device has no memory for this now")
                .retry_after(Duration::from_millis(500))
        }
        BackendError::DeviceLost(detail) => {
            tracing::error!(detail, "the device is lost");
            Failure::new(ErrorKind::DeviceLost, "the device is lost")
                .retry_after(Duration::from_secs(1))
        }
        BackendError::Internal(detail) => {
            tracing::error!(detail, "a filter failed");
            Failure::internal("a filter failed")
        }
    }
}
