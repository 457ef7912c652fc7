//! Tests of what is logged and exported, and that a broken receiver does no harm.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use ocelli_actors::trace::outgoing;
use ocelli_messages::MessageContext;
use ocelli_testkit::PATIENCE;
use serde_json::Value;
use tracing::{Span, subscriber::with_default};

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn output(&self, json: bool) -> Output {
        let lines = self.clone();
        Output { json, ansi: false, writer: BoxMakeWriter::new(move || lines.clone()) }
    }
}

fn context() -> MessageContext {
    MessageContext::new(SystemTime::now(), Duration::from_secs(5))
}

fn hex(context: &MessageContext) -> String {
    format!("{:032x}", context.trace.parent.trace_id())
}

/// The lines that `work` logs under the given filter.
fn logged(json: bool, filter: &str, work: impl FnOnce()) -> String {
    let config = TelemetryConfig { log_filter: filter.to_owned(), ..TelemetryConfig::default() };
    let lines = Lines::default();
    let (subscriber, _telemetry) = build(&config, "test", "1.0", lines.output(json)).unwrap();
    with_default(subscriber, work);
    lines.text()
}

#[test]
fn every_json_line_in_a_request_shows_its_ids_at_the_top() {
    let mut context = context();
    let text = logged(true, "info", || {
        request_span("images.process", &mut context, Origin::Caller).in_scope(|| {
            tracing::info_span!("decode", codec = "png").in_scope(|| {
                tracing::info!(bytes = 7, "decoded");
                tracing::info!(request_id = "its own", "about another");
            });
        });
        tracing::warn!(request_id = "other", "elsewhere");
    });
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len(), 3, "{text}");
    let line = &lines[0];
    assert_eq!(line["trace_id"], hex(&context));
    assert_eq!(line["request_id"], context.request_id);
    assert_eq!(line["message"], "decoded");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["service"], "test");
    assert_eq!(line["fields"], serde_json::json!({ "bytes": 7 }));
    let span =
        serde_json::json!({ "name": "decode", "codec": "png", "endpoint": "images.process" });
    assert_eq!(line["span"], span);
    assert_eq!(lines[1]["request_id"], "its own");
    assert_eq!(lines[2]["request_id"], "other");
    assert_eq!(lines[2].get("trace_id"), None);
}

#[test]
fn a_pretty_line_shows_them_too() {
    let mut context = context();
    let text = logged(false, "info", || {
        request_span("images.process", &mut context, Origin::Here)
            .in_scope(|| tracing::info!(bytes = 7, "decoded"));
    });
    for part in [
        &format!("trace_id={}", hex(&context)),
        &format!("request_id={}", context.request_id),
        "decoded",
        "bytes=7",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("otel."), "{text}");
}

#[test]
fn a_strict_filter_hides_events_but_not_the_ids_of_the_others() {
    for json in [true, false] {
        let mut context = context();
        let text = logged(json, "warn", || {
            request_span("images.process", &mut context, Origin::Caller).in_scope(|| {
                tracing::info!("hidden");
                tracing::warn!("shown");
            });
        });
        assert!(!text.contains("hidden"), "{text}");
        assert!(text.contains("shown") && text.contains(&context.request_id), "{text}");
        assert!(text.contains(&hex(&context)), "{text}");
    }
}

#[test]
fn a_target_can_be_louder_than_the_rest() {
    let text = logged(true, "warn,loud=debug", || {
        tracing::debug!(target: "loud", "shown");
        tracing::debug!(target: "quiet", "hidden");
        tracing::info!(target: "quiet", "hidden");
    });
    assert_eq!((text.lines().count(), text.contains("hidden")), (1, false), "{text}");
}

#[test]
fn a_wrong_filter_or_dsn_is_an_error_that_keeps_the_secret() {
    let lines = Lines::default();
    let config = TelemetryConfig { log_filter: "=[".to_owned(), ..TelemetryConfig::default() };
    let error = build(&config, "test", "1.0", lines.output(true)).map(|_| ()).unwrap_err();
    assert!(matches!(error, TelemetryError::Filter(_)), "{error}");
    let dsn = Some(crate::config::Secret::new("hunter2"));
    let config = TelemetryConfig { sentry_dsn: dsn, ..TelemetryConfig::default() };
    let error = build(&config, "test", "1.0", lines.output(true)).map(|_| ()).unwrap_err();
    assert!(matches!(error, TelemetryError::SentryDsn), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn without_opentelemetry_the_callers_trace_is_passed_on() {
    let mut given = context();
    logged(true, "info", || {
        let before = given.clone();
        let span = request_span("images.process", &mut given, Origin::Caller);
        assert_eq!(given, before);
        let sent = outgoing(&span, &given);
        assert_eq!(sent.trace.parent.trace_id(), before.trace.parent.trace_id());
        assert_ne!(sent.trace.parent.span_id(), before.trace.parent.span_id());
    });
}

/// Reads one HTTP request and answers it with status 200.
fn accept_one(mut stream: TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok((head, body))
}

fn traced(endpoint: &str, ratio: f64, work: impl FnOnce()) -> Telemetry {
    let config = TelemetryConfig {
        otlp_endpoint: Some(endpoint.to_owned()),
        sample_ratio: ratio,
        ..TelemetryConfig::default()
    };
    let output = Lines::default().output(true);
    let (subscriber, telemetry) = build(&config, "test", "1.0", output).unwrap();
    with_default(subscriber, work);
    telemetry
}

/// Shuts telemetry down, which must return in time whatever the state of the receiver.
fn shut_down(telemetry: Telemetry) {
    let (done, finished) = mpsc::sync_channel(1);
    thread::spawn(move || {
        telemetry.shutdown();
        done.send(()).unwrap();
    });
    finished.recv_timeout(PATIENCE).expect("shutdown did not come back");
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_collector_gets_the_span_in_the_callers_trace() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::sync_channel(8);
    thread::spawn(move || {
        for stream in listener.incoming() {
            sender.send(accept_one(stream.unwrap()).unwrap()).unwrap();
        }
    });
    let mut context = context();
    let mut sent = None;
    // With ratio 0, the span is still sampled, because the caller has decided so.
    let telemetry = traced(&endpoint, 0.0, || {
        request_span("images.process", &mut context, Origin::Caller).in_scope(|| {
            sent = Some(outgoing(&Span::current(), &context));
        });
        request_span("not sampled", &mut self::context(), Origin::Here).in_scope(|| {});
    });
    shut_down(telemetry);
    let (head, body) = requests.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
    let (parent, sent) = (context.trace.parent, sent.unwrap().trace.parent);
    assert_eq!(sent.trace_id(), parent.trace_id());
    assert_ne!(sent.span_id(), parent.span_id());
    assert!(contains(&body, &parent.trace_id().to_be_bytes()), "the trace");
    assert!(contains(&body, &parent.span_id().to_be_bytes()), "the caller's span as parent");
    assert!(contains(&body, &sent.span_id().to_be_bytes()), "our span, which we sent on");
    assert!(contains(&body, b"images.process"));
    assert!(contains(&body, b"service.name"));
    assert!(!contains(&body, b"not sampled"));
}

#[test]
fn where_a_trace_starts_here_our_sampler_decides() {
    for (ratio, flags) in [(0.0, 0), (1.0, 1)] {
        let mut context = context();
        let before = hex(&context);
        let telemetry = traced("http://127.0.0.1:1", ratio, || {
            let span = request_span("images.process", &mut context, Origin::Here);
            assert_ne!(hex(&context), before, "the trace of the span");
            assert_eq!(outgoing(&span, &context).trace.parent, context.trace.parent);
        });
        assert_eq!(context.trace.parent.flags(), flags, "{ratio}");
        shut_down(telemetry);
    }
}

#[test]
fn a_dead_or_silent_collector_neither_stops_the_work_nor_the_shutdown() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for addr in [silent.local_addr().unwrap(), closed] {
        let mut done = 0;
        let telemetry = traced(&format!("http://{addr}"), 1.0, || {
            // More spans than the queue of the exporter holds.
            for _ in 0..5_000 {
                request_span("images.process", &mut context(), Origin::Here).in_scope(|| done += 1);
            }
        });
        assert_eq!(done, 5_000);
        shut_down(telemetry);
    }
}

#[tokio::test]
async fn telemetry_starts_and_ends_inside_a_runtime() {
    let telemetry = traced("http://127.0.0.1:1", 1.0, || {
        request_span("images.process", &mut context(), Origin::Here).in_scope(|| {});
    });
    telemetry.shutdown();
}
