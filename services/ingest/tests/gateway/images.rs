//! Images through the gateway to a worker and back.

use std::time::{SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use ocelli_kit::telemetry::recorder;
use ocelli_messages::{TraceParent, v1};
use prost::Message as _;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::{PROCESS, World, barrier, echo, exchange, png, receive, request};

#[actix_web::test]
async fn raw_pixels_there_and_back() {
    let world = World::new().await;
    let mut seen = world.worker(echo).await;
    let pixels: Vec<u8> = (0..640 * 480 * 3).map(|i| (i % 251) as u8).collect();
    let query = "?width=640&height=480&pixel_format=rgb8&filter=grayscale&accelerator=cpu";
    let reply = world.post(query, &[], &pixels).await;
    assert_eq!(reply.status, 200, "{}", reply.head);
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "307200"),
        ("ocelli-width", "640"),
        ("ocelli-height", "480"),
        ("ocelli-stride", "640"),
        ("ocelli-pixel-format", "gray8"),
        ("ocelli-backend", "cpu"),
        ("ocelli-worker", "gpu-filter-test"),
    ] {
        assert_eq!(reply.header(name), value, "{name}");
    }
    assert!(
        reply.header("server-timing").contains("compute;dur=1.500, encode;dur=0.000, total;dur=")
    );
    assert_eq!(reply.body, pixels.iter().copied().step_by(3).collect::<Vec<_>>());
    let seen = seen.recv().await.unwrap();
    let raw = seen.raw();
    assert_eq!((raw.width, raw.height, raw.stride), (640, 480, 0));
    assert_eq!(raw.format(), v1::PixelFormat::Rgb8);
    assert_eq!(raw.data, pixels);
    let pipeline = seen.request.pipeline.unwrap();
    assert_eq!(pipeline.accelerator(), v1::Accelerator::Cpu);
    assert_eq!(pipeline.steps.len(), 1);
    assert_eq!(world.parts.in_flight(), 0);
}

#[actix_web::test]
async fn files_with_and_without_a_length_on_one_connection() {
    let world = World::new().await;
    let mut seen = world.worker(echo).await;
    let file = png(4, 4);
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    // curl --data-binary claims that it is a form.
    let claim = [("Content-Type", "application/x-www-form-urlencoded")];
    let path = format!("{PROCESS}?format=webp&quality=80");
    stream.write_all(&request("POST", &path, &claim, &file)).await.unwrap();
    let reply = receive(&mut stream).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "image/png"));
    assert_eq!(reply.body, file);
    let got = seen.recv().await.unwrap();
    assert_eq!(got.encoded().data, file);
    let output = got.request.pipeline.unwrap().output.unwrap().kind.unwrap();
    let expected = v1::EncodedOutput { codec: v1::ImageCodec::Webp.into(), quality: 80 };
    assert_eq!(output, v1::output_format::Kind::Encoded(expected));

    let head =
        format!("POST {PROCESS} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut chunked = head.into_bytes();
    for chunk in file.chunks(7) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    stream.write_all(&chunked).await.unwrap();
    assert_eq!(receive(&mut stream).await.body, file);
    assert_eq!(seen.recv().await.unwrap().encoded().data, file);
}

#[actix_web::test]
async fn the_callers_trace_and_id_go_on_to_the_worker() {
    let world = World::new().await;
    let mut seen = world.worker(echo).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [
        ("traceparent", parent),
        ("tracestate", "vendor=1"),
        ("baggage", "user=7"),
        ("Ocelli-Request-Id", "my-request-1"),
        ("Ocelli-Deadline", "99999999999999"),
    ];
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let reply = world.post("?timeout_ms=60000", &headers, &png(4, 4)).await;
    assert_eq!((reply.status, reply.header("ocelli-request-id")), (200, "my-request-1"));
    let seen = seen.recv().await.unwrap();
    assert_eq!(seen.header("Ocelli-Request-Id"), "my-request-1");
    assert_eq!((seen.header("tracestate"), seen.header("baggage")), ("vendor=1", "user=7"));
    let parent: TraceParent = parent.parse().unwrap();
    for text in [seen.header("traceparent"), reply.header("traceparent")] {
        let child: TraceParent = text.parse().unwrap();
        assert_eq!(child.trace_id(), parent.trace_id(), "the same trace");
        assert_ne!(child.span_id(), parent.span_id(), "another span");
    }
    let deadline: u64 = seen.header("Ocelli-Deadline").parse().unwrap();
    let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    assert!((before + 60_000..=after + 60_000).contains(&deadline), "the earlier one counts");
}

#[actix_web::test]
async fn the_worker_is_told_the_address_of_the_client_and_not_what_it_says() {
    let world = World::new().await;
    let mut seen = world.worker(echo).await;
    assert_eq!(world.post("", &[("Ocelli-Caller", "another")], &png(4, 4)).await.status, 200);
    assert_eq!(seen.recv().await.unwrap().header("Ocelli-Caller"), "127.0.0.1");
}

#[actix_web::test]
async fn a_request_without_id_and_trace_gets_them() {
    let world = World::new().await;
    let mut seen = world.worker(echo).await;
    let reply = world.post("", &[], &png(4, 4)).await;
    let seen = seen.recv().await.unwrap();
    assert_eq!(seen.header("Ocelli-Request-Id"), reply.header("ocelli-request-id"));
    assert!(!reply.header("ocelli-request-id").is_empty());
    let trace = |text: &str| text.parse::<TraceParent>().unwrap().trace_id();
    assert_eq!(trace(seen.header("traceparent")), trace(reply.header("traceparent")));
}

#[actix_web::test]
async fn requests_are_counted() {
    let metrics = recorder().unwrap();
    let world = World::new().await;
    let _seen = world.worker(echo).await;
    world.post("", &[], &png(4, 4)).await;
    world.post("?colour=red", &[], &png(4, 4)).await;
    let text = metrics.render();
    for line in [
        "ocelli_http_requests_total{route=\"/api/v1/process/image\",status=\"200\"}",
        "ocelli_http_requests_total{route=\"/api/v1/process/image\",status=\"400\"}",
        "ocelli_http_request_duration_seconds_count{route=\"/api/v1/process/image\"}",
        "ocelli_errors_total{handler=\"/api/v1/process/image\",code=\"invalid_argument\"}",
        "ocelli_credits_in_use{pool=\"http\"}",
        "ocelli_http_connections ",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[actix_web::test]
async fn the_filters_are_what_a_worker_lists() {
    let world = World::new().await;
    let client = async_nats::connect(world.broker.url()).await.unwrap();
    let mut requests = client.subscribe("ocelli.v1.default.req.filter.list").await.unwrap();
    barrier(&client).await;
    let worker = async {
        let message = requests.next().await.unwrap();
        let asked = v1::ListFiltersRequest::decode(message.payload).unwrap();
        let filter = v1::FilterDefinition { id: "blur".into(), ..Default::default() };
        let list = v1::ListFiltersResponse {
            filters: vec![filter],
            accelerators: vec![asked.accelerator],
            version: "9.9.9".into(),
        };
        client.publish(message.reply.unwrap(), list.encode_to_vec().into()).await.unwrap();
    };
    let (reply, ()) = tokio::join!(world.get("/api/v1/filters?accelerator=cpu"), worker);
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    let list = reply.json();
    assert_eq!(list["version"], "9.9.9");
    assert_eq!(list["accelerators"], serde_json::json!(["cpu"]));
    assert_eq!(list["filters"][0]["id"], "blur");
    let head = request("HEAD", "/", &[], b"");
    assert_eq!(exchange_head(&world, &head).await, 200);
}

/// The status only: an answer to HEAD has a length but no body.
async fn exchange_head(world: &World, head: &[u8]) -> u16 {
    use tokio::io::AsyncReadExt as _;
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    stream.write_all(head).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    String::from_utf8_lossy(&start[9..]).parse().unwrap()
}

#[actix_web::test]
async fn nonsense_is_answered_with_400() {
    let world = World::new().await;
    let reply = exchange(world.addr(), b"NONSENSE\r\n\r\n").await;
    assert_eq!(reply.status, 400);
}
