//! An intake on a real broker, and what happens when it goes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_actors::broker::{
    Connection, ConnectionOptions, Intake, IntakeEvent, Outgoing, Subscription,
};
use ocelli_messages::ErrorKind;
use ocelli_nats_server::ServerOptions;
use ocelli_testkit::{Broker, Cluster, Look, look_until, patiently};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

fn intake(url: &str, subjects: &[&str]) -> Intake {
    let options = ConnectionOptions {
        url: url.to_owned(),
        name: "test".into(),
        subscription_capacity: 1,
        outgoing: Outgoing::default(),
    };
    let subscribe = |subject: &&str| Subscription { subject: (*subject).to_owned(), queue: None };
    Intake::new(&options, subjects.iter().map(subscribe).collect()).unwrap()
}

async fn next(intake: &mut Intake) -> IntakeEvent {
    patiently("an event", intake.next()).await.unwrap()
}

async fn message(intake: &mut Intake) -> (usize, async_nats::Message) {
    match next(intake).await {
        IntakeEvent::Message { subscription, message } => (subscription, message),
        event => panic!("{event:?}"),
    }
}

async fn up(url: &str, subjects: &[&str]) -> Intake {
    let mut intake = intake(url, subjects);
    let event = next(&mut intake).await;
    assert!(matches!(event, IntakeEvent::Up), "{event:?}");
    assert!(intake.watch().borrow().up);
    intake
}

async fn publish(connection: &Connection, subject: &str, payload: impl Into<Bytes>) {
    connection.client().publish(subject.to_owned(), payload.into()).await.unwrap();
}

#[tokio::test]
async fn messages_arrive_as_they_were_sent() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    let mut intake = up(&broker.url(), &["a.*", "b"]).await;
    let mut headers = HeaderMap::new();
    headers.append("A", "one");
    headers.append("A", "two");
    headers.insert("B", "");
    let client = connection.client();
    let large = Bytes::from(vec![7; 900_000]);
    client.publish_with_reply("a.x", "back", "hello".into()).await.unwrap();
    client.publish_with_headers("b", headers.clone(), large.clone()).await.unwrap();
    publish(&connection, "c", "not for us").await;
    publish(&connection, "b", "").await;

    let (subscription, read) = message(&mut intake).await;
    assert_eq!((subscription, read.subject.as_str()), (0, "a.x"));
    assert_eq!((read.reply.as_deref(), &read.payload[..]), (Some("back"), &b"hello"[..]));
    assert_eq!(read.headers, None);
    let (subscription, read) = message(&mut intake).await;
    assert_eq!((subscription, read.subject.as_str()), (1, "b"));
    assert_eq!((read.headers, read.payload), (Some(headers), large));
    let (_, read) = message(&mut intake).await;
    assert_eq!((read.payload.len(), read.headers, read.reply), (0, None, None));
}

#[tokio::test]
async fn the_members_of_a_group_share_the_messages() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    let subscription = Subscription { subject: "a".into(), queue: Some("group".into()) };
    let member = || connection.intake(vec![subscription.clone()]).unwrap();
    let (mut one, mut two) = (member(), member());
    next(&mut one).await;
    next(&mut two).await;
    for _ in 0..100 {
        publish(&connection, "a", "work").await;
    }
    let (mut by_one, mut by_two) = (0, 0);
    while by_one + by_two < 100 {
        tokio::select! {
            (0, _) = message(&mut one) => by_one += 1,
            (0, _) = message(&mut two) => by_two += 1,
        }
    }
    assert!(by_one > 0 && by_two > 0, "{by_one} + {by_two}");
}

#[tokio::test]
async fn it_comes_back_with_the_broker() {
    let mut broker = Broker::start().await.unwrap();
    let mut intake = up(&broker.url(), &["a"]).await;
    let link = intake.watch();
    broker.kill().await;
    assert!(matches!(next(&mut intake).await, IntakeEvent::Down));
    assert!(!link.borrow().up);
    broker.restart().await.unwrap();
    assert!(matches!(next(&mut intake).await, IntakeEvent::Up));
    assert_eq!((link.borrow().up, link.borrow().generation), (true, 2));
    let connection = broker.connect().await.unwrap();
    publish(&connection, "a", "again").await;
    assert_eq!(&message(&mut intake).await.1.payload[..], b"again");
}

#[tokio::test]
async fn a_broker_that_is_silent_is_down() {
    let broker = Broker::start().await.unwrap();
    let mut intake = up(&broker.url(), &["a"]).await;
    broker.freeze().await.unwrap();
    assert!(matches!(next(&mut intake).await, IntakeEvent::Down));
    broker.thaw().unwrap();
    assert!(matches!(next(&mut intake).await, IntakeEvent::Up));
}

#[tokio::test]
async fn another_server_of_the_cluster_takes_over() {
    let mut cluster = Cluster::start(3).await.unwrap();
    let urls = cluster.urls();
    let mut intake = up(&urls[0], &["a"]).await;
    cluster.kill(0).await;
    assert!(matches!(next(&mut intake).await, IntakeEvent::Down));
    assert!(matches!(next(&mut intake).await, IntakeEvent::Up));
    let connection = ocelli_testkit::connect(&urls[1]).await.unwrap();
    // The servers tell each other about subscriptions, which takes a moment.
    let look = async || {
        publish(&connection, "a", "again").await;
        let event = tokio::time::timeout(Duration::from_millis(50), intake.next()).await;
        Ok(match event {
            Ok(IntakeEvent::Message { message, .. }) => Look::Done(message),
            other => Look::not_yet(format!("{other:?}")),
        })
    };
    let (message, _) = look_until("a message arrives", look).await.unwrap();
    assert_eq!(&message.payload[..], b"again");
}

#[tokio::test]
async fn a_refused_subscription_and_a_refused_login_are_told_apart() {
    let extra = "authorization { users: [ { user: a, password: b, \
                 permissions: { subscribe: \"ok\" } } ] }";
    let options = ServerOptions { extra: extra.into(), ..ServerOptions::default() };
    let broker = Broker::start_with(options).await.unwrap();
    let mut subscriber = intake(&broker.url_as("a", "b"), &["ok", "a.b"]);
    let IntakeEvent::Refused(failure) = next(&mut subscriber).await else { panic!("not refused") };
    assert_eq!(failure.kind, ErrorKind::PermissionDenied);
    assert!(failure.message.contains("a.b"), "{failure}");
    let mut stranger = intake(&broker.url_as("a", "wrong"), &["ok"]);
    for _ in 0..2 {
        let event = next(&mut stranger).await;
        let IntakeEvent::Refused(failure) = event else { panic!("{event:?}") };
        assert_eq!(failure.kind, ErrorKind::Unauthenticated);
    }
}

#[tokio::test]
async fn what_the_broker_has_sent_is_received_before_a_drain_ends() {
    let broker = Broker::start().await.unwrap();
    let connection = broker.connect().await.unwrap();
    let mut intake = up(&broker.url(), &["a"]).await;
    for _ in 0..1_000 {
        publish(&connection, "a", "before").await;
    }
    connection.barrier().await.unwrap();
    intake.drain();
    for _ in 0..1_000 {
        assert_eq!(&message(&mut intake).await.1.payload[..], b"before");
    }
    assert!(matches!(next(&mut intake).await, IntakeEvent::Drained));
    assert!(!intake.watch().borrow().up);
    assert!(matches!(next(&mut intake).await, IntakeEvent::Drained));
}

#[tokio::test]
async fn a_drain_ends_without_a_broker() {
    let mut broker = Broker::start().await.unwrap();
    let mut connected = up(&broker.url(), &["a"]).await;
    broker.kill().await;
    connected.drain();
    assert!(matches!(next(&mut connected).await, IntakeEvent::Drained));
    let mut never = intake("nats://127.0.0.1:1", &["a"]);
    never.drain();
    assert!(matches!(next(&mut never).await, IntakeEvent::Drained));
}

#[tokio::test]
async fn a_login_is_not_sent_in_the_clear_where_tls_is_demanded() {
    let broker = Broker::start().await.unwrap();
    let url = broker.url().replace("nats://", "tls://me:secret@");
    let mut encrypted = intake(&url, &["a"]);
    let link = encrypted.watch();
    let waited = tokio::time::timeout(Duration::from_secs(1), encrypted.next()).await;
    assert!(waited.is_err(), "{waited:?}");
    assert_eq!(link.borrow().generation, 0);
}

/// Sends that many messages of that length, which were prepared before, so that receiving them is
/// most of the work.
async fn send(port: u16, subject: &str, length: usize, count: usize) {
    let line = format!("PUB {subject} {length}\r\n");
    let one = [line.as_bytes(), &vec![b'x'; length], b"\r\n"].concat();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"CONNECT {\"verbose\":false}\r\n").await.unwrap();
    for _ in 0..count {
        stream.write_all(&one).await.unwrap();
    }
    stream.write_all(b"PING\r\n").await.unwrap();
    // The broker's answer says that it has taken everything.
    let mut lines = tokio::io::BufReader::new(stream).lines();
    while lines.next_line().await.unwrap().unwrap() != "PONG" {}
}

/// Receives messages of that length in turn with both clients, and returns how many times as fast
/// as async-nats the intake is.
async fn ratio(length: usize, batch: usize, rounds: usize) -> f64 {
    let broker = Broker::start().await.unwrap();
    let mut intake = up(&broker.url(), &["ours"]).await;
    let receiver = broker.connect().await.unwrap();
    let mut theirs = receiver.client().subscribe("theirs").await.unwrap();
    receiver.barrier().await.unwrap();
    let broker_port = broker.port();
    let (mut ours_took, mut theirs_took) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let sender = tokio::spawn(async move { send(broker_port, "ours", length, batch).await });
        let start = Instant::now();
        for _ in 0..batch {
            assert_eq!(message(&mut intake).await.1.payload.len(), length);
        }
        ours_took += start.elapsed();
        sender.await.unwrap();
        let sender = tokio::spawn(async move { send(broker_port, "theirs", length, batch).await });
        let start = Instant::now();
        for _ in 0..batch {
            let message = patiently("a message", theirs.next()).await.unwrap().unwrap();
            assert_eq!(message.payload.len(), length);
        }
        theirs_took += start.elapsed();
        sender.await.unwrap();
    }
    theirs_took.as_secs_f64() / ours_took.as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_receives_what_the_client_receives_and_says_how_fast() {
    // A batch fits into the buffer of the client.
    for (length, batch, rounds) in [(16, 1_000, 50), (1 << 20, 50, 8)] {
        let ratio = ratio(length, batch, rounds).await;
        println!("messages of {length} bytes: {ratio:.2} times as fast as async-nats");
    }
}
