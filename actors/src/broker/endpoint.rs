//! A request/reply endpoint: every message gets an answer, whatever happens.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use ocelli_messages::{Failure, MessageContext, Subject};
use prost::Message as _;
use tokio::time::Instant;
use tracing::{Instrument as _, Span, debug, error, info, warn};

use super::{Connection, EndpointStats, connection::too_large, headers};
use crate::{
    credits::{CreditPool, Shed, ShedReason},
    metrics::{Metric, counter, gauge, histogram},
    trace,
};

/// A request to a handler. The credit it paid is held until its answer was sent.
#[derive(Debug)]
pub struct Request {
    /// Who asks, until when, in which trace.
    pub context: MessageContext,
    /// The message.
    pub payload: Bytes,
    /// When it came.
    pub arrived: Instant,
}

/// Answers requests. A panic becomes `internal` and harms no other request.
pub trait Handler: Send + Sync + 'static {
    /// Answers one.
    fn handle(&self, request: Request) -> BoxFuture<'_, Result<Bytes, Failure>>;
}

/// An endpoint to serve.
#[derive(Clone)]
pub struct EndpointSpec {
    /// Its name in metrics and in the Services API.
    pub name: &'static str,
    /// Where it listens.
    pub subject: Subject,
    /// Who answers.
    pub handler: Arc<dyn Handler>,
    /// How much may be under way; shared between endpoints if they share a resource.
    pub credits: CreditPool,
    /// How long a request may wait for a credit.
    pub patience: Duration,
    /// The deadline of a request that states none.
    pub timeout: Duration,
}

impl std::fmt::Debug for EndpointSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointSpec")
            .field("name", &self.name)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// An endpoint that serves.
pub(super) struct Endpoint {
    pub(super) spec: EndpointSpec,
    pub(super) stats: EndpointStats,
    pub(super) connection: Connection,
    seconds: metrics::Histogram,
    answered: metrics::Counter,
    in_flight: metrics::Gauge,
}

impl Endpoint {
    pub(super) fn new(spec: EndpointSpec, connection: Connection, queue_group: &str) -> Self {
        let stats = EndpointStats::new(spec.name, spec.subject.to_string(), queue_group.to_owned());
        Self {
            stats,
            connection,
            seconds: histogram(Metric::RequestSeconds, &[spec.name]),
            answered: counter(Metric::Requests, &[spec.name, "ok"]),
            in_flight: gauge(Metric::RequestsInFlight, &[spec.name]),
            spec,
        }
    }

    /// Answers one message.
    pub(super) async fn serve(self: Arc<Self>, message: async_nats::Message) {
        let arrived = Instant::now();
        let _in_flight = InFlight::enter(&self.in_flight);
        let async_nats::Message { reply, payload, headers, .. } = message;
        let from_caller = headers::has_trace(headers.as_ref());
        let read = headers::read(headers.as_ref(), self.spec.timeout);
        let (context, result) = match read {
            Ok(mut context) => {
                let span = self.span(&context);
                trace::place(&span, &mut context, from_caller);
                record_trace(&span, &context);
                let request = Request { context: context.clone(), payload, arrived };
                let result = self.work(request).instrument(span.clone()).await;
                (trace::outgoing(&span, &context), result)
            }
            Err(failure) => {
                (MessageContext::new(SystemTime::now(), self.spec.timeout), Err(failure))
            }
        };
        self.answer(reply, &context, result, arrived).await;
    }

    fn span(&self, context: &MessageContext) -> Span {
        tracing::info_span!(
            "request",
            otel.name = format!("process {}", self.spec.subject.template()),
            otel.kind = "consumer",
            messaging.system = "nats",
            messaging.operation.r#type = "process",
            messaging.destination.template = self.spec.subject.template(),
            request_id = %context.request_id,
            trace_id = tracing::field::Empty,
            // Where the work was done, if it was: for handlers that know.
            ocelli.accelerator = tracing::field::Empty,
        )
    }

    async fn work(&self, request: Request) -> Result<Bytes, Failure> {
        let late = || Failure::deadline("the deadline passed before the work began");
        let left = request.context.deadline.left(SystemTime::now()).ok_or_else(late)?;
        let until = request.arrived + left.min(self.spec.patience);
        let credit = self.spec.credits.acquire_before(request.payload.len(), until).await;
        let _credit = credit.map_err(|shed| refuse(&shed))?;
        request.context.deadline.left(SystemTime::now()).ok_or_else(late)?;
        match AssertUnwindSafe(self.spec.handler.handle(request)).catch_unwind().await {
            Ok(result) => result,
            // The panic hook has logged it, with its place.
            Err(_) => Err(Failure::internal("the service failed on this request")),
        }
    }

    async fn answer(
        &self,
        reply: Option<async_nats::Subject>,
        context: &MessageContext,
        mut result: Result<Bytes, Failure>,
        arrived: Instant,
    ) {
        let most = self.connection.max_answer();
        if let Ok(payload) = &result
            && payload.len() > most
        {
            result = Err(too_large(payload.len(), most).at("pipeline.output"));
        }
        let took = arrived.elapsed();
        self.seconds.record(took);
        let (headers, payload) = match result {
            Ok(payload) => {
                self.answered.increment(1);
                self.stats.answered(took, None);
                (headers::write(context), payload)
            }
            Err(failure) => {
                self.note(&failure, context, took);
                let body = failure.to_wire(&context.request_id).encode_to_vec();
                (headers::write_error(context, &failure), Bytes::from(body))
            }
        };
        let Some(reply) = reply else {
            debug!(endpoint = self.spec.name, "a request without a reply subject");
            return;
        };
        let sent = self.connection.client().publish_with_headers(reply, headers, payload).await;
        if let Err(error) = sent {
            warn!(endpoint = self.spec.name, %error, "a reply could not be sent");
        }
    }

    fn note(&self, failure: &Failure, context: &MessageContext, took: Duration) {
        let kind = failure.kind.as_str();
        counter(Metric::Requests, &[self.spec.name, kind]).increment(1);
        counter(Metric::Errors, &[self.spec.name, kind]).increment(1);
        self.stats.answered(took, Some(&failure.to_string()));
        log(self.spec.name, failure, context);
    }
}

/// Counts a request as under way, also when its task is killed.
struct InFlight<'a>(&'a metrics::Gauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a metrics::Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Shows the trace of a message on every line that is logged within its span.
pub(super) fn record_trace(span: &Span, context: &MessageContext) {
    let trace_id = context.trace.parent.trace_id();
    span.record("trace_id", tracing::field::display(format_args!("{trace_id:032x}")));
}

/// One line for a failed request, at the level of its kind.
pub(super) fn log(endpoint: &'static str, failure: &Failure, context: &MessageContext) {
    use ocelli_messages::LogLevel;
    let (id, trace_id) = (&context.request_id, format!("{:032x}", context.trace.parent.trace_id()));
    let field = &failure.field;
    match failure.kind.level() {
        LogLevel::Debug => debug!(endpoint, request_id = id, trace_id, field, "{failure}"),
        LogLevel::Info => info!(endpoint, request_id = id, trace_id, field, "{failure}"),
        LogLevel::Warn => warn!(endpoint, request_id = id, trace_id, field, "{failure}"),
        LogLevel::Error => error!(endpoint, request_id = id, trace_id, field, "{failure}"),
    }
}

/// A request that got no credit, as an answer.
fn refuse(shed: &Shed) -> Failure {
    match shed.reason {
        ShedReason::Full => Failure::overloaded("too many requests are waiting", shed.retry_after),
        ShedReason::Deadline => {
            Failure::overloaded("no worker came free in time", shed.retry_after)
        }
        ShedReason::Closed => {
            Failure::new(ocelli_messages::ErrorKind::Cancelled, "the service is stopping")
                .retry_after(shed.retry_after)
        }
        ShedReason::TooLarge => Failure::new(
            ocelli_messages::ErrorKind::TooLarge,
            "the request is more than this worker takes at once",
        ),
    }
}
