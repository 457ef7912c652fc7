//! The latest lane: live frames nobody waits for. The latest wins, and every frame is answered or
//! counted as dropped with its reason.

use std::{sync::Arc, time::Duration};

use async_nats::{Subscriber, client::PublishErrorKind};
use bytes::Bytes;
use futures::{StreamExt as _, stream::SelectAll};
use ocelli_messages::{
    ErrorKind, Failure, MessageContext, StreamName, StreamSubject, Tenant, Tenants,
};
use prost::{Message, Name};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Delivery, Encoded, Incoming, Request, consumer_span, headers,
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
    /// What a frame arrives in.
    type Request: Message + Name + Default + 'static;
    /// What its result is published in.
    type Response: Message + 'static;
    /// What an answer says of its frame when there is no result, e.g. its stream and number.
    type Identity: Clone + Send + Sync + 'static;

    /// The field of the request that a response too large for the broker is blamed on.
    const RESPONSE_FIELD: &'static str = "";

    /// Takes the identity out of a frame that arrived on the subject of that stream.
    ///
    /// # Errors
    /// If the frame and its subject contradict each other: that is its answer then.
    fn identify(
        &self,
        stream: &StreamName,
        request: &mut Self::Request,
    ) -> (Self::Identity, Result<(), Failure>);

    /// Answers one frame.
    fn handle(
        &self,
        request: Request<Self::Request>,
    ) -> impl Future<Output = Result<Encoded<Self::Response>, Failure>> + Send;

    /// The answer for a frame that has no result.
    fn failed(
        &self,
        identity: Self::Identity,
        context: &MessageContext,
        failure: &Failure,
    ) -> Encoded<Self::Response>;
}

/// Live frames to serve.
#[derive(Debug)]
pub struct LiveSpec<H> {
    /// The service, which is the queue group too: its instances share the frames.
    pub service: &'static str,
    /// Where frames come in.
    pub frames_in: &'static StreamSubject,
    /// Where their answers go.
    pub frames_out: &'static StreamSubject,
    /// Whose frames are served.
    pub tenants: Tenants,
    /// What answers them.
    pub handler: Arc<H>,
    /// How many frames are worked on at a time.
    pub in_flight: usize,
    /// How many frames may wait.
    pub waiting: usize,
    /// How many bytes of frames may wait.
    pub waiting_bytes: usize,
    /// The time limit of a frame that states no deadline.
    pub timeout: Duration,
}

impl<H> Clone for LiveSpec<H> {
    fn clone(&self) -> Self {
        Self { tenants: self.tenants.clone(), handler: Arc::clone(&self.handler), ..*self }
    }
}

impl<H: LiveHandler> LiveSpec<H> {
    /// The live frames as an actor of that name on that connection, which is for nothing else.
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

/// A frame that waits.
struct Frame {
    incoming: Incoming,
    tenant: Tenant,
    stream: StreamName,
    payload: Bytes,
    arrived: Instant,
}

/// What becomes of a frame.
enum Outcome {
    /// A response to publish.
    Answer(Bytes),
    /// A response that reports a failure.
    Report(Bytes, Failure),
    /// Nothing.
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
        if self.pump(frames, stop).await {
            Ok(())
        } else {
            Err(Failure::new(ErrorKind::Unavailable, "the subscription of live frames ended"))
        }
    }

    /// Moves frames to the handler until it is told to stop; false if a subscription ended before.
    async fn pump(self: Arc<Self>, frames: Vec<Subscriber>, stop: CancellationToken) -> bool {
        let connection = &self.delivery.connection;
        let mut frames: SelectAll<Subscriber> = futures::stream::select_all(frames);
        let mut queue = LatestQueue::new(self.spec.waiting, self.spec.waiting_bytes);
        // The connection is for these frames alone: what overflows on it is frames.
        let mut overflow = connection.overflow();
        let mut overflowed = *overflow.borrow_and_update();
        let mut tasks = JoinSet::new();
        let told = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break true,
                Some(_) = tasks.join_next() => {}
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
        while tasks.join_next().await.is_some() {}
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
        // Streams of two tenants may have the same name.
        let name = format!("{tenant}/{stream}");
        let (payload, arrived) = (message.payload, Instant::now());
        let bytes = payload.len();
        let frame = Frame { incoming, tenant, stream, payload, arrived };
        for (reason, _) in queue.push(Queued { stream: name, bytes, frame }) {
            self.dropped(reason);
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
            // Not even its number is known: there is nothing to answer with.
            return self.dropped(DropReason::DecodeFailed);
        };
        let handler = &*self.spec.handler;
        let (identity, contradiction) = handler.identify(&stream, &mut message);
        let span = consumer_span!("live frame", self.delivery.template, incoming.context);
        let work = |context| {
            let request = Request { tenant: tenant.clone(), context, message, arrived };
            async move {
                contradiction?;
                handler.handle(request).await
            }
        };
        let (context, result) = self.delivery.run(span, incoming, work).await;
        let result = result.map(Encoded::into_bytes);
        let result = result.and_then(|response| self.delivery.fit(response, H::RESPONSE_FIELD));
        let outcome = match result {
            Ok(response) => Outcome::Answer(response),
            Err(failure) => {
                let report = handler.failed(identity, &context, &failure).into_bytes();
                match self.delivery.fit(report, "") {
                    Ok(report) => Outcome::Report(report, failure),
                    Err(_) => Outcome::Drop(DropReason::TooLarge),
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
                    // The connection was closed: nothing else can be wrong with a checked subject.
                    _ => DropReason::ShuttingDown,
                });
            }
        }
    }
}
