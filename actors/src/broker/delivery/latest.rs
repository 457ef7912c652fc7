//! The latest lane: live frames, whose senders do not wait for an answer. Newer frames replace
//! older ones, and every frame is either answered or counted as dropped, with the reason.

use std::{sync::Arc, time::Duration};

use async_nats::{Subscriber, client::PublishErrorKind};
use bytes::Bytes;
use futures::{StreamExt as _, stream::SelectAll};
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
use tracing::{debug, warn};

use super::{
    Admission, Delivery, Encoded, Incoming, Request, consumer_span, headers,
    pump::next_of_drained,
    queue::{DropReason, LatestQueue, Queued},
    time_left,
};
use crate::{
    broker::{Connection, TaskActor, task_actor::PATIENT},
    metrics::{Metric, counter},
    supervisor::{ChildContext, ChildSpec},
};

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
        Self { tenants: self.tenants.clone(), handler: Arc::clone(&self.handler), ..*self }
    }
}

impl<H: LiveHandler> LiveSpec<H> {
    /// An actor with the given name that serves the frames on the given connection, which must be
    /// used for nothing else.
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

/// The outcome of a frame.
enum Outcome {
    /// A response to publish.
    Answer(Bytes),
    /// A response that reports a failure.
    Report(Bytes, Failure),
    /// No answer, with the reason.
    Drop(DropReason),
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
        let mut frames = Vec::new();
        for pattern in self.spec.frames_in.patterns(&self.spec.tenants) {
            let subscribed =
                connection.client().queue_subscribe(pattern, self.spec.service.to_owned()).await;
            frames.push(subscribed.map_err(|error| Failure::internal(error.to_string()))?);
        }
        connection.barrier().await?;
        child.ready();
        let connection = connection.clone();
        tokio::select! {
            told = self.pump(frames, stop) => if told {
                Ok(())
            } else {
                Err(Failure::new(ErrorKind::Unavailable, "the subscription of live frames ended"))
            },
            failure = connection.subscription_refused() => Err(failure),
        }
    }

    /// Moves frames to the handler until it is told to stop. Returns `false` if a subscription
    /// ended before.
    async fn pump(self: Arc<Self>, frames: Vec<Subscriber>, stop: CancellationToken) -> bool {
        let connection = &self.delivery.connection;
        let mut frames: SelectAll<Subscriber> = futures::stream::select_all(frames);
        let mut queue = LatestQueue::new(self.spec.waiting, self.spec.waiting_bytes);
        // The connection is used only for these frames, so everything that overflows on it is a
        // frame.
        let mut overflow = connection.overflow();
        let mut overflowed = *overflow.borrow_and_update();
        let mut tasks = JoinSet::new();
        let told = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break true,
                Some(ended) = tasks.join_next() => self.count_lost(ended),
                permit = Arc::clone(&self.idle).acquire_owned(), if !queue.is_empty() => {
                    // The semaphore is never closed.
                    let (Ok(permit), Some(next)) = (permit, queue.pop()) else { continue };
                    let lane = Arc::clone(&self);
                    tasks.spawn(async move {
                        lane.serve(next.frame).await;
                        drop(permit);
                    });
                }
                Ok(()) = overflow.changed() => {
                    let messages = *overflow.borrow_and_update();
                    for _ in overflowed..messages {
                        self.frames_in.increment(1);
                        self.dropped(DropReason::SlowConsumer);
                    }
                    overflowed = messages;
                }
                frame = frames.next() => match frame {
                    Some(message) => self.enqueue(message, &mut queue),
                    None => break false,
                },
            }
        };
        if told {
            for subscription in frames.iter_mut() {
                if let Err(error) = subscription.drain().await {
                    warn!(%error, "a subscription could not be drained");
                }
            }
        }
        while let Some(message) = next_of_drained(connection, &mut frames).await {
            self.enqueue(message, &mut queue);
        }
        while queue.pop().is_some() {
            self.dropped(DropReason::ShuttingDown);
        }
        while let Some(ended) = tasks.join_next().await {
            self.count_lost(ended);
        }
        told
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
        if time_left(&incoming.context).is_err() {
            return self.dropped(DropReason::Deadline);
        }
        let Ok(mut message) = H::Request::decode(payload) else {
            // The number of the frame is unknown, so it cannot be answered.
            return self.dropped(DropReason::DecodeFailed);
        };
        let handler = &*self.spec.handler;
        let (identity, contradiction) = handler.identify(&stream, &mut message);
        let span = consumer_span!("live frame", self.delivery.template, incoming.context);
        let work = |context| {
            let admission = Admission::free();
            let request = Request { tenant: tenant.clone(), context, message, arrived, admission };
            async move {
                contradiction?;
                handler.handle(request).await
            }
        };
        let (context, result) = self.delivery.run(span, incoming, work).await;
        let result = result.map(Encoded::into_bytes);
        let headers = headers::write(&context);
        let result =
            result.and_then(|response| self.delivery.fit(&headers, response, H::RESPONSE_FIELD));
        let outcome = match result {
            Ok(response) => Outcome::Answer(response),
            Err(failure) => {
                let report = handler.failed(identity, &context, &failure).into_bytes();
                match self.delivery.fit(&headers::write_error(&context, &failure), report, "") {
                    Ok(report) => Outcome::Report(report, failure),
                    Err(_) => {
                        self.delivery.note(&failure, &context);
                        Outcome::Drop(DropReason::TooLarge)
                    }
                }
            }
        };
        self.finish(&tenant, &stream, &context, outcome).await;
    }

    async fn finish(
        &self,
        tenant: &Tenant,
        stream: &StreamName,
        context: &MessageContext,
        outcome: Outcome,
    ) {
        let (headers, response) = match outcome {
            Outcome::Answer(response) => (headers::write(context), response),
            Outcome::Report(report, failure) => {
                self.delivery.note(&failure, context);
                (headers::write_error(context, &failure), report)
            }
            Outcome::Drop(reason) => return self.dropped(reason),
        };
        let subject = self.spec.frames_out.of(tenant, stream).to_string();
        let client = self.delivery.connection.client();
        match client.publish_with_headers(subject, headers, response).await {
            Ok(()) => self.frames_out.increment(1),
            Err(error) => {
                warn!(%error, "the answer to a live frame could not be sent");
                self.dropped(match error.kind() {
                    PublishErrorKind::MaxPayloadExceeded => DropReason::TooLarge,
                    // The connection was closed; nothing else can fail with a valid subject.
                    _ => DropReason::ShuttingDown,
                });
            }
        }
    }
}
