//! Starts real servers.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use ocelli_nats_server::{NatsServer, ServerError, ServerOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};

#[tokio::test]
async fn it_starts_answers_and_stops() {
    let server = NatsServer::start(&ServerOptions::default()).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    assert_eq!(client.server_info().max_payload, 16 * 1024 * 1024);
    let pid = server.pid().unwrap();
    server.stop().await;
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test]
async fn a_taken_port_is_said() {
    let first = NatsServer::start(&ServerOptions::default()).await.unwrap();
    let options = ServerOptions { port: first.port(), ..ServerOptions::default() };
    let error = NatsServer::start(&options).await.unwrap_err();
    assert!(matches!(error, ServerError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn a_missing_program_is_said() {
    let options =
        ServerOptions { binary: Some("/nowhere/nats".into()), ..ServerOptions::default() };
    let error = NatsServer::start(&options).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/nats"), "{error}");
}

/// A client that is frozen keeps its connection open and answers no ping.
#[tokio::test]
async fn a_client_that_answers_no_ping_is_disconnected_within_five_seconds() {
    const PROMISE: Duration = Duration::from_secs(5);
    let server = NatsServer::start(&ServerOptions::default()).await.unwrap();
    let mut silent = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    silent.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n").await.unwrap();
    let start = Instant::now();
    let mut said = String::new();
    timeout(PROMISE, silent.read_to_string(&mut said)).await.unwrap().unwrap();
    println!("disconnected after {} ms", start.elapsed().as_millis());
    assert!(said.contains("Stale Connection"), "{said}");
}
