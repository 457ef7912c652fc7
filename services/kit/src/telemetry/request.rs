//! The span of a request that enters the system.

use ocelli_actors::trace;
use ocelli_messages::MessageContext;
use tracing::{Span, field::Empty};

/// The place where the trace of a request starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The trace starts at the caller, who sent a `traceparent` and decided whether to sample.
    Caller,
    /// The trace starts here, and the sampler of this process decides.
    Here,
}

/// Creates the span of a request that enters the system. Messages that are sent on within the span
/// get the context `ocelli_actors::trace::outgoing(&span, context)`.
///
/// If the trace starts here and OpenTelemetry is on, the context moves to the trace of this span,
/// so that logs, messages and the collector show the same trace.
#[must_use]
pub fn request_span(name: &'static str, context: &mut MessageContext, origin: Origin) -> Span {
    let span = tracing::info_span!(
        parent: None,
        "request",
        otel.name = name,
        otel.kind = "server",
        endpoint = name,
        trace_id = Empty,
        request_id = %context.request_id,
    );
    trace::place(&span, context, origin == Origin::Caller);
    let trace_id = context.trace.parent.trace_id();
    span.record("trace_id", tracing::field::display(format_args!("{trace_id:032x}")));
    span
}
