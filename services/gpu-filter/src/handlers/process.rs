//! Answers `req.filter.process`: each request has one frame and gets one answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use ocelli_actors::{
    breaker::Verdict,
    broker::{Connection, Encoded, Handler, Request},
};
use ocelli_kernels::{Catalog, Interrupt, Pool};
use ocelli_kit::host::Clock;
use ocelli_messages::{Failure, Limits, Payload, v1};
use tokio::{sync::oneshot, time::Instant};
use tracing::Span;

use crate::{
    devices::Devices,
    memory::{self, Bounds},
    pixels,
    plan::Plan,
    quarantine::{Kind, Quarantine},
    times,
    worker::{self, Job},
};

/// The field of a request that decides on the size of its result.
pub(super) const RESPONSE_FIELD: &str = "pipeline.output";

/// The handler that sends a frame through a pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) limits: Limits,
    pub(crate) devices: Devices,
    pub(crate) quarantine: Quarantine,
    /// The connection that tells what the broker takes.
    pub(crate) requests: Connection,
    /// The threads that may work on one frame.
    pub(crate) threads: usize,
    pub(crate) clock: Clock,
    pub(crate) pool: Pool,
    /// The name of this worker in responses that needed no device.
    pub(crate) name: Arc<str>,
}

impl Process {
    /// Processes a request on a device, or answers it at once if there is nothing to do.
    pub(crate) async fn run(
        &self,
        request: Request<v1::ProcessRequest>,
    ) -> Result<Encoded<v1::ProcessResponse>, Failure> {
        let Request { context, message, arrived, admission, .. } = request;
        let caller = admission.caller();
        let plan = Plan::check(message, &self.catalog, &self.limits)?;
        self.quarantine.check(&plan, caller, Instant::now())?;
        let max_result = self.requests.max_payload();
        let bounds = Bounds { threads: self.threads, max_result };
        let hold = admission.admit(memory::needed(&plan, bounds)).await?;
        if plan.nothing_to_do() {
            return Ok(Encoded::from_bytes(self.hand_back(&plan, arrived)));
        }
        let left = context.deadline.left(self.clock.now()).ok_or_else(late)?;
        let (kind, interrupt) = (Kind::of(&plan), Interrupt::new(Some(real_time_in(left))));
        // Whatever ends this future ends the work.
        let _stop = SetOnDrop(interrupt.clone());
        let (reply, result) = oneshot::channel();
        let (deadline, span) = (context.deadline, Span::current());
        let job = Job {
            plan,
            arrived,
            deadline,
            span,
            interrupt,
            hold,
            max_result,
            pending: None,
            reply,
        };
        let permit = self.devices.submit(job, caller, left)?;
        let result = match tokio::time::timeout(left, result).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => {
                self.quarantine.panicked(kind, caller, Instant::now());
                Err(Failure::internal("the worker failed on this request"))
            }
            Err(_) => Err(late()),
        };
        if let Some(permit) = permit {
            permit.record(match &result {
                Ok(_) => Verdict::Success,
                Err(failure) => failure.kind.into(),
            });
        }
        result.map(Encoded::from_bytes)
    }

    /// The answer to a request whose payload already is the result, for which no device is needed.
    fn hand_back(&self, plan: &Plan, arrived: Instant) -> Bytes {
        let payload = match &plan.payload {
            Payload::Raw(raw) => v1::frame::Payload::Raw(pixels::unchanged(raw)),
            Payload::Encoded(file) => v1::frame::Payload::Encoded(v1::EncodedImage {
                codec: v1::ImageCodec::from(file.header.codec).into(),
                data: file.data.clone(),
            }),
        };
        let queue_ns = times::ns(arrived.elapsed());
        let response = v1::ProcessResponse {
            frame: Some(v1::Frame { payload: Some(payload), ..plan.identity.clone() }),
            timing: Some(v1::Timing { queue_ns, ..Default::default() }),
            worker: self.name.to_string(),
            ..Default::default()
        };
        worker::encode_response(&response, &self.pool)
    }
}

fn late() -> Failure {
    Failure::deadline("the deadline passed before the result was ready")
}

/// The time at which `left` will have passed. Threads that compute look at the real clock.
#[allow(clippy::disallowed_types, reason = "an interrupt works without tokio")]
fn real_time_in(left: Duration) -> std::time::Instant {
    let now = Instant::now().into_std();
    // A deadline in centuries is none.
    now.checked_add(left).unwrap_or(now + Duration::from_hours(24))
}

/// Stops the work when the future that waits for it ends, for whatever reason.
struct SetOnDrop(Interrupt);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Handler for Process {
    type Request = v1::ProcessRequest;
    type Response = v1::ProcessResponse;

    const RESPONSE_FIELD: &'static str = RESPONSE_FIELD;
    /// The header of its image tells what a request takes.
    const ADMITS: bool = true;

    async fn handle(
        &self,
        request: Request<v1::ProcessRequest>,
    ) -> Result<Encoded<v1::ProcessResponse>, Failure> {
        self.run(request).await
    }
}
