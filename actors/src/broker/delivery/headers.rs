//! Reads and writes message contexts and errors as NATS headers.

use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use ocelli_messages::{Failure, MessageContext, TraceParent, header};

/// The limits on how often a caller gets a sign of life.
const SHORTEST_KEEPALIVE: Duration = Duration::from_millis(100);
const LONGEST_KEEPALIVE: Duration = Duration::from_secs(60);

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

/// The length of headers on the wire: a version line, a line each, and an empty line.
pub(in crate::broker) fn len(headers: &HeaderMap) -> usize {
    let lines = headers.iter().flat_map(|(name, values)| {
        let name: &str = name.as_ref();
        values.iter().map(move |value| name.len() + value.as_str().len() + ": \r\n".len())
    });
    "NATS/1.0\r\n\r\n".len() + lines.sum::<usize>()
}

/// How often the caller of a request wants a sign of life, if it does.
pub(in crate::broker) fn keepalive(headers: Option<&HeaderMap>) -> Option<Duration> {
    let asked = headers?.get(header::KEEPALIVE)?.as_str().parse().ok()?;
    Some(Duration::from_millis(asked).clamp(SHORTEST_KEEPALIVE, LONGEST_KEEPALIVE))
}

/// Writes the headers of a sign of life.
pub(in crate::broker) fn write_sign_of_life(worker: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::KEEPALIVE, worker);
    headers
}
