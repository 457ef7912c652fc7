//! Errors over HTTP, as `application/problem+json` (RFC 9457).

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER},
    },
};
use ocelli_messages::{ErrorKind, Failure, header};
use serde::Serialize;

/// The media type of every error.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// The body of an error response.
#[derive(Clone, Debug, Serialize)]
pub struct Details {
    /// The type of the problem, which contains the kind: `urn:ocelli:problem:<kind>`.
    pub r#type: String,
    /// The kind of error in words, such as `Invalid argument`.
    pub title: String,
    /// The HTTP status of the response.
    pub status: u16,
    /// What was wrong with this request.
    pub detail: String,
    /// The name of the kind of error, such as `invalid_argument`.
    pub kind: &'static str,
    /// The field of the request that is at fault; empty if no single field is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// The allowed values; empty if they cannot be listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// How long to wait before a retry, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The id of the request, which its log lines and traces contain too.
    pub request_id: String,
}

impl Details {
    /// The body that describes `failure`.
    #[must_use]
    pub fn new(failure: &Failure, request_id: &str) -> Self {
        Self {
            r#type: format!("urn:ocelli:problem:{}", failure.kind),
            title: title(failure.kind),
            status: failure.kind.http_status(),
            detail: failure.message.clone(),
            kind: failure.kind.as_str(),
            field: failure.field.clone(),
            allowed: failure.allowed.clone(),
            retry_after_ms: failure
                .retry_after
                .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1)),
            request_id: request_id.to_owned(),
        }
    }
}

fn title(kind: ErrorKind) -> String {
    let words = kind.as_str().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The response that describes `failure`, with the header `Retry-After` if the failure suggests a
/// retry.
#[must_use]
pub fn response(failure: &Failure, request_id: &str) -> HttpResponse {
    respond(&Details::new(failure, request_id), failure.retry_after)
}

/// The response 404 to a request for a path that has no route.
#[must_use]
pub fn not_found(path: &str, request_id: &str) -> HttpResponse {
    let path: String = path.chars().take(200).collect();
    response(&Failure::new(ErrorKind::NotFound, format!("there is no route {path}")), request_id)
}

/// The response 405 to a request with a method that its path does not support; `allow` lists the
/// methods that it does.
#[must_use]
pub fn method_not_allowed(method: &str, allow: &[&str], request_id: &str) -> HttpResponse {
    let method: String = method.chars().take(40).collect();
    let message = format!("the method {method} is not allowed here");
    let failure = Failure::new(ErrorKind::Unsupported, message).at("method");
    let details = Details {
        status: StatusCode::METHOD_NOT_ALLOWED.as_u16(),
        ..Details::new(&failure.allow(allow.iter().copied()), request_id)
    };
    let mut response = respond(&details, None);
    if let Ok(allow) = HeaderValue::from_str(&allow.join(", ")) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

fn respond(details: &Details, retry_after: Option<Duration>) -> HttpResponse {
    let status = StatusCode::from_u16(details.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    if let Some(after) = retry_after {
        // Rounded up, because a client that retries too early only adds load.
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        builder.insert_header((RETRY_AFTER, seconds.max(1)));
    }
    // A request id that is not a valid header value is only in the body.
    let name = header::REQUEST_ID.to_ascii_lowercase();
    if let (Ok(name), Ok(id)) =
        (HeaderName::try_from(name), HeaderValue::from_str(&details.request_id))
    {
        builder.insert_header((name, id));
    }
    builder.insert_header(("cache-control", "no-store"));
    // `json` keeps a content type that was set before.
    builder.content_type(CONTENT_TYPE).json(details)
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;

    fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[actix_web::test]
    async fn every_kind_has_its_status_and_its_type() {
        for kind in ErrorKind::ALL {
            let response = response(&Failure::new(kind, "why"), "req-1");
            assert_eq!(response.status().as_u16(), kind.http_status(), "{kind}");
            assert_eq!(header(&response, "content-type"), Some(CONTENT_TYPE));
            assert_eq!(header(&response, "ocelli-request-id"), Some("req-1"));
            assert_eq!(header(&response, "retry-after"), None);
            let body = to_bytes(response.into_body()).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["type"], format!("urn:ocelli:problem:{kind}"));
            assert_eq!(body["status"], kind.http_status());
        }
    }

    #[actix_web::test]
    async fn the_body_says_where_what_and_when() {
        let failure = Failure::overloaded("no credit", Duration::from_millis(1_250))
            .at("filter")
            .allow(["blur", "grayscale"]);
        let response = response(&failure, "req-1");
        assert_eq!(header(&response, "retry-after"), Some("2"));
        let body = to_bytes(response.into_body()).await.unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&body).unwrap(),
            json!({
                "type": "urn:ocelli:problem:overloaded", "title": "Overloaded", "status": 503,
                "detail": "no credit", "kind": "overloaded", "field": "filter",
                "allowed": ["blur", "grayscale"], "retry_after_ms": 1_250, "request_id": "req-1",
            }),
        );
    }

    #[test]
    fn retry_after_is_never_zero() {
        for (ms, seconds) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (9_999, "10")] {
            let failure = Failure::unavailable("no worker", Duration::from_millis(ms));
            assert_eq!(header(&response(&failure, "r"), "retry-after"), Some(seconds), "{ms}");
        }
    }

    #[test]
    fn a_request_id_that_is_no_header_value_spoils_nothing() {
        let response = response(&Failure::internal("bug"), "two\r\nlines");
        assert_eq!(response.status(), 500);
        assert_eq!(header(&response, "ocelli-request-id"), None);
    }

    #[test]
    fn a_wrong_method_gets_the_right_ones() {
        let response = method_not_allowed("DELETE", &["GET", "HEAD"], "r");
        assert_eq!(response.status(), 405);
        assert_eq!(header(&response, "allow"), Some("GET, HEAD"));
    }

    #[test]
    fn titles_are_words() {
        assert_eq!(title(ErrorKind::InvalidArgument), "Invalid argument");
    }
}
