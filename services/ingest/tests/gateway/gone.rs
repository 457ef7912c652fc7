//! Clients that go away, wholly or by half.

use std::time::Duration;

use ocelli_messages::ErrorKind;
use ocelli_testkit::{eventually, patiently};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use crate::support::{PROCESS, World, png, receive, request, reset, silent};

/// How long a credit may be away after its client has reset the connection.
const BACK_WITHIN: Duration = Duration::from_millis(100);
/// What a busy machine may add to that.
const LEEWAY: Duration = Duration::from_millis(400);

/// A request that no worker answers, sent with `more` after it.
async fn asked(world: &World, more: &[u8]) -> TcpStream {
    let mut seen = silent(world).await;
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    let path = format!("{PROCESS}?timeout_ms=600000");
    let request = request("POST", &path, &[], &png(4, 4));
    stream.write_all(&[&request[..], more].concat()).await.unwrap();
    patiently("the request at the worker", seen.recv()).await.unwrap().unwrap();
    assert_eq!(world.parts.in_flight(), 1);
    stream
}

async fn credit_is_back_soon(world: &World) {
    let since = Instant::now();
    eventually("the credit is back", || world.parts.in_flight() == 0).await.unwrap();
    assert!(since.elapsed() < BACK_WITHIN + LEEWAY, "{:?}", since.elapsed());
}

#[actix_web::test]
async fn a_reset_ends_the_request_at_once() {
    let world = World::new().await;
    let stream = asked(&world, b"").await;
    reset(stream);
    credit_is_back_soon(&world).await;
}

#[actix_web::test]
async fn a_reset_after_the_end_of_what_was_sent_is_noticed_too() {
    let world = World::new().await;
    let mut stream = asked(&world, b"").await;
    stream.shutdown().await.unwrap();
    // The gateway has seen the end when it answers another client's later one.
    assert_eq!(world.get("/health").await.status, 200);
    assert_eq!(world.parts.in_flight(), 1, "the client still reads");
    reset(stream);
    credit_is_back_soon(&world).await;
}

#[actix_web::test]
async fn a_reset_is_noticed_behind_what_nobody_reads() {
    let world = World::new().await;
    let stream = asked(&world, &vec![b'x'; 512 * 1024]).await;
    reset(stream);
    credit_is_back_soon(&world).await;
}

#[actix_web::test]
async fn who_closes_only_its_half_gets_its_answer() {
    let world = World::new().await;
    let _seen = world.worker(crate::support::echo).await;
    // More than actix keeps of a body that nobody reads.
    let mut body = png(4, 4);
    body.resize(300_000, 7);
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    let (mut read, mut write) = stream.split();
    write.write_all(&request("POST", PROCESS, &[], &body)).await.unwrap();
    write.shutdown().await.unwrap();
    let reply = patiently("an answer", receive(&mut read)).await.unwrap();
    assert_eq!((reply.status, reply.body.len()), (200, body.len()));
    let mut rest = Vec::new();
    patiently("the end", read.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.is_empty());
}

#[actix_web::test]
async fn a_half_closed_body_that_waits_for_a_credit_is_whole() {
    let config = ocelli_ingest::Config {
        max_in_flight: 1,
        patience_ms: 20_000,
        ..ocelli_ingest::Config::default()
    };
    let world = World::with(config, ocelli_messages::Limits::default()).await;
    let first = asked(&world, b"").await;
    let mut body = png(4, 4);
    body.resize(100_000, 7);
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    let path = format!("{PROCESS}?filter=echo");
    stream.write_all(&request("POST", &path, &[], &body)).await.unwrap();
    stream.shutdown().await.unwrap();
    eventually("it waits", || world.parts.waiting() == 1).await.unwrap();
    reset(first);
    // The silent worker gets it, and the gateway has the whole body by then.
    eventually("it has the credit", || world.parts.waiting() == 0).await.unwrap();
    assert_eq!(world.parts.in_flight(), 1, "it is not refused as cut off");
    reset(stream);
    credit_is_back_soon(&world).await;
}

#[actix_web::test]
async fn a_body_that_is_cut_off_is_answered() {
    let world = World::new().await;
    let whole = request("POST", PROCESS, &[], &png(4, 4));
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    let (mut read, mut write) = stream.split();
    write.write_all(&whole[..whole.len() - 5]).await.unwrap();
    write.shutdown().await.unwrap();
    let reply = patiently("an answer", receive(&mut read)).await.unwrap();
    reply.is_problem(ErrorKind::InvalidArgument, "body");
    assert_eq!(world.parts.in_flight(), 0);
}
