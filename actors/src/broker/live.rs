//! Live frames: latest wins, and every frame is answered or counted as dropped with its reason.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::{Subscriber, client::PublishErrorKind};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use ocelli_messages::{ErrorKind, Failure, MessageContext, StreamName, Subject, Tenant};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, warn};

use super::{
    Connection, DropReason, LatestQueue, Queued, TaskActor, endpoint, headers,
    pump::next_of_drained,
};
use crate::{
    metrics::{Metric, counter},
    supervisor::ChildContext,
    trace,
};

/// A live frame to answer.
#[derive(Debug)]
pub struct LiveFrame {
    /// Who sent it, until when it is wanted, in which trace.
    pub context: MessageContext,
    /// Its stream, from the subject.
    pub stream: StreamName,
    /// The message.
    pub payload: Bytes,
    /// When it came.
    pub arrived: Instant,
    /// Whether the sender said which trace it belongs to.
    from_caller: bool,
}

/// What becomes of a live frame.
#[derive(Debug)]
pub enum LiveOutcome {
    /// A response to publish, and the failure that it reports.
    Publish(Bytes, Option<Failure>),
    /// No answer.
    Drop(DropReason),
}

/// Answers live frames.
pub trait LiveHandler: Send + Sync + 'static {
    /// Answers one.
    fn handle(&self, frame: LiveFrame) -> BoxFuture<'_, LiveOutcome>;
    /// The response for a frame that could not be worked on, or whose response could not be sent.
    fn failed(&self, payload: Bytes, context: &MessageContext, failure: &Failure) -> LiveOutcome;
}

/// Live frames to serve.
#[derive(Clone)]
pub struct LiveSpec {
    /// The service, which is the queue group too: its instances share the frames.
    pub service: &'static str,
    /// Whose frames.
    pub tenant: Tenant,
    /// Who answers.
    pub handler: Arc<dyn LiveHandler>,
    /// How many frames are worked on at a time.
    pub in_flight: usize,
    /// How many frames may wait.
    pub waiting: usize,
    /// How many bytes of frames may wait.
    pub waiting_bytes: usize,
    /// The deadline of a frame that states none.
    pub timeout: Duration,
}

impl std::fmt::Debug for LiveSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveSpec").field("service", &self.service).finish_non_exhaustive()
    }
}

/// The live frames as an actor on that connection, which is for nothing else; a task moves them.
#[must_use]
pub fn live(spec: LiveSpec, connection: Connection, child: &ChildContext) -> TaskActor {
    let idle = Arc::new(Semaphore::new(spec.in_flight.max(1)));
    let frames_in = counter(Metric::FramesIn, &[spec.service]);
    let frames_out = counter(Metric::FramesOut, &[spec.service]);
    let lane = Lane { spec, connection, idle, frames_in, frames_out };
    TaskActor::new(child, |child, stop| lane.run(child, stop))
}

#[derive(Clone)]
struct Lane {
    spec: LiveSpec,
    connection: Connection,
    idle: Arc<Semaphore>,
    frames_in: metrics::Counter,
    frames_out: metrics::Counter,
}

impl Lane {
    async fn run(self, child: ChildContext, stop: CancellationToken) -> Result<(), Failure> {
        tokio::select! {
            () = self.connection.up() => {}
            () = stop.cancelled() => return Ok(()),
        }
        let subject = Subject::all_frames_in(&self.spec.tenant);
        let frames = (self.connection.client())
            .queue_subscribe(subject, self.spec.service.to_owned())
            .await
            .map_err(|error| Failure::internal(error.to_string()))?;
        self.connection.barrier().await?;
        child.ready();
        if self.pump(frames, stop).await {
            Ok(())
        } else {
            Err(Failure::new(ErrorKind::Unavailable, "the subscription of live frames ended"))
        }
    }

    /// Returns whether it was told to stop.
    async fn pump(self, mut frames: Subscriber, stop: CancellationToken) -> bool {
        let mut queue = LatestQueue::new(self.spec.waiting, self.spec.waiting_bytes);
        // The connection is for these frames alone: what overflows on it is frames.
        let mut overflow = self.connection.overflow();
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
                    let lane = self.clone();
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
        if told && let Err(error) = frames.drain().await {
            warn!(%error, "a subscription could not be drained");
        }
        while let Some(message) = next_of_drained(&self.connection, &mut frames).await {
            self.enqueue(message, &mut queue);
        }
        while queue.pop().is_some() {
            self.dropped(DropReason::ShuttingDown);
        }
        while tasks.join_next().await.is_some() {}
        told
    }

    fn enqueue(&self, message: async_nats::Message, queue: &mut LatestQueue<LiveFrame>) {
        self.frames_in.increment(1);
        let stream = match message.subject.as_str().parse() {
            Ok(Subject::FrameIn(_, stream)) => stream,
            _ => return self.dropped(DropReason::DecodeFailed),
        };
        let Ok(context) = headers::read(message.headers.as_ref(), self.spec.timeout) else {
            return self.dropped(DropReason::DecodeFailed);
        };
        let (name, bytes) = (stream.to_string(), message.payload.len());
        let from_caller = headers::has_trace(message.headers.as_ref());
        let (payload, arrived) = (message.payload, Instant::now());
        let frame = LiveFrame { context, stream, payload, arrived, from_caller };
        for (reason, _) in queue.push(Queued { stream: name, bytes, frame }) {
            self.dropped(reason);
        }
    }

    fn dropped(&self, reason: DropReason) {
        debug!(service = self.spec.service, reason = reason.as_str(), "a live frame was dropped");
        counter(Metric::FramesDropped, &[self.spec.service, reason.as_str()]).increment(1);
    }

    async fn serve(&self, mut frame: LiveFrame) {
        if frame.context.deadline.left(SystemTime::now()).is_none() {
            return self.dropped(DropReason::Deadline);
        }
        let span = tracing::info_span!(
            "live frame",
            otel.name = format!("process {}", Subject::FRAME_IN_TEMPLATE),
            otel.kind = "consumer",
            messaging.system = "nats",
            request_id = %frame.context.request_id,
            trace_id = tracing::field::Empty,
            // Where the work was done, if it was: for handlers that know.
            ocelli.accelerator = tracing::field::Empty,
        );
        trace::place(&span, &mut frame.context, frame.from_caller);
        endpoint::record_trace(&span, &frame.context);
        let (context, stream, payload) =
            (frame.context.clone(), frame.stream.clone(), frame.payload.clone());
        let handler = &self.spec.handler;
        let work = AssertUnwindSafe(handler.handle(frame).instrument(span.clone()));
        let mut outcome = work.catch_unwind().await.unwrap_or_else(|_| {
            let failure = Failure::internal("the service failed on this frame");
            handler.failed(payload.clone(), &context, &failure)
        });
        let most = self.connection.max_answer();
        if let LiveOutcome::Publish(response, _) = &outcome
            && response.len() > most
        {
            let failure = super::connection::too_large(response.len(), most);
            outcome = handler.failed(payload, &context, &failure.at("pipeline.output"));
        }
        match outcome {
            LiveOutcome::Publish(response, failure) => {
                self.publish(stream, &trace::outgoing(&span, &context), response, failure).await;
            }
            LiveOutcome::Drop(reason) => self.dropped(reason),
        }
    }

    async fn publish(
        &self,
        stream: StreamName,
        context: &MessageContext,
        response: Bytes,
        failure: Option<Failure>,
    ) {
        let headers = match &failure {
            Some(failure) => {
                counter(Metric::Errors, &["live", failure.kind.as_str()]).increment(1);
                endpoint::log("live", failure, context);
                headers::write_error(context, failure)
            }
            None => headers::write(context),
        };
        let subject = Subject::FrameOut(self.spec.tenant.clone(), stream).to_string();
        let sent = self.connection.client().publish_with_headers(subject, headers, response).await;
        match sent {
            Ok(()) => self.frames_out.increment(1),
            Err(error) => {
                warn!(%error, "a response could not be sent");
                self.dropped(match error.kind() {
                    PublishErrorKind::MaxPayloadExceeded => DropReason::TooLarge,
                    // The connection was closed: nothing else can be wrong with a checked subject.
                    _ => DropReason::ShuttingDown,
                });
            }
        }
    }
}
