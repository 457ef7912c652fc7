//! Clients that are slow, and more of them than there are places.

use std::{net::SocketAddr, time::Duration};

use ocelli_ingest::Config;
use ocelli_messages::{ErrorKind, Limits, v1};
use ocelli_testkit::{PATIENCE, eventually, patiently};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, interval},
};

use crate::support::{
    PROCESS, World, actix_errors, count, echo, exchange, png, receive, request, silent,
};

/// A gateway that loses its patience soon.
async fn hasty() -> World {
    let config = Config { stall_ms: 300, ..Config::default() };
    World::with(config, Limits::default()).await
}

fn ended(reason: &str) -> f64 {
    count(&format!("ocelli_http_connections_ended_total{{reason=\"{reason}\"}}"))
}

/// The rest of what comes on a connection, which may end with a reset.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    drop(patiently("the end of the connection", stream.read_to_end(&mut rest)).await.unwrap());
    rest
}

#[actix_web::test]
async fn who_does_not_read_the_answer_is_cut_off() {
    let world = hasty().await;
    let _seen = world.worker(echo).await;
    let mut file = png(4, 4);
    file.resize(9 * 1024 * 1024, 7);
    let before = ended("slow_answer");
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    stream.write_all(&request("POST", PROCESS, &[], &file)).await.unwrap();
    eventually("it is cut off", || ended("slow_answer") > before).await.unwrap();
    eventually("the credit is back", || world.parts.in_flight() == 0).await.unwrap();
    assert!(rest(&mut stream).await.len() < file.len());
}

#[actix_web::test]
async fn who_reads_only_a_little_of_the_answer_is_cut_off() {
    let world = hasty().await;
    let _seen = world.worker(echo).await;
    let mut file = png(4, 4);
    file.resize(9 * 1024 * 1024, 7);
    let before = ended("slow_answer");
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    stream.write_all(&request("POST", PROCESS, &[], &file)).await.unwrap();
    let mut ticks = interval(Duration::from_millis(20));
    let trickle = async {
        let mut byte = [0];
        while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {
            ticks.tick().await;
            if ended("slow_answer") > before {
                return;
            }
        }
    };
    patiently("it is cut off", trickle).await.unwrap();
    eventually("it is counted", || ended("slow_answer") > before).await.unwrap();
    eventually("the credit is back", || world.parts.in_flight() == 0).await.unwrap();
}

#[actix_web::test]
async fn who_reads_at_a_fair_pace_gets_the_whole_answer() {
    let world = hasty().await;
    let _seen = world.worker(echo).await;
    let mut file = png(4, 4);
    file.resize(9 * 1024 * 1024, 7);
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    stream.write_all(&request("POST", PROCESS, &[], &file)).await.unwrap();
    // It takes far longer than one window.
    let mut ticks = interval(Duration::from_millis(10));
    let (mut got, mut piece) = (0, vec![0; 64 * 1024]);
    let since = Instant::now();
    while got < file.len() {
        let read = patiently("more", stream.read(&mut piece)).await.unwrap().unwrap();
        assert!(read > 0, "cut off after {got} bytes and {:?}", since.elapsed());
        got += read;
        ticks.tick().await;
    }
}

#[actix_web::test]
async fn a_body_that_trickles_is_refused_long_before_its_deadline() {
    let world = hasty().await;
    let before = ended("slow_body");
    let whole = request("POST", PROCESS, &[], &vec![0; 100_000]);
    let (head, body) = whole.split_at(whole.len() - 100_000);
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    stream.write_all(head).await.unwrap();
    let (mut read, mut write) = stream.split();
    let trickle = async {
        let mut ticks = interval(Duration::from_millis(20));
        for byte in body {
            ticks.tick().await;
            if write.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    let reply = async {
        tokio::select! {
            reply = receive(&mut read) => reply,
            () = trickle => panic!("nobody minded"),
        }
    };
    let reply = patiently("an answer", reply).await.unwrap();
    let problem = reply.is_problem(ErrorKind::DeadlineExceeded, "body");
    assert!(problem["detail"].as_str().unwrap().contains("too slowly"), "{problem}");
    assert!(ended("slow_body") > before);
    assert_eq!(world.parts.in_flight(), 0);
}

async fn serves(addr: SocketAddr) -> u16 {
    exchange(addr, &request("GET", "/", &[], b"")).await.status
}

#[actix_web::test]
async fn idle_connections_give_way_to_a_new_one() {
    let config = Config { max_connections: 4, ..Config::default() };
    let world = World::with(config, Limits::default()).await;
    let before = ended("gave_way");
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(world.addr()).await.unwrap();
        stream.write_all(&request("GET", "/", &[], b"")).await.unwrap();
        assert_eq!(patiently("an answer", receive(&mut stream)).await.unwrap().status, 200);
        idle.push(stream);
    }
    let since = Instant::now();
    assert_eq!(serves(world.addr()).await, 200);
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(rest(&mut idle[0]).await, b"", "the longest idle one goes");
    assert!(ended("gave_way") > before);
    idle[3].write_all(&request("GET", "/", &[], b"")).await.unwrap();
    assert_eq!(patiently("an answer", receive(&mut idle[3])).await.unwrap().status, 200);
}

#[actix_web::test]
async fn who_says_nothing_gives_way_too() {
    // With fewer, the threads might take in enough of the silent ones after the last one.
    let config = Config { max_connections: 16, ..Config::default() };
    let world = World::with(config, Limits::default()).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(world.addr()).await.unwrap());
    }
    let since = Instant::now();
    assert_eq!(serves(world.addr()).await, 200);
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
}

#[actix_web::test]
async fn with_a_request_on_every_connection_a_new_one_is_told_to_come_back() {
    let config = Config { max_connections: 1, ..Config::default() };
    let world = World::with(config, Limits::default()).await;
    let mut seen = silent(&world).await;
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    stream.write_all(&request("POST", PROCESS, &[], &png(4, 4))).await.unwrap();
    patiently("the request at the worker", seen.recv()).await.unwrap().unwrap();
    let reply = exchange(world.addr(), &request("GET", "/", &[], b"")).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(reply.json()["kind"], "overloaded");
}

#[actix_web::test]
async fn while_it_drains_new_ones_are_turned_away_and_open_requests_answered() {
    let world = World::new().await;
    let mut seen = silent(&world).await;
    let mut open = TcpStream::connect(world.addr()).await.unwrap();
    let path = format!("{PROCESS}?timeout_ms=1500");
    open.write_all(&request("POST", &path, &[], &png(4, 4))).await.unwrap();
    patiently("the request at the worker", seen.recv()).await.unwrap().unwrap();
    let addr = world.addr();
    let stopped = world.gateway.stop(PATIENCE);
    let new = async {
        loop {
            let reply = exchange(addr, &request("GET", "/", &[], b"")).await;
            if reply.status == 503 {
                return reply;
            }
        }
    };
    let all = async { tokio::join!(stopped, new, receive(&mut open)) };
    let ((), turned_away, answered) = patiently("the drain", all).await.unwrap();
    assert_eq!(turned_away.header("retry-after"), "1");
    assert_eq!(turned_away.header("connection"), "close");
    assert_eq!(turned_away.json()["kind"], "unavailable");
    assert_eq!(answered.status, 504, "answered, and not cut off");
    assert_eq!(answered.header("connection"), "close");
}

#[actix_web::test]
async fn what_is_no_request_is_answered_and_counted() {
    let world = World::new().await;
    let large = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    let served = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    for (sent, status, reason) in [
        (&b"GARBAGE\r\n\r\n"[..], 400, "malformed"),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400, "malformed"),
        (b"G\xffT / HTTP/1.1\r\n\r\n", 400, "malformed"),
        (large.as_bytes(), 431, "head_too_large"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "tls"),
    ] {
        for (before, first) in [("", None), (served, Some(200))] {
            if reason == "tls" && first.is_some() {
                continue;
            }
            let counted = ended(reason);
            let mut stream = TcpStream::connect(world.addr()).await.unwrap();
            let (mut read, mut write) = stream.split();
            let all = [before.as_bytes(), sent].concat();
            let sending = async { drop(write.write_all(&all).await) };
            let answers = async {
                if let Some(first) = first {
                    assert_eq!(receive(&mut read).await.status, first);
                }
                receive(&mut read).await
            };
            let both = async { tokio::join!(answers, sending) };
            let (reply, ()) = patiently("an answer", both).await.unwrap();
            assert_eq!(reply.status, status, "{reason}: {reply:?}");
            assert_eq!(reply.header("content-type"), "application/problem+json");
            assert_eq!(reply.json()["status"], status);
            assert!(ended(reason) > counted, "{reason}");
        }
    }
    assert_eq!(actix_errors(), [""; 0]);
}

#[actix_web::test]
async fn a_second_head_that_never_ends_is_refused() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    stream.write_all(&request("GET", "/", &[], b"")).await.unwrap();
    assert_eq!(patiently("an answer", receive(&mut stream)).await.unwrap().status, 200);
    stream.write_all(b"GET / HT").await.unwrap();
    let counted = ended("slow_head");
    let reply = patiently("a refusal", receive(&mut stream)).await.unwrap();
    assert_eq!(reply.status, 408);
    assert!(ended("slow_head") > counted);
}

#[actix_web::test]
async fn an_answer_for_which_there_is_no_room_is_refused() {
    let config = Config { max_in_flight_bytes: 1 << 20, ..Config::default() };
    let world = World::with(config, Limits::default()).await;
    let _seen = world
        .worker(|_| {
            let mut file = png(4, 4);
            file.resize(2 << 20, 7);
            let file = v1::EncodedImage { codec: 0, data: file.into() };
            let payload = Some(v1::frame::Payload::Encoded(file));
            let frame = Some(v1::Frame { payload, ..Default::default() });
            Some(Ok(v1::ProcessResponse { frame, ..Default::default() }))
        })
        .await;
    let reply = world.post("", &[], &png(4, 4)).await;
    reply.is_problem(ErrorKind::Overloaded, "");
    assert_ne!(reply.header("retry-after"), "");
    assert_eq!(world.parts.in_flight(), 0);
}
