//! The middleware around every route: it gives a request its id, its tenant and its place in a
//! trace, opens its span, and counts it.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use actix_web::{
    Error, HttpMessage as _,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
};
use bytes::Bytes;
use ocelli_actors::{
    metrics::{counter, histogram},
    trace,
};
use ocelli_kit::{
    problem,
    telemetry::{Origin, request_span},
};
use ocelli_messages::{MessageContext, Tenant, TraceParent, header};
use tokio::time::Instant;
use tracing::{Instrument as _, debug};

use crate::{
    connection::{InHand, Link},
    metrics::Metric,
    routes::Route,
};

/// The deadline of a request whose caller states none. It is later than any deadline that the
/// gateway sets, so that only a deadline of the caller's own comes before that one.
const NO_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

const REQUEST_ID: HeaderName = HeaderName::from_static("ocelli-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static(header::TRACEPARENT);

/// What the gateway knows of a request before its handler reads it.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// The request's id, trace and deadline, as its headers state them. Without a deadline in the
    /// headers it is a day away.
    pub(crate) context: MessageContext,
    /// When the request's head arrived.
    pub(crate) arrived: Instant,
    /// The row of the route table that the request matched.
    pub(crate) route: &'static Route,
    /// The tenant that the request belongs to. Handlers send work on this tenant's subjects only.
    /// Nothing in the request chooses it.
    pub(crate) tenant: Tenant,
}

impl Scope {
    pub(crate) fn request_id(&self) -> &str {
        &self.context.request_id
    }
}

/// Runs the handler of `route` within the span of the request, with a [`Scope`] for
/// [`ReqData`](actix_web::web::ReqData) to find.
pub(crate) async fn scope(
    route: &'static Route,
    tenant: Tenant,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut counted = Counted { route, arrived: Instant::now(), status: CLIENT_GONE };
    let link = request.conn_data::<Rc<Link>>().cloned();
    let in_hand = link.as_ref().map(Link::begin);
    let now = SystemTime::now();
    let headers = request.headers();
    let read = MessageContext::read(|name| text(headers, name), now, NO_DEADLINE);
    let mut context =
        read.as_ref().cloned().unwrap_or_else(|_| MessageContext::new(now, NO_DEADLINE));
    // It is the gateway that says who calls, and not the client.
    context.caller = request.peer_addr().map(|peer| peer.ip().to_canonical().to_string());
    let traced =
        text(headers, header::TRACEPARENT).is_some_and(|text| text.parse::<TraceParent>().is_ok());
    let origin = if traced { Origin::Caller } else { Origin::Here };
    let span = request_span(route.span, &mut context, origin);
    let scope = Scope { context, arrived: counted.arrived, route, tenant };
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
    if link.is_some_and(|link| link.draining()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response.map_body(|_, body| match in_hand {
        Some(in_hand) => BoxBody::new(Tracked { body, in_hand }),
        None => body,
    }))
}

/// The body of an answer, which ends when the client's system has, or is about to have, the last
/// byte. Until then the request is in hand, and what the body holds stays.
struct Tracked {
    body: BoxBody,
    in_hand: InHand,
}

impl MessageBody for Tracked {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let next = ready!(Pin::new(&mut this.body).poll_next(context));
        if next.is_none() {
            ready!(this.in_hand.poll_sent());
        }
        Poll::Ready(next)
    }
}

/// A header as text. A value that is not ASCII becomes a text that every check refuses, so that it
/// does not pass for a missing header. Headers that are only passed on are left out instead.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str();
    let passed_on = name == header::TRACESTATE || name == header::BAGGAGE;
    if passed_on { text.ok() } else { Some(text.unwrap_or("\u{fffd}")) }
}

/// The status that is counted where the client went away before its answer; nginx uses it too.
const CLIENT_GONE: u16 = 499;

/// Counts a request when it ends, also where the client has gone and nobody is answered.
struct Counted {
    route: &'static Route,
    arrived: Instant,
    status: u16,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let route = self.route.pattern;
        counter(Metric::HttpRequests, &[route, status_label(self.status)]).increment(1);
        histogram(Metric::HttpSeconds, &[route]).record(self.arrived.elapsed());
    }
}

macro_rules! status_labels {
    ($($status:literal)+) => {
        /// The value of the metric label `status`, which is a closed list: the statuses that the
        /// gateway answers with, and those of protocols that its routes may speak.
        const fn status_label(status: u16) -> &'static str {
            match status {
                $($status => stringify!($status),)+
                _ => "other",
            }
        }
    };
}

status_labels! {
    101
    200 201 202 204 206
    304
    400 401 403 404 405 406 408 409 410 412 413 415 416 422 429 499
    500 501 502 503 504
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, HttpResponse,
        middleware::from_fn,
        test::{TestRequest, call_service, init_service},
        web,
    };
    use ocelli_messages::ErrorKind;
    use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::routes::UNKNOWN;

    /// Answers with the trace and the span that it runs in.
    async fn where_am_i() -> HttpResponse {
        let context = Span::current().context();
        let context = context.span().span_context().clone();
        HttpResponse::Ok().body(format!("{} {}", context.trace_id(), context.span_id()))
    }

    /// The `traceparent` of an answer, and the trace and the span that the handler ran in.
    async fn traced(traceparent: Option<&str>) -> (TraceParent, String) {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let scope = from_fn(|request, next| scope(&UNKNOWN, Tenant::default(), request, next));
        let app = App::new().default_service(web::to(where_am_i).wrap(scope));
        let app = init_service(app).await;
        let mut request = TestRequest::default();
        if let Some(parent) = traceparent {
            request = request.insert_header((TRACEPARENT, parent));
        }
        let response = call_service(&app, request.to_request()).await;
        let parent = response.headers().get(TRACEPARENT).unwrap();
        let parent = parent.to_str().unwrap().parse().unwrap();
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        (parent, String::from_utf8(body.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn the_span_of_a_request_is_in_the_callers_trace_and_is_what_the_answer_names() {
        let callers: TraceParent =
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let (answered, ran_in) = traced(Some(&callers.to_string())).await;
        assert_eq!(answered.trace_id(), callers.trace_id());
        assert_ne!(answered.span_id(), callers.span_id());
        assert_eq!(ran_in, format!("{:032x} {:016x}", answered.trace_id(), answered.span_id()));
    }

    #[actix_web::test]
    async fn a_request_without_a_trace_starts_one_and_the_answer_names_it() {
        for traceparent in [None, Some("no traceparent")] {
            let (answered, ran_in) = traced(traceparent).await;
            let expected = format!("{:032x} {:016x}", answered.trace_id(), answered.span_id());
            assert_eq!(ran_in, expected);
        }
    }

    #[test]
    fn every_status_that_the_gateway_answers_with_has_a_label_of_its_own() {
        let errors = ErrorKind::ALL.map(ErrorKind::http_status);
        for status in
            [101, 200, 201, 202, 204, 206, 304, 405, CLIENT_GONE].into_iter().chain(errors)
        {
            assert_eq!(status_label(status), status.to_string());
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
