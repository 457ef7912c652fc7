//! How a message gets to its handler and what becomes of it, in three lanes.
//!
//! | lane | messages | who waits | what bounds it |
//! |---|---|---|---|
//! | [`reply`] | requests on a core subject | the caller, for one reply | credits |
//! | [`latest`] | live frames on a core subject | nobody; the latest wins | a waiting room by count and bytes |
//! | [`work`] | durable items of a JetStream stream | the stream, for an acknowledgement | permits, each taken before its item is fetched |
//!
//! What the lanes share is [`Delivery`]: it reads the headers, gives the work its span and its
//! place in the trace, turns a panic into an `internal` failure, refuses a response that the broker
//! would not take, and notes failures in the metrics and the log.

mod encoded;
mod headers;
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

pub use encoded::Encoded;
pub(super) use headers::write as write_headers;

use super::Connection;
use crate::{
    log_at,
    metrics::{Metric, counter},
    trace,
};

/// A message on its way through a handler.
#[derive(Debug)]
pub struct Request<M> {
    /// Whose request it is, by its subject.
    pub tenant: Tenant,
    /// Who asks, until when, and in which trace.
    pub context: MessageContext,
    /// What is asked.
    pub message: M,
    /// When it arrived.
    pub arrived: Instant,
}

/// What all lanes do with a message, whatever they do with its result.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// The name of the lane in metrics and logs.
    pub(super) name: &'static str,
    /// The subject without its names, for spans.
    pub(super) template: &'static str,
    pub(super) connection: Connection,
    /// The time limit of a message that states none.
    pub(super) timeout: Duration,
}

/// The headers of a message.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) context: MessageContext,
    /// Whether the sender said which trace the message belongs to.
    from_caller: bool,
}

/// Room for the headers of a response within the broker's limit on messages, bytes.
const HEADER_ROOM: usize = 4096;

/// A span of the kind that OpenTelemetry calls a consumer. Its name is static, so each lane makes
/// its own.
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
            // Handlers that know on which device the work was done record it here.
            ocelli.accelerator = tracing::field::Empty,
        )
    };
}
use consumer_span;

impl Delivery {
    /// Reads a message's headers.
    pub(super) fn read(&self, headers: Option<&HeaderMap>) -> Result<Incoming, Failure> {
        let context = headers::read(headers, self.timeout)?;
        Ok(Incoming { context, from_caller: headers::has_trace(headers) })
    }

    /// A context for the answer to a message whose own headers cannot be read.
    pub(super) fn own_context(&self) -> MessageContext {
        MessageContext::new(SystemTime::now(), self.timeout)
    }

    /// Does the work inside `span`, which is given its place in the message's trace. A panic is a
    /// failure of this message and harms no other. Returns the context to answer with.
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
            // The panic hook has logged it, with its place.
            Err(Failure::internal(format!("{} failed on this message", self.name)))
        });
        (trace::outgoing(&span, &context), result)
    }

    /// Passes a response on if the broker takes it; `field` is where the request says what it
    /// wants back.
    pub(super) fn fit(&self, response: Bytes, field: &str) -> Result<Bytes, Failure> {
        let most = self.connection.max_payload().saturating_sub(HEADER_ROOM);
        if response.len() > most {
            Err(too_large(response.len(), most).at(field))
        } else {
            Ok(response)
        }
    }

    /// Counts a failure and logs it at the level of its kind.
    pub(super) fn note(&self, failure: &Failure, context: &MessageContext) {
        let handler = self.name;
        counter(Metric::Errors, &[handler, failure.kind.as_str()]).increment(1);
        let (request_id, field) = (&context.request_id, &failure.field);
        let trace_id = format!("{:032x}", context.trace.parent.trace_id());
        log_at!(failure.kind.level(), handler, request_id, trace_id, field, "{failure}");
    }
}

/// Says that a message is more than the broker takes.
pub(super) fn too_large(is: usize, most: usize) -> Failure {
    let message =
        format!("a message of {is} bytes and its headers: the broker takes at most {most}");
    Failure::new(ErrorKind::TooLarge, message)
}

/// Reads a payload as a message of that type.
fn decode<M: Message + Name + Default>(payload: Bytes) -> Result<M, Failure> {
    M::decode(payload).map_err(|error| Failure::invalid("", format!("not a {}: {error}", M::NAME)))
}

/// The time that a message has left, unless its deadline has passed.
fn time_left(context: &MessageContext) -> Result<Duration, Failure> {
    let left = context.deadline.left(SystemTime::now());
    left.ok_or_else(|| Failure::deadline("the deadline passed before the work began"))
}
