//! Between the trace headers of messages and the spans of this process.

use ocelli_messages::{MessageContext, TraceContext, TraceParent};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Gives a span its place in the trace of the message it works on.
///
/// A trace that starts here, because the caller sent none, is left to our sampler: where
/// OpenTelemetry is on, the context moves to the trace of the span, so that logs, messages and the
/// collector speak of the same one.
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
    // It fails only where no OpenTelemetry layer is installed, or the span is filtered out.
    if let Err(error) = span.set_parent(parent) {
        tracing::trace!(%error, "no OpenTelemetry span");
    }
}

/// The context to send on from `span`: that span is the parent of whoever receives it.
///
/// Without OpenTelemetry it is a child in the same trace, so that traces of other systems still
/// pass through.
#[must_use]
pub fn outgoing(span: &Span, context: &MessageContext) -> MessageContext {
    // Another trace id would mean a span that was never tied to this message.
    match parent_of(span).filter(|parent| parent.trace_id() == context.trace.parent.trace_id()) {
        Some(parent) => context.clone().with_parent(parent),
        None => context.child(),
    }
}

/// The span as the parent of what it sends; none without OpenTelemetry.
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
