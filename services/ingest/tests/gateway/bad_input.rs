//! What is wrong is refused by the gateway itself: no worker listens in these tests.

use ocelli_ingest::Config;
use ocelli_messages::{ErrorKind, Limits};
use ocelli_testkit::patiently;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::{PROCESS, World, exchange, png, receive, request};

#[actix_web::test]
async fn bodies_that_are_no_image() {
    let world = World::new().await;
    let reply = world.post("", &[], b"").await;
    reply.is_problem(ErrorKind::InvalidArgument, "body");
    let reply = world.post("", &[], b"hello, I am not an image").await;
    let problem = reply.is_problem(ErrorKind::Unsupported, "body");
    assert_eq!(problem["allowed"], serde_json::json!(["png", "jpeg", "webp"]));
    let cut_off = &png(10, 10)[..14];
    world.post("", &[], cut_off).await.is_problem(ErrorKind::InvalidArgument, "body");
    let none = format!("POST {PROCESS} HTTP/1.1\r\nHost: test\r\n\r\n");
    let reply = exchange(world.addr(), none.as_bytes()).await;
    reply.is_problem(ErrorKind::InvalidArgument, "body");
}

#[actix_web::test]
async fn images_that_are_too_large_to_decode() {
    let world = World::new().await;
    let reply = world.post("", &[], &png(60_000, 60_000)).await;
    let problem = reply.is_problem(ErrorKind::TooLarge, "body");
    assert!(problem["detail"].as_str().unwrap().contains("60000×60000"), "{problem}");
    let query = "?width=60000&height=1&pixel_format=gray8";
    world.post(query, &[], &[0; 60_000]).await.is_problem(ErrorKind::TooLarge, "width");
}

#[actix_web::test]
async fn a_body_over_the_limit_is_refused_by_its_length_alone() {
    let world = World::new().await;
    let head = format!("POST {PROCESS} HTTP/1.1\r\nHost: test\r\nContent-Length: 10485761\r\n\r\n");
    let reply = exchange(world.addr(), head.as_bytes()).await;
    let problem = reply.is_problem(ErrorKind::TooLarge, "body");
    assert!(problem["detail"].as_str().unwrap().contains("10485760"), "{problem}");
    let raw = format!("{PROCESS}?width=4000&height=4000&pixel_format=rgb8");
    let head = format!("POST {raw} HTTP/1.1\r\nHost: test\r\nContent-Length: 48000000\r\n\r\n");
    exchange(world.addr(), head.as_bytes()).await.is_problem(ErrorKind::TooLarge, "body");
}

#[actix_web::test]
async fn a_client_that_sends_on_gets_its_refusal_and_no_reset() {
    let world = World::new().await;
    let body = vec![0; 12 * 1024 * 1024];
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    let request = request("POST", PROCESS, &[], &body);
    patiently("the end of the body", stream.write_all(&request)).await.unwrap().unwrap();
    receive(&mut stream).await.is_problem(ErrorKind::TooLarge, "body");
}

#[actix_web::test]
async fn a_chunked_body_is_cut_at_the_limit() {
    let limits = Limits { max_encoded_bytes: 100_000, ..Limits::default() };
    let world = World::with(Config::default(), limits).await;
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    let head =
        format!("POST {PROCESS} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let chunk = [b"2710\r\n", &vec![0; 10_000][..], b"\r\n"].concat();
    // It never ends by itself.
    let endless = async { while write.write_all(&chunk).await.is_ok() {} };
    let reply = async {
        tokio::select! {
            reply = receive(&mut read) => reply,
            () = endless => panic!("the connection was closed without an answer"),
        }
    };
    let reply = patiently("an answer", reply).await.unwrap();
    reply.is_problem(ErrorKind::TooLarge, "body");
}

#[actix_web::test]
async fn raw_pixels_whose_size_and_length_disagree() {
    let world = World::new().await;
    let query = "?width=4&height=4&pixel_format=rgb8";
    let reply = world.post(query, &[], &[0; 47]).await;
    let problem = reply.is_problem(ErrorKind::InvalidArgument, "body");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("48") && detail.contains("47"), "{problem}");
    let query = "?width=4&height=4&pixel_format=rgb8&stride=11";
    world.post(query, &[], &[0; 44]).await.is_problem(ErrorKind::InvalidArgument, "stride");
    let query = "?width=3&height=2&pixel_format=nv12";
    world.post(query, &[], &[0; 9]).await.is_problem(ErrorKind::InvalidArgument, "pixel_format");
}

#[actix_web::test]
async fn parameters_that_are_wrong_list_what_is_allowed() {
    let world = World::new().await;
    for (query, field, allowed) in [
        ("?colour=red", "colour", Some("filter")),
        ("?format=gif", "format", Some("webp")),
        ("?accelerator=tpu", "accelerator", Some("cuda")),
        ("?filter=blur&filter=blur:sigma", "filter[1]", Some("id:key=value,key=value")),
        ("?width=4&height=4", "pixel_format", Some("pixel_format")),
        ("?format=png&format=png", "format", None),
        ("?timeout_ms=never", "timeout_ms", None),
    ] {
        let reply = world.post(query, &[], &png(4, 4)).await;
        let problem = reply.is_problem(ErrorKind::InvalidArgument, field);
        let listed = problem["allowed"].as_array().cloned().unwrap_or_default();
        assert!(allowed.is_none_or(|name| listed.contains(&name.into())), "{problem}");
    }
}

#[actix_web::test]
async fn headers_that_are_wrong() {
    let world = World::new().await;
    for (name, value) in [
        ("Ocelli-Request-Id", "two words"),
        ("Ocelli-Request-Id", "caf\u{e9}"),
        ("Ocelli-Deadline", "tomorrow"),
    ] {
        let reply = world.post("", &[(name, value)], &png(4, 4)).await;
        reply.is_problem(ErrorKind::InvalidArgument, name);
    }
}

#[actix_web::test]
async fn a_deadline_that_has_passed() {
    let world = World::new().await;
    let reply = world.post("", &[("Ocelli-Deadline", "1000")], &png(4, 4)).await;
    reply.is_problem(ErrorKind::DeadlineExceeded, "");
}

#[actix_web::test]
async fn a_body_that_does_not_arrive_in_time() {
    let world = World::new().await;
    let path = format!("{PROCESS}?timeout_ms=50");
    let whole = request("POST", &path, &[], &png(4, 4));
    let reply = exchange(world.addr(), &whole[..whole.len() - 5]).await;
    reply.is_problem(ErrorKind::DeadlineExceeded, "body");
}

#[actix_web::test]
async fn paths_and_methods_that_do_not_exist() {
    let world = World::new().await;
    world.get("/api/v2/anything").await.is_problem(ErrorKind::NotFound, "");
    for (method, path, allow) in [
        ("GET", PROCESS, "POST"),
        ("DELETE", "/api/v1/filters", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ] {
        let reply = exchange(world.addr(), &request(method, path, &[], b"")).await;
        assert_eq!(reply.status, 405, "{method} {path}");
        assert_eq!(reply.header("allow"), allow);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(reply.json()["status"], 405);
    }
    let reply = world.get("/api/v1/filters?colour=red").await;
    reply.is_problem(ErrorKind::InvalidArgument, "colour");
}

#[actix_web::test]
async fn the_small_routes() {
    let world = World::new().await;
    let index = world.get("/").await;
    assert_eq!(index.status, 200);
    let routes = index.json()["routes"].clone();
    assert_eq!(routes[0]["path"], PROCESS);
    assert_eq!(routes[0]["method"], "POST");
    let health = world.get("/health").await;
    assert_eq!((health.status, health.json()["status"].as_str()), (200, Some("ready")));
    world.health.dependency("broker", true).down("gone");
    let health = world.get("/health").await;
    assert_eq!((health.status, health.json()["status"].as_str()), (503, Some("not_ready")));
    assert!(health.json()["dependencies"]["broker"].is_object());
}
