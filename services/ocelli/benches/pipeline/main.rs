//! What the system adds to bare NATS, and what it costs to have it running.
//!
//! Each figure stands beside its yardstick, measured in the same run, in alternating rounds, against
//! the same broker. The yardstick's echo is a process of its own, as our worker is.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at what it cannot measure"
)]

mod http;
mod report;
mod system;

use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use futures::StreamExt as _;
use ocelli_kernels::{Backend as _, Catalog, Chain, CpuBackend, Image, PixelFormat, Pool, Size};
use ocelli_messages::v1;
use ocelli_testkit::{System, frames, wait_until};
use prost::Message as _;
use report::{Row, median};
use system::rss_mb;
use tokio::time::Instant;

const PROCESS: &str = "ocelli.v1.default.req.filter.process";
const ECHO: &str = "bench.echo";
/// Rounds of echo and ours in turn, and requests in each.
const ROUNDS: usize = 12;
const REQUESTS: usize = 60;
/// For the memory figure: requests before the first reading, in each reading, and from the first
/// reading to the second. A reading takes several of the telemetry's upkeeps, which come each second.
const WARM_UP: usize = 20_000;
const READING: usize = 30_000;
const MORE: usize = 100_000;
/// Requests that are under way at a time then.
const UNDER_WAY: usize = 16;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments.next().as_deref() {
        Some("echo") => runtime.block_on(echo(&arguments.next().unwrap())),
        _ => runtime.block_on(bench()),
    }
}

/// The yardstick: hands every message back.
async fn echo(url: &str) {
    let client = async_nats::connect(url).await.unwrap();
    let mut messages = client.queue_subscribe(ECHO, "echo".into()).await.unwrap();
    while let Some(message) = messages.next().await {
        if let Some(reply) = message.reply {
            client.publish(reply, message.payload).await.unwrap();
        }
    }
}

async fn bench() {
    let mut rows = vec![startup().await];
    let system = system::start().await;
    let nats = system.ready().nats().unwrap();
    // Before anything was asked of it.
    tokio::time::sleep(Duration::from_secs(1)).await;
    rows.push(Row::at_most("idle memory of the process", rss_mb(&system), 60.0, "MB"));
    let _echo = system::echo(nats);
    let client = async_nats::connect(nats).await.unwrap();
    until_answered(&client).await;

    let small = request(frames::grey(128, 128), &[]);
    let (ours, bare) = hop(&client, &small).await;
    rows.push(Row::at_most("hop, 16 KiB grey (echo + 100 µs)", ours, bare + 100.0, "µs"));

    let large = request(frames::rgb(640, 480), &[]);
    let (ours, bare) = hop(&client, &large).await;
    rows.push(Row::new("hop, 640×480 RGB", ours, bare, "µs", 1.0 / 1.15));

    rows.extend(gateway(&system, &client, &large).await);
    rows.push(memory(&system, &client).await);
    report::write("pipeline", &rows);
}

fn request(frame: v1::Frame, filters: &[&str]) -> Bytes {
    let steps = filters.iter().map(|filter| frames::step(filter, &[])).collect();
    frames::request(frame, steps).encode_to_vec().into()
}

/// The echo's process needs a moment.
async fn until_answered(client: &Client) {
    wait_until("the echo answers", || async { client.request(ECHO, Bytes::new()).await.ok() })
        .await
        .unwrap();
}

async fn once(client: &Client, subject: &'static str, payload: &Bytes) -> f64 {
    let started = Instant::now();
    let answer = client.request(subject, payload.clone()).await.unwrap();
    let took = started.elapsed();
    assert!(answer.headers.is_none_or(|h| h.get("Nats-Service-Error-Code").is_none()));
    took.as_secs_f64() * 1e6
}

/// Medians of our hop and of the bare echo, µs.
async fn hop(client: &Client, payload: &Bytes) -> (f64, f64) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        for (subject, times) in [(ECHO, &mut bare), (PROCESS, &mut ours)] {
            for _ in 0..REQUESTS {
                let took = once(client, subject, payload).await;
                // The first round warms both up.
                if round > 0 {
                    times.push(took);
                }
            }
        }
    }
    (median(&mut ours), median(&mut bare))
}

/// Grayscale over NATS, and over HTTP → NATS, beside the echo of the frame plus the kernel.
async fn gateway(system: &System, client: &Client, frame: &Bytes) -> [Row; 2] {
    let work = request(frames::rgb(640, 480), &["grayscale"]);
    let pixels = vec![128u8; 640 * 480 * 3];
    let path = "/api/v1/process/image?filter=grayscale&width=640&height=480&pixel_format=rgb8";
    let mut http = http::Connection::open(system.ready().http().unwrap()).await;
    let mut kernel = Kernel::new(&pixels);
    let (mut ours, mut nats) = (Vec::new(), Vec::new());
    let (mut bare, mut compute) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        for _ in 0..REQUESTS {
            let echoed = once(client, ECHO, frame).await;
            let computed = kernel.run();
            let direct = once(client, PROCESS, &work).await;
            let started = Instant::now();
            let length = http.post(path, &pixels).await;
            let took = started.elapsed().as_secs_f64() * 1e6;
            assert_eq!(length, 640 * 480);
            if round > 0 {
                ours.push(took);
                nats.push(direct);
                bare.push(echoed);
                compute.push(computed);
            }
        }
    }
    let yardstick = median(&mut bare) + median(&mut compute);
    let row = |name, times: &mut [f64], goal| Row::new(name, median(times), yardstick, "µs", goal);
    [
        row("NATS 640×480 RGB → grey (echo + kernel)", &mut nats, 1.0),
        row("HTTP 640×480 RGB → grey (echo + kernel)", &mut ours, 0.8),
    ]
}

/// The grayscale kernel on its own.
struct Kernel {
    backend: CpuBackend,
    chain: Chain,
    image: Image,
}

impl Kernel {
    fn new(pixels: &[u8]) -> Self {
        let pool = Pool::new(1 << 24);
        let none = std::collections::BTreeMap::new();
        let chain = Chain::parse(&Catalog::standard(), [("grayscale", &none)]).unwrap();
        let size = Size::new(640, 480).unwrap();
        let data = Bytes::copy_from_slice(pixels);
        let image = Image::new(size, PixelFormat::Rgb8, 640 * 3, data).unwrap();
        Self { backend: CpuBackend::new(pool), chain, image }
    }

    fn run(&mut self) -> f64 {
        let started = Instant::now();
        let output = self.backend.run(&self.chain, self.image.clone()).unwrap();
        drop(output);
        started.elapsed().as_secs_f64() * 1e6
    }
}

/// From the start of the process to the line that says it is ready.
async fn startup() -> Row {
    let mut times = Vec::new();
    for _ in 0..7 {
        let started = Instant::now();
        let system = system::start().await;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        system.stop().await.unwrap();
    }
    Row::at_most("from start to ready", median(&mut times), 500.0, "ms")
}

/// Memory after 100,000 requests, beside memory before them, when everything had been warmed up.
async fn memory(system: &System, client: &Client) -> Row {
    let work = request(frames::grey(128, 128), &["blur"]);
    lowest(system, client, &work, WARM_UP).await;
    let before = lowest(system, client, &work, READING).await;
    lowest(system, client, &work, MORE - READING).await;
    let after = lowest(system, client, &work, READING).await;
    Row::new("memory after 100,000 more requests", after, before, "MB", 0.95)
}

/// Memory at its lowest during that many requests, MB. Samples of histograms are kept until the next
/// upkeep, so what stays shows right after one.
async fn lowest(system: &System, client: &Client, work: &Bytes, requests: usize) -> f64 {
    let requests = (0..requests).map(|_| once(client, PROCESS, work));
    let readings = futures::stream::iter(requests).buffer_unordered(UNDER_WAY).chunks(100);
    readings.map(|_| rss_mb(system)).fold(f64::INFINITY, async |low, now| low.min(now)).await
}
