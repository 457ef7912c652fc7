//! Delivers messages to their handlers and settles them, in three lanes.
//!
//! | lane | messages | who waits | what limits it |
//! |---|---|---|---|
//! | [`reply`] | requests on a core subject | the caller, for one reply | credits |
//! | [`latest`] | live frames on a core subject | nobody; newer frames replace older ones | a waiting room, by count and by bytes |
//! | [`work`] | durable items of a JetStream stream | the stream, for an acknowledgement | permits, each taken before its item is fetched |
//!
//! The lanes share [`Delivery`]. It reads the headers, gives the work a span in the message's
//! trace, turns a panic into an `internal` failure, refuses a response that is too large for the
//! broker, and records failures in the metrics and the log.

mod admission;
pub(super) mod callers;
mod encoded;
pub(super) mod headers;
pub(super) mod latest;
pub(super) mod pump;
pub(super) mod queue;
pub(super) mod reply;
pub(super) mod work;

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime},
};

use async_nats::HeaderMap;
use bytes::Bytes;
use futures::FutureExt as _;
use ocelli_messages::{ErrorKind, Failure, MessageContext, Tenant};
use prost::{Message, Name};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

pub use admission::{Admission, Hold};
pub use encoded::Encoded;
pub(super) use headers::{len as headers_len, write as write_headers};

use super::Connection;
use crate::{
    log_at,
    metrics::{Metric, counter},
    trace,
};

/// A message that is passed to a handler.
#[derive(Debug)]
pub struct Request<M> {
    /// The tenant that the request belongs to, taken from its subject.
    pub tenant: Tenant,
    /// The request id, deadline and trace of the request.
    pub context: MessageContext,
    /// The decoded message.
    pub message: M,
    /// The time at which the message arrived.
    pub arrived: Instant,
    /// The right to wait for a credit.
    pub admission: Admission,
}

/// The part of the delivery that all lanes share.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// The name of the lane in metrics and logs.
    pub(super) name: &'static str,
    /// The subject with placeholders for its names, for spans.
    pub(super) template: &'static str,
    pub(super) connection: Connection,
    /// The time limit for a message that states no deadline.
    pub(super) timeout: Duration,
}

/// The headers of a received message.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) context: MessageContext,
    /// Whether the sender stated which trace the message belongs to.
    from_caller: bool,
}

/// Creates a span of the OpenTelemetry kind "consumer". The name of a span is static, so each lane
/// creates its own.
macro_rules! consumer_span {
    ($name:literal, $template:expr, $context:expr) => {
        tracing::info_span!(
            $name,
            otel.name = format!("process {}", $template),
            otel.kind = "consumer",
            messaging.system = "nats",
            messaging.operation.r#type = "process",
            messaging.destination.template = $template,
            request_id = %$context.request_id,
            trace_id = tracing::field::Empty,
            // Handlers that know which device did the work record it here.
            ocelli.accelerator = tracing::field::Empty,
        )
    };
}
use consumer_span;

impl Delivery {
    /// Reads the headers of a message.
    pub(super) fn read(&self, headers: Option<&HeaderMap>) -> Result<Incoming, Failure> {
        let context = headers::read(headers, self.timeout)?;
        Ok(Incoming { context, from_caller: headers::has_trace(headers) })
    }

    /// A new context for the answer to a message whose headers cannot be read.
    pub(super) fn own_context(&self) -> MessageContext {
        MessageContext::new(SystemTime::now(), self.timeout)
    }

    /// Runs the work inside `span`, which becomes part of the message's trace. A panic fails only
    /// this message. Returns the context to answer with.
    pub(super) async fn run<T, W>(
        &self,
        span: Span,
        incoming: Incoming,
        work: impl FnOnce(MessageContext) -> W,
    ) -> (MessageContext, Result<T, Failure>)
    where
        W: Future<Output = Result<T, Failure>>,
    {
        let Incoming { mut context, from_caller } = incoming;
        trace::place(&span, &mut context, from_caller);
        let trace_id = context.trace.parent.trace_id();
        span.record("trace_id", tracing::field::display(format_args!("{trace_id:032x}")));
        let work = AssertUnwindSafe(work(context.clone())).catch_unwind();
        let result = work.instrument(span.clone()).await.unwrap_or_else(|_| {
            // The panic hook has logged the panic with its location.
            Err(Failure::internal(format!("{} failed on this message", self.name)))
        });
        let mut context = trace::outgoing(&span, &context);
        // Whoever gets the answer knows for whom it asked.
        context.caller = None;
        (context, result)
    }

    /// Checks that the broker accepts a response with these headers. `field` is the field of the
    /// request that decides on the size.
    pub(super) fn fit(
        &self,
        headers: &HeaderMap,
        response: Bytes,
        field: &str,
    ) -> Result<Bytes, Failure> {
        let is = headers::len(headers) + response.len();
        let most = self.connection.max_payload();
        if is > most { Err(too_large(is, most).at(field)) } else { Ok(response) }
    }

    /// Counts a failure, and logs it at the level of its kind.
    pub(super) fn note(&self, failure: &Failure, context: &MessageContext) {
        let endpoint = self.name;
        counter(Metric::Errors, &[endpoint, failure.kind.as_str()]).increment(1);
        let (request_id, field) = (&context.request_id, &failure.field);
        let trace_id = format!("{:032x}", context.trace.parent.trace_id());
        log_at!(failure.kind.level(), endpoint, request_id, trace_id, field, "{failure}");
    }
}

/// The failure for a message that is larger than the broker accepts.
pub(in crate::broker) fn too_large(is: usize, most: usize) -> Failure {
    let message =
        format!("the message has {is} bytes with its headers; the broker accepts at most {most}");
    Failure::new(ErrorKind::TooLarge, message)
}

/// Decodes a payload as a message of type `M`.
fn decode<M: Message + Name + Default>(payload: Bytes) -> Result<M, Failure> {
    M::decode(payload).map_err(|error| Failure::invalid("", format!("not a {}: {error}", M::NAME)))
}

/// The time that is left until the deadline of a message, or a failure once it has passed.
fn time_left(context: &MessageContext) -> Result<Duration, Failure> {
    let left = context.deadline.left(SystemTime::now());
    left.ok_or_else(|| Failure::deadline("the deadline passed before the work began"))
}
