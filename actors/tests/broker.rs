//! Connections to a real broker, and what happens when it goes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_actors::broker::{Connection, ConnectionOptions, Outgoing};
use ocelli_messages::{Deadline, ErrorKind, Failure, MessageContext, Tenant, subjects};
use ocelli_nats_server::ServerOptions;
use ocelli_testkit::{Broker, PATIENCE, connect, open, patiently};

async fn ask(connection: &Connection, within: Duration) -> Result<Bytes, Failure> {
    let context = MessageContext::new(SystemTime::now(), within);
    let subject = subjects::FILTER_LIST.of(&Tenant::default());
    let answer = connection.request(&subject, &context, Bytes::new());
    patiently("the end of a request", answer).await.unwrap()
}

#[tokio::test]
async fn without_a_broker_a_request_fails_at_once_and_not_after_its_timeout() {
    let connection = open("nats://127.0.0.1:1").await.unwrap();
    let failure = ask(&connection, Duration::MAX).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unavailable);
    assert!(failure.retry_after.is_some());
}

#[tokio::test]
async fn without_a_worker_a_request_fails_at_once_and_not_after_its_timeout() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    let failure = ask(&connection, Duration::from_hours(1)).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unavailable);
    assert!(failure.message.contains("no worker"), "{failure}");
}

#[tokio::test]
async fn a_request_that_waits_when_the_broker_goes_fails_and_the_next_one_works() {
    let mut broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    let worker = broker.connect().await.unwrap();
    let subject = subjects::FILTER_LIST.of(&Tenant::default()).to_string();
    let mut requests = worker.client().subscribe(subject).await.unwrap();
    worker.barrier().await.unwrap();
    let (failure, ()) = tokio::join!(ask(&connection, Duration::from_hours(1)), async {
        requests.next().await.unwrap();
        broker.stop().await;
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Unavailable);
    assert!(failure.message.contains("broke"), "{failure}");

    let generation = connection.link().generation;
    broker.restart().await.unwrap();
    patiently("both connections", async { tokio::join!(connection.up(), worker.up()) })
        .await
        .unwrap();
    assert_eq!(connection.link().generation, generation + 1);
    worker.barrier().await.unwrap();
    let (answer, ()) = tokio::join!(ask(&connection, PATIENCE), async {
        let request = requests.next().await.unwrap();
        worker.client().publish(request.reply.unwrap(), "again".into()).await.unwrap();
    });
    assert_eq!(answer.unwrap(), Bytes::from_static(b"again"));
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_at_the_deadline() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    let subject = subjects::FILTER_LIST.of(&Tenant::default()).to_string();
    let _silent = connection.client().subscribe(subject).await.unwrap();
    connection.barrier().await.unwrap();
    let failure = ask(&connection, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::DeadlineExceeded);

    let mut past = MessageContext::new(SystemTime::now(), PATIENCE);
    past.deadline = Deadline::from_unix_ms(1);
    let subject = subjects::FILTER_LIST.of(&Tenant::default());
    let failure = connection.request(&subject, &past, Bytes::new()).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::DeadlineExceeded);
}

#[tokio::test]
async fn a_request_over_the_brokers_limit_is_too_large() {
    let options = ServerOptions { max_payload: 1024, ..ServerOptions::default() };
    let broker = Broker::start_with(options).await.unwrap();
    let connection = broker.connect().await.unwrap();
    let context = MessageContext::new(SystemTime::now(), PATIENCE);
    let subject = subjects::FILTER_LIST.of(&Tenant::default());
    let large = Bytes::from(vec![0; 2048]);
    let failure = connection.request(&subject, &context, large).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::TooLarge);
    assert!(failure.message.contains("1024"), "{failure}");
}

#[tokio::test]
async fn a_url_that_is_none_is_said() {
    let options = ConnectionOptions {
        url: "::".into(),
        name: "x".into(),
        subscription_capacity: 1,
        outgoing: Outgoing::default(),
    };
    let failure = Connection::open(options).await.unwrap_err();
    assert_eq!((failure.kind, failure.field.as_str()), (ErrorKind::InvalidArgument, "broker.url"));
}

#[tokio::test]
async fn a_closed_connection_is_down_for_good() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    connection.close().await;
    assert!(!connection.link().up);
    connection.close().await;
}

#[tokio::test]
async fn credentials_in_the_url_are_used() {
    let extra = "authorization { user: me, password: secret }".into();
    let broker = Broker::start_with(ServerOptions { extra, ..ServerOptions::default() });
    let broker = broker.await.unwrap();
    let connection = connect(&broker.url_as("me", "secret")).await.unwrap();
    connection.barrier().await.unwrap();
}

#[tokio::test]
async fn refused_logins_are_counted_and_an_absent_broker_is_not_one() {
    let extra = "authorization { user: me, password: secret }".into();
    let broker = Broker::start_with(ServerOptions { extra, ..ServerOptions::default() });
    let mut broker = broker.await.unwrap();
    let connection = open(&broker.url_as("me", "wrong")).await.unwrap();
    let failure = patiently("three refusals", connection.login_refused(3)).await.unwrap();
    assert_eq!((failure.kind, failure.field.as_str()), (ErrorKind::PermissionDenied, "broker.url"));
    assert!(!connection.link().up);

    let accepted = connect(&broker.url_as("me", "secret")).await.unwrap();
    broker.restart().await.unwrap();
    patiently("the connection", accepted.up()).await.unwrap();
    assert_eq!(*accepted.refused_logins().borrow(), 0);
}
