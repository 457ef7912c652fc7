//! Reads and writes message contexts and errors as NATS headers.

use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use ocelli_messages::{Failure, MessageContext, TraceParent, header};

/// Reads the context of a received message.
pub(in crate::broker) fn read(
    headers: Option<&HeaderMap>,
    timeout: Duration,
) -> Result<MessageContext, Failure> {
    let get = |name| headers.and_then(|headers| headers.get(name)).map(|value| value.as_str());
    MessageContext::read(get, SystemTime::now(), timeout)
}

/// Whether the sender stated which trace its message belongs to.
pub(in crate::broker) fn has_trace(headers: Option<&HeaderMap>) -> bool {
    let parent = headers.and_then(|headers| headers.get(header::TRACEPARENT));
    parent.is_some_and(|parent| parent.as_str().parse::<TraceParent>().is_ok())
}

/// Writes a context as headers.
pub(in crate::broker) fn write(context: &MessageContext) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in context.pairs() {
        headers.insert(name, value);
    }
    headers
}

/// Writes the headers of an error reply. Line breaks are replaced, because NATS forbids them in
/// headers.
pub(in crate::broker) fn write_error(context: &MessageContext, failure: &Failure) -> HeaderMap {
    let mut headers = write(context);
    let message: String =
        failure.message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(512).collect();
    headers.insert(header::ERROR_CODE, failure.kind.http_status().to_string());
    headers.insert(header::ERROR, format!("{}: {message}", failure.kind));
    headers
}
