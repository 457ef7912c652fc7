//! Starts real servers.

#![allow(clippy::unwrap_used)]

use ocelli_nats_server::{NatsServer, ServerError, ServerOptions};

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
