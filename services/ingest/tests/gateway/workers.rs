//! Workers that fail, are slow or are missing; and a broker that is.

use std::time::Duration;

use ocelli_ingest::Config;
use ocelli_kit::health::Health;
use ocelli_messages::{ErrorKind, Failure, Limits};
use ocelli_testkit::{eventually, open, patiently};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::{PROCESS, World, echo, exchange, parts, png, receive, request, reset};

#[actix_web::test]
async fn a_workers_error_is_told_in_the_terms_of_the_query() {
    for (failure, field, retry_after) in [
        (
            Failure::invalid("pipeline.steps[1].filter.parameters.sigma", "too large")
                .allow(["0.1..=50"]),
            "filter[1].sigma",
            "",
        ),
        (
            Failure::new(ErrorKind::Unsupported, "no GPU")
                .at("pipeline.accelerator")
                .allow(["AUTO", "CPU"]),
            "accelerator",
            "",
        ),
        (Failure::overloaded("busy", Duration::from_millis(1_500)), "", "2"),
        (Failure::unavailable("starting", Duration::from_millis(10)), "", "1"),
        (Failure::internal("bug"), "", ""),
    ] {
        let world = World::new().await;
        let answer = failure.clone();
        let _seen = world.worker(move |_| Some(Err(answer.clone()))).await;
        let id = [("Ocelli-Request-Id", "mine")];
        let reply = world.post("?filter=a&filter=b", &id, &png(4, 4)).await;
        let problem = reply.is_problem(failure.kind, field);
        assert_eq!(reply.header("retry-after"), retry_after, "{problem}");
        assert_eq!(problem["request_id"], "mine", "and not the worker's own");
        assert_eq!(problem["detail"], failure.message);
        if field == "accelerator" {
            assert_eq!(problem["allowed"], serde_json::json!(["auto", "cpu"]));
        }
    }
}

#[actix_web::test]
async fn no_worker_is_said_at_once() {
    let world = World::new().await;
    let reply = world.post("?timeout_ms=600000", &[], &png(4, 4)).await;
    reply.is_problem(ErrorKind::Unavailable, "");
    assert_eq!(reply.header("retry-after"), "1");
    let reply = world.get("/api/v1/filters").await;
    reply.is_problem(ErrorKind::Unavailable, "");
}

#[actix_web::test]
async fn no_broker_is_said_at_once() {
    // A port that nobody listens on: it was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let connection = open(&format!("nats://{free}")).await.unwrap();
    let parts = parts(Config::default(), Limits::default(), connection, Health::new());
    let gateway = parts.start().unwrap();
    let post = request("POST", PROCESS, &[], &png(4, 4));
    let reply = exchange(gateway.addr, &post).await;
    reply.is_problem(ErrorKind::Unavailable, "");
    assert_eq!(reply.header("retry-after"), "1");
    let reply = exchange(gateway.addr, &request("GET", "/api/v1/filters", &[], b"")).await;
    reply.is_problem(ErrorKind::Unavailable, "");
}

#[actix_web::test]
async fn a_broker_that_goes_away_fails_the_request_that_waits() {
    let mut world = World::new().await;
    let mut seen = world.worker(|_| None).await;
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    stream.write_all(&request("POST", PROCESS, &[], &png(4, 4))).await.unwrap();
    seen.recv().await.unwrap();
    world.broker.stop().await;
    let reply = patiently("an answer", receive(&mut stream)).await.unwrap();
    reply.is_problem(ErrorKind::Unavailable, "");
}

#[actix_web::test]
async fn an_answer_that_does_not_come_ends_with_the_deadline() {
    let world = World::new().await;
    let _seen = world.worker(|_| None).await;
    let reply = world.post("?timeout_ms=50", &[], &png(4, 4)).await;
    reply.is_problem(ErrorKind::DeadlineExceeded, "");
    eventually("the credit is back", || world.parts.in_flight() == 0).await.unwrap();
}

#[actix_web::test]
async fn an_answer_that_cannot_be_read_is_a_bug() {
    let world = World::new().await;
    let _seen = world.worker(|_| Some(Ok(Default::default()))).await;
    world.post("", &[], &png(4, 4)).await.is_problem(ErrorKind::Internal, "");
}

#[actix_web::test]
async fn who_finds_no_room_is_told_when_to_come_back() {
    let config = Config { max_in_flight: 1, max_waiting: 0, ..Config::default() };
    let world = World::with(config, Limits::default()).await;
    let mut seen = world.worker(|_| None).await;
    let mut first = TcpStream::connect(world.addr()).await.unwrap();
    first.write_all(&request("POST", PROCESS, &[], &png(4, 4))).await.unwrap();
    seen.recv().await.unwrap();
    let reply = world.post("", &[], &png(4, 4)).await;
    reply.is_problem(ErrorKind::Overloaded, "");
    assert_eq!(reply.header("retry-after"), "1");
}

#[actix_web::test]
async fn bytes_are_bounded_too_and_one_that_never_fits_is_too_large() {
    let config = Config { max_in_flight_bytes: 1 << 20, ..Config::default() };
    let world = World::with(config, Limits::default()).await;
    let query = "?width=1024&height=1025&pixel_format=gray8";
    let reply = world.post(query, &[], &vec![0; 1024 * 1025]).await;
    reply.is_problem(ErrorKind::TooLarge, "body");
}

#[actix_web::test]
async fn a_client_that_goes_away_gives_its_place_back() {
    let config = Config { max_in_flight: 1, ..Config::default() };
    let world = World::with(config, Limits::default()).await;
    let mut seen = world
        .worker(|request| {
            let waits =
                request.pipeline.as_ref().is_some_and(|pipeline| !pipeline.steps.is_empty());
            if waits { None } else { echo(request) }
        })
        .await;
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    let path = format!("{PROCESS}?filter=slow&timeout_ms=600000");
    stream.write_all(&request("POST", &path, &[], &png(4, 4))).await.unwrap();
    seen.recv().await.unwrap();
    assert_eq!(world.parts.in_flight(), 1);
    reset(stream);
    eventually("the request is abandoned", || world.parts.in_flight() == 0).await.unwrap();
    assert_eq!(world.post("", &[], &png(4, 4)).await.status, 200);
}
