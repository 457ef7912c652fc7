//! Mutated input for the gateway's parsers: forms, queries and headers.
//!
//! The mutations are the same in each run. `OCELLI_FUZZ_SECONDS=60` goes on for that long per
//! parser.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use ocelli_ingest::{multipart, query::Parameters};
use ocelli_messages::{Failure, Limits, MessageContext, header};
use ocelli_testkit::fuzz::Fuzz;
use prost::Message as _;

/// A refusal that is fit to be sent: it says something, and not without end.
fn is_fit(failure: &Failure) {
    assert!(!failure.message.is_empty());
    let bytes = failure.to_wire("id").encoded_len();
    assert!(bytes < 8 * 1024, "{bytes} bytes: {failure}");
}

#[test]
fn forms() {
    let corpus: &[&[u8]] = &[
        b"--XX--",
        b"--XX\r\nContent-Disposition: form-data; name=filter\r\n\r\nblur\r\n--XX--\r\n",
        b"before\r\n--XX \t\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a;b.png\"\r\n\
          Content-Type: image/png\r\n\r\n\x89PNG\r\n--X\r\n--XX\r\n\
          Content-Disposition: form-data; name=\"format\"\r\n\r\npng\r\n--XX--after",
    ];
    let words = &[
        "\r\n",
        "--",
        "--XX",
        "\r\n--XX\r\n",
        "\r\n--XX--",
        "\r\n\r\n",
        "Content-Disposition: form-data; name=a",
        "name=\"",
        "name*=UTF-8''%e4",
        "\\\"",
        ";",
    ];
    Fuzz::new("HTTP form", corpus.iter().copied())
        .words(words)
        .run(|input| match multipart::parse("XX", Bytes::copy_from_slice(input)) {
            Ok(parts) => {
                assert!(parts.len() <= 64);
                let bytes: usize = parts.iter().map(|part| part.data.len()).sum();
                assert!(bytes <= input.len(), "{bytes} bytes out of {}", input.len());
                for part in &parts {
                    assert!(
                        part.data.is_empty()
                            || input.windows(part.data.len()).any(|w| w == part.data),
                        "{part:?} is not in the body",
                    );
                }
                true
            }
            Err(failure) => {
                is_fit(&failure);
                assert_eq!(failure.field, "body");
                false
            }
        })
        .unwrap();
}

#[test]
fn queries() {
    let corpus: &[&[u8]] = &[
        b"",
        b"filter=blur%3Asigma%3D2&filter=gray+scale&format=png",
        b"filter=redact:boxes=1 2 3 4;5 6 7 8&quality=90&format=jpeg&timeout_ms=250",
        b"width=640&height=480&pixel_format=nv12&stride=700&accelerator=cuda&format=raw&output_pixel_format=rgb8",
    ];
    let words = &[
        "&",
        "=",
        "%",
        "%00",
        "%ff",
        "+",
        ",",
        ":",
        "filter=",
        "format=raw",
        "quality=101",
        "width=4294967296",
        "height=0",
        "-1",
        "pixel_format=i420",
        "timeout_ms=0",
        "&timeout_ms=18446744073709551616",
        "&timeout_ms=600000",
        "&&",
        "ä",
    ];
    let limits = Limits::default();
    Fuzz::new("HTTP query", corpus.iter().copied())
        .words(words)
        .run(|input| {
            let query = String::from_utf8_lossy(input);
            let read = Parameters::from_query(&query).and_then(|read| read.image_request(&limits));
            match read {
                Ok(request) => {
                    assert!(request.pipeline.steps.len() <= limits.max_steps);
                    let most = Duration::from_secs(600);
                    assert!(request.timeout.is_none_or(|t| !t.is_zero() && t <= most), "{query}");
                    let whole = request.raw.is_none_or(|raw| raw.width > 0 && raw.height > 0);
                    assert!(whole, "{query}");
                    true
                }
                Err(failure) => {
                    is_fit(&failure);
                    false
                }
            }
        })
        .unwrap();
}

#[test]
fn headers() {
    // One header a line, as they come off the wire.
    let corpus: &[&[u8]] = &[
        b"",
        b"Ocelli-Request-Id:my-request-1\nOcelli-Deadline:99999999999999",
        b"traceparent:00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\ntracestate:vendor=1,b=2\nbaggage:user=7",
    ];
    let words = &[
        "\n",
        "Ocelli-Request-Id:",
        "Ocelli-Deadline:",
        "Ocelli-Caller:",
        "traceparent:",
        "00-",
        "-01",
        "\nOcelli-Deadline:18446744073709551616\n",
        "\nOcelli-Request-Id:two words\n",
        "-1",
        "\u{fffd}",
        " ",
    ];
    let now = SystemTime::now();
    Fuzz::new("message context", corpus.iter().copied())
        .words(words)
        .run(|input| {
            let text = String::from_utf8_lossy(input);
            let find = |name: &str| {
                let mut lines = text.lines().filter_map(|line| line.split_once(':'));
                lines.find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            };
            match MessageContext::read(find, now, Duration::from_secs(1)) {
                Ok(context) => {
                    assert!(!context.request_id.is_empty());
                    // What is passed on can be read again, and means the same.
                    let passed_on: Vec<_> = context.pairs().collect();
                    let again = |name: &str| {
                        let mut pairs = passed_on.iter();
                        pairs.find(|(is, _)| *is == name).map(|(_, value)| value.as_str())
                    };
                    let again = MessageContext::read(again, now, Duration::from_secs(1)).unwrap();
                    assert_eq!(again.request_id, context.request_id);
                    assert_eq!(again.deadline, context.deadline);
                    assert!(
                        again.caller.is_none_or(|caller| caller.len() <= 128),
                        "{}",
                        header::CALLER
                    );
                    true
                }
                Err(failure) => {
                    is_fit(&failure);
                    false
                }
            }
        })
        .unwrap();
}
