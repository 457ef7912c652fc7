//! The latest lane: live frames, whose senders do not wait for an answer. Newer frames replace
//! older ones, and every frame is either answered or counted as dropped, with the reason.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use ocelli_messages::{
    ErrorKind, Failure, MessageContext, StreamName, StreamSubject, Tenant, Tenants,
};
use prost::{Message, Name};
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    Admission, Delivery, Encoded, Incoming, Request, consumer_span, headers,
    pump::refused,
    queue::{DropReason, LatestQueue, Queued},
    time_left,
};
use crate::{
    broker::{Connection, Intake, IntakeEvent, Subscription, TaskActor, task_actor::PATIENT},
    credits::{Caller, CreditPool},
    metrics::{Metric, counter},
    supervisor::{ChildContext, ChildSpec},
};

/// How long a frame may wait for memory, however far away its deadline is.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Answers live frames.
pub trait LiveHandler: Send + Sync + 'static {
    /// The message that a frame arrives in.
    type Request: Message + Name + Default + 'static;
    /// The message that its result is published in.
    type Response: Message + 'static;
    /// What identifies a frame in an answer without a result, e.g. its stream and number.
    type Identity: Clone + Send + Sync + 'static;

    /// The field of the request that is blamed if a response is too large for the broker.
    const RESPONSE_FIELD: &'static str = "";

    /// Extracts the identity of a frame that arrived on the subject of the given stream.
    ///
    /// # Errors
    /// If the frame and its subject contradict each other. The failure becomes the answer.
    fn identify(
        &self,
        stream: &StreamName,
        request: &mut Self::Request,
    ) -> (Self::Identity, Result<(), Failure>);

    /// Processes one frame and returns its answer.
    fn handle(
        &self,
        request: Request<Self::Request>,
    ) -> impl Future<Output = Result<Encoded<Self::Response>, Failure>> + Send;

    /// Builds the answer to a frame that has no result.
    fn failed(
        &self,
        identity: Self::Identity,
        context: &MessageContext,
        failure: &Failure,
    ) -> Encoded<Self::Response>;
}

/// The specification of a lane of live frames.
#[derive(Debug)]
pub struct LiveSpec<H> {
    /// The name of the service, which is also the queue group: its instances share the frames.
    pub service: &'static str,
    /// The kind of subject that frames arrive on.
    pub frames_in: &'static StreamSubject,
    /// The kind of subject that answers are published on.
    pub frames_out: &'static StreamSubject,
    /// The tenants whose frames are served.
    pub tenants: Tenants,
    /// The handler that answers frames.
    pub handler: Arc<H>,
    /// What limits the memory of the frames that are processed.
    pub credits: CreditPool,
    /// The number of frames that are processed at a time.
    pub in_flight: usize,
    /// The number of frames that may wait.
    pub waiting: usize,
    /// The bytes of all frames that may wait.
    pub waiting_bytes: usize,
    /// The time limit for a frame that states no deadline.
    pub timeout: Duration,
}

impl<H> Clone for LiveSpec<H> {
    fn clone(&self) -> Self {
        let (tenants, credits) = (self.tenants.clone(), self.credits.clone());
        Self { tenants, credits, handler: Arc::clone(&self.handler), ..*self }
    }
}

impl<H: LiveHandler> LiveSpec<H> {
    /// An actor with the given name that receives the frames from the broker of the given
    /// connection, and sends the answers on it.
    #[must_use]
    pub fn child(self, name: &'static str, connection: Connection) -> ChildSpec {
        let (child, _) = ChildSpec::actor(name, move |child| {
            let lane = Arc::new(Lane::new(self.clone(), connection.clone()));
            TaskActor::new(child, |child, stop| lane.run(child, stop))
        });
        child.ready_within(PATIENT)
    }
}

struct Lane<H> {
    spec: LiveSpec<H>,
    delivery: Delivery,
    idle: Arc<Semaphore>,
    frames_in: metrics::Counter,
    frames_out: metrics::Counter,
}

/// A waiting frame.
struct Frame {
    incoming: Incoming,
    tenant: Tenant,
    stream: StreamName,
    payload: Bytes,
    arrived: Instant,
}

impl<H: LiveHandler> Lane<H> {
    fn new(spec: LiveSpec<H>, connection: Connection) -> Self {
        let delivery = Delivery {
            name: "live",
            template: spec.frames_in.row().template(),
            connection,
            timeout: spec.timeout,
        };
        Self {
            delivery,
            idle: Arc::new(Semaphore::new(spec.in_flight.max(1))),
            frames_in: counter(Metric::FramesIn, &[spec.service]),
            frames_out: counter(Metric::FramesOut, &[spec.service]),
            spec,
        }
    }

    async fn run(
        self: Arc<Self>,
        child: ChildContext,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let connection = &self.delivery.connection;
        tokio::select! {
            () = connection.up() => {}
            () = stop.cancelled() => return Ok(()),
        }
        let queue = Some(self.spec.service.to_owned());
        let patterns = self.spec.frames_in.patterns(&self.spec.tenants).into_iter();
        let subscriptions =
            patterns.map(|subject| Subscription { subject, queue: queue.clone() }).collect();
        let intake = connection.intake(subscriptions)?;
        self.pump(intake, &child, stop).await
    }

    /// Moves frames to the handler until it is told to stop.
    async fn pump(
        self: Arc<Self>,
        mut intake: Intake,
        child: &ChildContext,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let mut queue = LatestQueue::new(self.spec.waiting, self.spec.waiting_bytes);
        let mut tasks = JoinSet::new();
        let mut stopping = false;
        loop {
            let event = tokio::select! {
                biased;
                () = stop.cancelled(), if !stopping => {
                    intake.drain();
                    stopping = true;
                    continue;
                }
                Some(ended) = tasks.join_next() => {
                    self.count_lost(ended);
                    continue;
                }
                permit = Arc::clone(&self.idle).acquire_owned(), if !stopping && !queue.is_empty() => {
                    // The semaphore is never closed.
                    let (Ok(permit), Some(next)) = (permit, queue.pop()) else { continue };
                    let lane = Arc::clone(&self);
                    tasks.spawn(async move {
                        lane.serve(next.frame).await;
                        drop(permit);
                    });
                    continue;
                }
                event = intake.next() => event,
            };
            match event {
                IntakeEvent::Message { message, .. } => self.enqueue(message, &mut queue),
                IntakeEvent::Unreadable { .. } => {
                    self.frames_in.increment(1);
                    self.dropped(DropReason::DecodeFailed);
                }
                IntakeEvent::Up => child.ready(),
                IntakeEvent::Refused(failure) => refused(failure)?,
                IntakeEvent::Down => {}
                IntakeEvent::Drained => break,
            }
        }
        while queue.pop().is_some() {
            self.dropped(DropReason::ShuttingDown);
        }
        while let Some(ended) = tasks.join_next().await {
            self.count_lost(ended);
        }
        Ok(())
    }

    fn enqueue(&self, message: async_nats::Message, queue: &mut LatestQueue<Frame>) {
        self.frames_in.increment(1);
        let Ok((tenant, stream)) = self.spec.frames_in.parse(&message.subject) else {
            return self.dropped(DropReason::DecodeFailed);
        };
        let Ok(incoming) = self.delivery.read(message.headers.as_ref()) else {
            return self.dropped(DropReason::DecodeFailed);
        };
        // Streams of different tenants may have the same name.
        let name = format!("{tenant}/{stream}");
        let (payload, arrived) = (message.payload, Instant::now());
        let bytes = payload.len();
        let frame = Frame { incoming, tenant, stream, payload, arrived };
        for (reason, _) in queue.push(Queued { stream: name, bytes, frame }) {
            self.dropped(reason);
        }
    }

    /// A handler that panics outside of its work takes the frame with it.
    fn count_lost(&self, ended: Result<(), JoinError>) {
        if ended.is_err() {
            self.dropped(DropReason::DecodeFailed);
        }
    }

    fn dropped(&self, reason: DropReason) {
        debug!(service = self.spec.service, reason = reason.as_str(), "a live frame was dropped");
        counter(Metric::FramesDropped, &[self.spec.service, reason.as_str()]).increment(1);
    }

    async fn serve(&self, frame: Frame) {
        let Frame { incoming, tenant, stream, payload, arrived } = frame;
        let Ok(left) = time_left(&incoming.context) else {
            return self.dropped(DropReason::Deadline);
        };
        let bytes = payload.len();
        let Ok(mut message) = H::Request::decode(payload) else {
            // The number of the frame is unknown, so it cannot be answered.
            return self.dropped(DropReason::DecodeFailed);
        };
        let handler = &*self.spec.handler;
        let (identity, contradiction) = handler.identify(&stream, &mut message);
        let span = consumer_span!("live frame", self.delivery.template, incoming.context);
        // To a device, a stream is a caller: streams share it fairly.
        let caller = Caller::new(&format!("{tenant}/{stream}"));
        let credits = self.spec.credits.clone();
        let until = Instant::now() + left.min(LONGEST_WAIT);
        let admission = Admission::to(credits, caller, bytes, until);
        let own = admission.clone();
        let work = |context| {
            let request = Request { tenant: tenant.clone(), context, message, arrived, admission };
            async move {
                contradiction?;
                let late = |_| Failure::deadline("the deadline passed before the result was ready");
                tokio::time::timeout(left, handler.handle(request)).await.map_err(late)?
            }
        };
        let (context, result) = self.delivery.run(span, incoming, work).await;
        let headers = headers::write(&context);
        let result = result.and_then(|response| {
            let response = response.into_bytes();
            self.delivery.fit(&headers, response, H::RESPONSE_FIELD)
        });
        let (headers, response) = match result {
            Ok(response) => (headers, response),
            Err(failure) => {
                self.delivery.note(&failure, &context);
                let report = handler.failed(identity, &context, &failure).into_bytes();
                (headers::write_error(&context, &failure), report)
            }
        };
        let hold = own.hold();
        hold.shrink_to(response.len());
        let subject = self.spec.frames_out.of(&tenant, &stream).to_string();
        let sent = self.delivery.connection.publish_or_drop(subject, headers, hold.keep(response));
        match sent.await {
            Ok(()) => self.frames_out.increment(1),
            Err(failure) => self.dropped(match failure.kind {
                ErrorKind::TooLarge => DropReason::TooLarge,
                ErrorKind::Overloaded => DropReason::SlowConsumer,
                // The connection was closed.
                _ => DropReason::ShuttingDown,
            }),
        }
    }
}
