//! The headers that every message carries.

use std::time::{Duration, SystemTime};

use crate::{Deadline, Failure, TraceContext, TraceParent};

/// The names of the headers.
pub mod header {
    /// W3C Trace Context: the trace and the span of the sender.
    pub const TRACEPARENT: &str = "traceparent";
    /// W3C Trace Context: data that a tracing vendor adds.
    pub const TRACESTATE: &str = "tracestate";
    /// W3C Baggage: data of the application that travels with a trace.
    pub const BAGGAGE: &str = "baggage";
    /// The id that correlates everything that one request caused.
    pub const REQUEST_ID: &str = "Ocelli-Request-Id";
    /// The deadline in Unix milliseconds. Work is not started after it.
    pub const DEADLINE: &str = "Ocelli-Deadline";
    /// The caller on whose behalf a gateway sends a request: its address, or the name of its key.
    /// Callers share a worker's capacity fairly.
    pub const CALLER: &str = "Ocelli-Caller";
    /// In a request: the interval in milliseconds at which the caller wants a sign of life while it
    /// waits. In a sign of life, which is sent to the reply subject: the name of the worker.
    pub const KEEPALIVE: &str = "Ocelli-Keepalive";
    /// The status of an error reply, as the NATS Services API defines it.
    pub const ERROR_CODE: &str = "Nats-Service-Error-Code";
    /// The text of an error reply, as the NATS Services API defines it.
    pub const ERROR: &str = "Nats-Service-Error";
}

const MAX_REQUEST_ID: usize = 128;
const MAX_CALLER: usize = 128;
const MAX_BAGGAGE: usize = 8192;

/// The request, deadline and trace that a message belongs to. It is passed on with the message, its
/// replies and its errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageContext {
    /// The id that correlates everything that one request caused: 1 to 128 visible ASCII
    /// characters.
    pub request_id: String,
    /// The time after which work is not started.
    pub deadline: Deadline,
    /// The caller on whose behalf a gateway sends the request: 1 to 128 visible ASCII characters.
    pub caller: Option<String>,
    /// The trace that the message belongs to, and the span that sent it.
    pub trace: TraceContext,
}

impl MessageContext {
    /// The context of a new request that must be answered within `timeout`.
    #[must_use]
    pub fn new(now: SystemTime, timeout: Duration) -> Self {
        Self {
            request_id: uuid::Uuid::now_v7().to_string(),
            deadline: Deadline::after(now, timeout),
            caller: None,
            trace: TraceContext::random(),
        }
    }

    /// Reads the headers of a message. Missing ones are filled in, with a deadline that is
    /// `timeout` from now.
    ///
    /// As W3C asks, an invalid `traceparent` starts a new trace.
    ///
    /// # Errors
    /// `invalid_argument` if the request id or the deadline is present but invalid: replacing it
    /// would hide the caller's mistake.
    pub fn read<'a>(
        get: impl Fn(&'static str) -> Option<&'a str>,
        now: SystemTime,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let mut context = Self::new(now, timeout);
        if let Some(id) = get(header::REQUEST_ID) {
            if !is_visible(id, MAX_REQUEST_ID) {
                let message = "must be 1 to 128 visible ASCII characters";
                return Err(Failure::invalid(header::REQUEST_ID, message));
            }
            id.clone_into(&mut context.request_id);
        }
        if let Some(deadline) = get(header::DEADLINE) {
            context.deadline = deadline.parse().map_err(|_| {
                let given: String = deadline.chars().take(40).collect();
                let message = format!("{given:?} must be a whole number of Unix milliseconds");
                Failure::invalid(header::DEADLINE, message)
            })?;
        }
        // A caller is only told apart from others by it, so an invalid one is no reason to refuse.
        context.caller =
            get(header::CALLER).filter(|text| is_visible(text, MAX_CALLER)).map(str::to_owned);
        if let Some(parent) = get(header::TRACEPARENT).and_then(|text| text.parse().ok()) {
            let bounded = |name| {
                get(name).filter(|value: &&str| value.len() <= MAX_BAGGAGE).map(str::to_owned)
            };
            context.trace = TraceContext {
                parent,
                state: bounded(header::TRACESTATE),
                baggage: bounded(header::BAGGAGE),
            };
        }
        Ok(context)
    }

    /// The names and values of the headers to send.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        let state = self.trace.state.clone().map(|state| (header::TRACESTATE, state));
        let baggage = self.trace.baggage.clone().map(|baggage| (header::BAGGAGE, baggage));
        let caller = self.caller.clone().map(|caller| (header::CALLER, caller));
        [
            (header::TRACEPARENT, self.trace.parent.to_string()),
            (header::REQUEST_ID, self.request_id.clone()),
            (header::DEADLINE, self.deadline.to_string()),
        ]
        .into_iter()
        .chain(caller)
        .chain(state)
        .chain(baggage)
    }

    /// The same request, passed on from a new span.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { trace: self.trace.child(), ..self.clone() }
    }

    /// The same request with the given parent span.
    #[must_use]
    pub fn with_parent(mut self, parent: TraceParent) -> Self {
        self.trace.parent = parent;
        self
    }
}

/// Whether a text has 1 to `most` visible ASCII characters.
fn is_visible(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;
    use crate::ErrorKind;

    const NOW: SystemTime = UNIX_EPOCH;
    const TIMEOUT: Duration = Duration::from_secs(5);

    fn read(headers: &HashMap<&'static str, String>) -> Result<MessageContext, Failure> {
        MessageContext::read(|name| headers.get(name).map(String::as_str), NOW, TIMEOUT)
    }

    #[test]
    fn a_message_without_headers_gets_them() {
        let context = read(&HashMap::new()).unwrap();
        assert_eq!(context.deadline, Deadline::from_unix_ms(5_000));
        assert!(!context.request_id.is_empty());
        assert_ne!(context.trace.parent, read(&HashMap::new()).unwrap().trace.parent);
    }

    #[test]
    fn a_wrong_deadline_or_request_id_is_refused_and_not_replaced() {
        for (name, value) in [
            (header::DEADLINE, "soon"),
            (header::DEADLINE, "-1"),
            (header::REQUEST_ID, ""),
            (header::REQUEST_ID, "two words"),
        ] {
            let failure = read(&HashMap::from([(name, value.to_owned())])).unwrap_err();
            assert_eq!(failure.kind, ErrorKind::InvalidArgument);
            assert_eq!(failure.field, name);
        }
    }

    #[test]
    fn a_wrong_traceparent_starts_a_new_trace_without_the_old_baggage() {
        let headers = HashMap::from([
            (header::TRACEPARENT, "00-zz".to_owned()),
            (header::BAGGAGE, "tenant=acme".to_owned()),
        ]);
        assert_eq!(read(&headers).unwrap().trace.baggage, None);
    }

    #[test]
    fn a_caller_that_cannot_be_a_name_is_left_out() {
        for caller in ["", "two words", &"x".repeat(129)] {
            let headers = HashMap::from([(header::CALLER, caller.to_owned())]);
            assert_eq!(read(&headers).unwrap().caller, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_is_read(
            id in "[!-~]{1,128}", ms: u64, trace in 1u128.., span in 1u64..,
            state in proptest::option::of("[a-z=,]{1,40}"),
            caller in proptest::option::of("[!-~]{1,128}"),
        ) {
            let context = MessageContext {
                request_id: id,
                deadline: Deadline::from_unix_ms(ms),
                caller,
                trace: TraceContext {
                    parent: TraceParent::from_ids(trace, span, 1).unwrap(),
                    baggage: state.clone().map(|s| format!("b{s}")),
                    state,
                },
            };
            let headers: HashMap<_, _> = context.pairs().collect();
            prop_assert_eq!(read(&headers), Ok(context));
        }
    }
}
