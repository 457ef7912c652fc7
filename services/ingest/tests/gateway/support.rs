//! A broker, a gateway, a worker and an HTTP client that can also misbehave.

use std::{
    net::SocketAddr,
    sync::{Mutex, Once},
    time::Duration,
};

use async_nats::HeaderMap;
use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_actors::{broker::Connection, credits::Budget};
use ocelli_ingest::{Config, Gateway, Parts};
use ocelli_kit::{health::Health, telemetry::recorder};
use ocelli_messages::{ErrorKind, Failure, Limits, Tenant, header, v1};
use ocelli_testkit::{Broker, patiently};
use prost::Message as _;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// The path of the main route.
pub(crate) const PROCESS: &str = "/api/v1/process/image";

/// A broker and a gateway.
pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) parts: Parts,
    pub(crate) gateway: Gateway,
    pub(crate) health: Health,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default(), Limits::default()).await
    }

    pub(crate) async fn with(config: Config, limits: Limits) -> Self {
        recorder().unwrap();
        static LOG: Once = Once::new();
        LOG.call_once(|| tracing_subscriber::registry().with(Errors).init());
        let broker = Broker::start().await.unwrap();
        let connection = broker.connect().await.unwrap();
        let health = Health::new();
        let parts = parts(config, limits, connection, health.clone());
        let gateway = parts.start().unwrap();
        Self { broker, parts, gateway, health }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.gateway.addr
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        exchange(self.addr(), &request("GET", path, &[], b"")).await
    }

    /// Posts a body to the main route.
    pub(crate) async fn post(&self, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let path = format!("{PROCESS}{query}");
        exchange(self.addr(), &request("POST", &path, headers, body)).await
    }

    /// A worker that answers each request with what `answer` says; `None` is no answer.
    pub(crate) async fn worker(
        &self,
        answer: impl Fn(v1::ProcessRequest) -> Option<Result<v1::ProcessResponse, Failure>>
        + Send
        + 'static,
    ) -> mpsc::Receiver<Seen> {
        let (sender, seen) = mpsc::channel(16);
        let client = async_nats::connect(self.broker.url()).await.unwrap();
        let subject = "ocelli.v1.default.req.filter.process";
        let mut requests = client.queue_subscribe(subject, "gpu-filter".to_owned()).await.unwrap();
        barrier(&client).await;
        tokio::spawn(async move {
            while let Some(message) = requests.next().await {
                let request = v1::ProcessRequest::decode(message.payload).unwrap();
                let headers = message.headers.unwrap_or_default();
                let answer = answer(request.clone());
                // The test may look at the first ones only.
                drop(sender.try_send(Seen { request, headers }));
                let (headers, payload) = match answer {
                    None => continue,
                    Some(Ok(response)) => (HeaderMap::new(), response.encode_to_vec()),
                    Some(Err(failure)) => error(&failure),
                };
                let reply = message.reply.unwrap();
                client.publish_with_headers(reply, headers, payload.into()).await.unwrap();
            }
        });
        seen
    }
}

/// What a worker got.
pub(crate) struct Seen {
    pub(crate) request: v1::ProcessRequest,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.as_str())
    }

    pub(crate) fn raw(&self) -> &v1::RawImage {
        match self.request.frame.as_ref().unwrap().payload.as_ref().unwrap() {
            v1::frame::Payload::Raw(raw) => raw,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn encoded(&self) -> &v1::EncodedImage {
        match self.request.frame.as_ref().unwrap().payload.as_ref().unwrap() {
            v1::frame::Payload::Encoded(file) => file,
            other => panic!("{other:?}"),
        }
    }
}

/// Closes a connection with a reset.
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// What actix has logged as an error in this process.
pub(crate) fn actix_errors() -> Vec<String> {
    ERRORS.lock().unwrap().clone()
}

static ERRORS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Errors;

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() == Level::ERROR && metadata.target().starts_with("actix") {
            ERRORS.lock().unwrap().push(format!("{event:?}"));
        }
    }
}

/// A worker that answers nothing.
pub(crate) async fn silent(world: &World) -> mpsc::Receiver<Seen> {
    world.worker(|_| None).await
}

/// The value of a counter of this process, which all tests share.
pub(crate) fn count(series: &str) -> f64 {
    let metrics = recorder().unwrap().render();
    let line = metrics.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// A message to ourselves comes back after the broker has read what was sent before it.
pub(crate) async fn barrier(client: &async_nats::Client) {
    let inbox = client.new_inbox();
    let mut echo = client.subscribe(inbox.clone()).await.unwrap();
    client.publish(inbox, Bytes::new()).await.unwrap();
    patiently("the echo", echo.next()).await.unwrap().unwrap();
}

fn error(failure: &Failure) -> (HeaderMap, Vec<u8>) {
    let mut headers = HeaderMap::new();
    headers.insert(header::ERROR_CODE, failure.kind.http_status().to_string());
    headers.insert(header::ERROR, failure.kind.as_str());
    (headers, failure.to_wire("worker's own").encode_to_vec())
}

pub(crate) fn parts(
    config: Config,
    limits: Limits,
    connection: Connection,
    health: Health,
) -> Parts {
    let config = Config { http_addr: "127.0.0.1:0".parse().unwrap(), ..config };
    Parts::bind(&config, limits, Tenant::default(), connection, health, &budget()).unwrap()
}

/// The image that the worker answers with: the input, or gray pixels for raw input.
pub(crate) fn echo(request: v1::ProcessRequest) -> Option<Result<v1::ProcessResponse, Failure>> {
    let payload = request.frame.unwrap().payload.unwrap();
    let payload = match payload {
        v1::frame::Payload::Raw(raw) => v1::frame::Payload::Raw(v1::RawImage {
            format: v1::PixelFormat::Gray8.into(),
            stride: raw.width,
            data: raw.data.iter().copied().step_by(3).collect(),
            ..raw
        }),
        file => file,
    };
    let frame = v1::Frame { payload: Some(payload), ..Default::default() };
    let step = v1::StepReport { backend: v1::Accelerator::Cpu.into(), ..Default::default() };
    Some(Ok(v1::ProcessResponse {
        frame: Some(frame),
        steps: vec![step],
        timing: Some(v1::Timing { compute_ns: 1_500_000, ..Default::default() }),
        worker: "gpu-filter-test".into(),
        error: None,
    }))
}

/// The start of a PNG file that claims that size.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    file.extend_from_slice(&width.to_be_bytes());
    file.extend_from_slice(&height.to_be_bytes());
    file.extend_from_slice(&[8, 2, 0, 0, 0, 0, 0, 0, 0]);
    file
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(is, _)| is.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that it is a well-formed problem of that kind at that place.
    #[track_caller]
    pub(crate) fn is_problem(&self, kind: ErrorKind, field: &str) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["kind"], kind.as_str(), "{problem}");
        assert_eq!(problem["type"], format!("urn:ocelli:problem:{kind}"));
        assert_eq!(problem["status"], self.status);
        assert_eq!(self.status, kind.http_status());
        assert_eq!(problem["field"].as_str().unwrap_or(""), field, "{problem}");
        assert_eq!(problem["request_id"], self.header("ocelli-request-id"));
        assert!(!self.header("traceparent").is_empty());
        problem
    }
}

/// A request with a Content-Length.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Sends a request as it is and reads the response.
pub(crate) async fn exchange(addr: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let (mut read, mut write) = stream.split();
    // A server that has seen enough does not read the rest, but it answers.
    let sent = async { drop(write.write_all(request).await) };
    let both = async { tokio::join!(receive(&mut read), sent) };
    let (reply, ()) = patiently("an answer", both).await.unwrap();
    reply
}

/// Reads one response.
pub(crate) async fn receive(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Reply {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut reply = Reply { status, head, body: Vec::new() };
    reply.body = vec![0; reply.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut reply.body).await.expect("a whole body");
    reply
}

/// More than any of these tests needs.
pub(crate) fn budget() -> Budget {
    Budget::new(2 << 30)
}
