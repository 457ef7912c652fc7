//! Connects the trace headers of messages with the spans of this process.

use ocelli_messages::{MessageContext, TraceContext, TraceParent};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Puts a span into the trace of the message that it works on.
///
/// If the caller sent no trace, the sampler of this process decides. With OpenTelemetry, the
/// context then moves to the trace of the span, so that logs, messages and the collector show the
/// same trace.
pub fn place(span: &Span, context: &mut MessageContext, from_caller: bool) {
    if from_caller {
        set_parent(span, &context.trace);
    } else if let Some(here) = parent_of(span) {
        context.trace.parent = here;
    }
}

/// Makes the sender of a message the parent of `span`. Without OpenTelemetry it does nothing.
pub fn set_parent(span: &Span, trace: &TraceContext) {
    let state: TraceState =
        trace.state.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default();
    let remote = SpanContext::new(
        TraceId::from(trace.parent.trace_id()),
        SpanId::from(trace.parent.span_id()),
        TraceFlags::new(trace.parent.flags()),
        true,
        state,
    );
    let parent = opentelemetry::Context::new().with_remote_span_context(remote);
    // This fails only if no OpenTelemetry layer is installed or the span is filtered out.
    if let Err(error) = span.set_parent(parent) {
        tracing::trace!(%error, "no OpenTelemetry span");
    }
}

/// The context to pass on from `span`, which becomes the parent of the receiver's span.
///
/// Without OpenTelemetry it is a child in the same trace, so that the traces of other systems are
/// still passed on.
#[must_use]
pub fn outgoing(span: &Span, context: &MessageContext) -> MessageContext {
    // A different trace id means that the span was never put into the message's trace.
    match parent_of(span).filter(|parent| parent.trace_id() == context.trace.parent.trace_id()) {
        Some(parent) => context.clone().with_parent(parent),
        None => context.child(),
    }
}

/// The span as the parent of the messages that it sends, or `None` without OpenTelemetry.
fn parent_of(span: &Span) -> Option<TraceParent> {
    let otel = span.context();
    let otel = otel.span();
    let here = otel.span_context();
    TraceParent::from_ids(
        u128::from_be_bytes(here.trace_id().to_bytes()),
        u64::from_be_bytes(here.span_id().to_bytes()),
        here.trace_flags().to_u8(),
    )
}
