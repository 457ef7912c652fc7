//! What every HTTP request gets: an id, a place in a trace, a span, and to be counted.

use std::time::{Duration, SystemTime};

use actix_web::{
    Error, HttpMessage as _,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use ocelli_actors::{
    metrics::{Metric, counter, gauge, histogram},
    trace,
};
use ocelli_kit::{
    problem,
    telemetry::{Origin, request_span},
};
use ocelli_messages::{MessageContext, TraceParent, header};
use tokio::time::Instant;
use tracing::{Instrument as _, debug};

use crate::routes::Route;

/// Longer than any deadline that a request can have: what is left of it is the caller's own.
const NO_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

const REQUEST_ID: HeaderName = HeaderName::from_static("ocelli-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static(header::TRACEPARENT);

/// Of one request: whose it is, and since when it is here.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// As the headers say; the deadline is the caller's, or a day away.
    pub(crate) context: MessageContext,
    /// When its head had arrived.
    pub(crate) arrived: Instant,
    /// Where it goes.
    pub(crate) route: Route,
}

impl Scope {
    /// Its id.
    pub(crate) fn request_id(&self) -> &str {
        &self.context.request_id
    }
}

/// The middleware around every route.
pub(crate) async fn scope(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let route = Route::of(request.path());
    let mut counted = Counted {
        route,
        arrived: Instant::now(),
        status: CLIENT_GONE,
    };
    let now = SystemTime::now();
    let headers = request.headers();
    let read = MessageContext::read(|name| text(headers, name), now, NO_DEADLINE);
    let mut context = read
        .as_ref()
        .cloned()
        .unwrap_or_else(|_| MessageContext::new(now, NO_DEADLINE));
    let traced =
        text(headers, header::TRACEPARENT).is_some_and(|text| text.parse::<TraceParent>().is_ok());
    let origin = if traced { Origin::Caller } else { Origin::Here };
    let span = request_span(route.span(), &mut context, origin);
    let scope = Scope {
        context,
        arrived: counted.arrived,
        route,
    };
    let outgoing = trace::outgoing(&span, &scope.context);
    let request_id = HeaderValue::from_str(scope.request_id());
    let mut response = match read {
        Ok(_) => {
            request.extensions_mut().insert(scope);
            let answered = async {
                let response = next.call(request).await?;
                debug!(status = response.status().as_u16(), "answered");
                Ok::<_, Error>(response)
            };
            answered.instrument(span).await?
        }
        Err(failure) => request.into_response(problem::response(&failure, scope.request_id())),
    };
    counted.status = response.status().as_u16();
    let headers = response.headers_mut();
    if let Ok(id) = request_id {
        headers.insert(REQUEST_ID, id);
    }
    if let Ok(parent) = HeaderValue::from_str(&outgoing.trace.parent.to_string()) {
        headers.insert(TRACEPARENT, parent);
    }
    Ok(response)
}

/// A header as text. What is not ASCII becomes a text that no check accepts, rather than missing:
/// except for headers that are only passed on, and are better left out than changed.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str();
    let passed_on = name == header::TRACESTATE || name == header::BAGGAGE;
    if passed_on {
        text.ok()
    } else {
        Some(text.unwrap_or("\u{fffd}"))
    }
}

/// What is counted for a client that did not wait for its answer; nginx calls it so.
const CLIENT_GONE: u16 = 499;

/// Counts a request when it ends, also where the client has gone and nobody is answered.
struct Counted {
    route: Route,
    arrived: Instant,
    status: u16,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let route = self.route.path();
        counter(Metric::HttpRequests, &[route, status_label(self.status)]).increment(1);
        histogram(Metric::HttpSeconds, &[route]).record(self.arrived.elapsed());
    }
}

/// The closed list behind the label `status`.
const fn status_label(status: u16) -> &'static str {
    match status {
        200 => "200",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        405 => "405",
        409 => "409",
        413 => "413",
        415 => "415",
        429 => "429",
        CLIENT_GONE => "499",
        500 => "500",
        503 => "503",
        504 => "504",
        _ => "other",
    }
}

/// An open connection, counted for as long as it lives.
pub(crate) struct OpenConnection;

impl OpenConnection {
    pub(crate) fn new() -> Self {
        gauge(Metric::HttpConnections, &[]).increment(1);
        Self
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        gauge(Metric::HttpConnections, &[]).decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use ocelli_messages::ErrorKind;

    use super::*;

    #[test]
    fn every_status_that_an_error_has_is_in_the_list() {
        for kind in ErrorKind::ALL {
            assert_eq!(
                status_label(kind.http_status()),
                kind.http_status().to_string()
            );
        }
        assert_eq!(status_label(299), "other");
    }

    #[test]
    fn what_is_not_ascii_is_refused_or_left_out_but_not_overlooked() {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"caf\xe9").unwrap();
        headers.insert(REQUEST_ID, value.clone());
        headers.insert(HeaderName::from_static(header::BAGGAGE), value);
        assert_eq!(text(&headers, header::REQUEST_ID), Some("\u{fffd}"));
        assert_eq!(text(&headers, header::BAGGAGE), None);
        let now = SystemTime::now();
        assert!(MessageContext::read(|name| text(&headers, name), now, NO_DEADLINE).is_err());
    }
}
