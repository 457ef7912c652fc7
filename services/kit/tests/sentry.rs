//! Error lines as Sentry events. A process of its own: Sentry's client and the log are global.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime},
};

use ocelli_kit::{
    config::{Secret, TelemetryConfig},
    telemetry::{self, Origin, TelemetryError, request_span},
};
use ocelli_messages::MessageContext;

/// Reads one HTTP request and answers 200.
fn accept_one(mut stream: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    stream.write_all(answer).unwrap();
    Some(String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn an_error_line_is_one_event_with_the_ids_of_its_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (sender, envelopes) = mpsc::sync_channel(64);
    thread::spawn(move || {
        for stream in listener.incoming() {
            if let Some(body) = accept_one(stream.unwrap()) {
                sender.send(body).unwrap();
            }
        }
    });
    let config = TelemetryConfig {
        sentry_dsn: Some(Secret::new(format!("http://key@{addr}/1"))),
        environment: "staging".to_owned(),
        ..TelemetryConfig::default()
    };
    let telemetry = telemetry::init(&config, "test", "1.2.3").unwrap();
    let again = telemetry::init(&TelemetryConfig::default(), "test", "1.2.3");
    assert!(matches!(again, Err(TelemetryError::Twice(_))), "{again:?}");

    let mut context = MessageContext::new(SystemTime::now(), Duration::from_secs(5));
    request_span("images.process", &mut context, Origin::Caller).in_scope(|| {
        tracing::warn!("what came before");
        tracing::error!(panic = "index out of bounds", "sent by the panic hook");
        tracing::error!("the device is gone");
    });
    telemetry.shutdown();

    let first = envelopes.recv_timeout(ocelli_testkit::PATIENCE).unwrap();
    for part in [
        "the device is gone",
        "what came before",
        "test@1.2.3",
        "staging",
        &context.request_id,
        &format!("{:032x}", context.trace.parent.trace_id()),
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    // Shutdown has sent everything there was.
    let more: Vec<String> = envelopes.try_iter().collect();
    assert_eq!(more, [""; 0]);
}
