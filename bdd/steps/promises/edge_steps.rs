//! Promise 5: starts, stops, and clients that do everything wrong.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use cucumber::{then, when};
use ocelli_kernels::codec::Codec;
use ocelli_testkit::{Broker, Look, look_until, patiently};
use rustix::process::Signal;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::Instant};

use super::{figures::record, raw};
use crate::{
    http::{self, Answer},
    metrics::Metrics,
    picture::Picture,
    process::ocelli,
    system,
    world::World,
};

/// Requests that take a while, sent by tasks of their own.
async fn in_hand(
    world: &World,
    base: &str,
    filters: usize,
) -> Result<Vec<tokio::task::JoinHandle<Result<Answer>>>> {
    let picture = Picture { width: 800, height: 800, channels: 1, pixels: vec![9; 640_000] };
    let file = bytes::Bytes::from(picture.to_file(Codec::Png)?);
    let query = format!("{}timeout_ms=600000", "filter=bilateral:diameter=31&".repeat(filters));
    let query = http::query(&query);
    let mut requests = Vec::new();
    for _ in 0..2 {
        let (base, query, file) = (base.to_owned(), query.clone(), file.clone());
        requests.push(tokio::spawn(async move { http::process(&base, &query, &[], file).await }));
    }
    let process = world.own.all_in_one.as_ref().context("no system of its own")?;
    let admin = system::url(process.ready().admin()?);
    let look = async || {
        let metrics = Metrics::of(&admin).await?;
        let busy = metrics.labelled("ocelli_credits_in_use", "pool=\"filter-process\"")?;
        Ok(if busy == 2 { Look::Done(()) } else { Look::not_yet(busy) })
    };
    look_until("both requests are worked on", look).await?;
    Ok(requests)
}

#[when(expr = "{word} comes while 2 requests are in hand")]
async fn drain(world: &mut World, signal: String) -> Result<()> {
    let base = world.http().await?;
    let requests = in_hand(world, &base, 4).await?;
    let process = world.own.all_in_one.as_mut().context("no system of its own")?;
    process.signal(if signal == "SIGHUP" { Signal::HUP } else { Signal::TERM })?;
    // Connections that come before it looks at the signal are served as usual.
    let look = async || {
        let answer =
            raw::exchange(&base, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = answer.await.unwrap_or_else(|error| format!("{error:#}"));
        Ok(if answer.starts_with("HTTP/1.1 200") {
            Look::not_yet(answer)
        } else {
            Look::Done(answer)
        })
    };
    let (refusal, _) = look_until("new connections are turned away", look).await?;
    let lower = refusal.to_ascii_lowercase();
    ensure!(lower.starts_with("http/1.1 503"), "{refusal}");
    ensure!(lower.contains("retry-after: ") && lower.contains("connection: close"), "{refusal}");
    for request in requests {
        let answer = patiently("an answer", request).await???;
        ensure!(answer.status == 200, "{} {:?}", answer.status, answer.json());
    }
    let status = process.ended().await?;
    ensure!(status.code() == Some(0), "{status}: {}", process.log_tail());
    Ok(())
}

#[then("they were answered, new connections got 503 with a time to retry, and the exit code was 0")]
fn drained(world: &mut World) -> Result<()> {
    // Looked at as it happened: nothing of it is left.
    let process = world.own.all_in_one.as_ref().context("no system of its own")?;
    let running = std::path::Path::new(&format!("/proc/{}/exe", process.pid())).exists();
    ensure!(!running, "it still runs");
    Ok(())
}

#[then(
    "SIGTERM, while 2 requests take longer than its grace period, ends it with another exit code than 0"
)]
async fn cut_off(world: &mut World) -> Result<()> {
    let base = world.http().await?;
    let requests = in_hand(world, &base, 32).await?;
    let process = world.own.all_in_one.as_mut().context("no system of its own")?;
    process.signal(Signal::TERM)?;
    let status = process.ended().await?;
    requests.iter().for_each(tokio::task::JoinHandle::abort);
    ensure!(status.code().is_some_and(|code| code != 0), "{status}: {}", process.log_tail());
    let code = status.code().unwrap_or_default();
    world.note(format!("exit code {code}"));
    Ok(())
}

#[then("a worker with a wrong password ends with an error that says so and hides the password")]
async fn wrong_password(_: &mut World) -> Result<()> {
    let users = "authorization { user: me, password: right }".to_owned();
    let options = ocelli_nats_server::ServerOptions { extra: users, ..Default::default() };
    let broker = Broker::start_with(options).await?;
    let mut command = ocelli(&[])?;
    command
        .args(["run", "gpu-filter", "--admin", "127.0.0.1:0", "--nats"])
        .arg(broker.url_as("me", "hunter2"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output = patiently("the end of the worker", command.output()).await??;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code().is_some_and(|code| code != 0), "{}: {log}", output.status);
    ensure!(!log.contains("hunter2"), "the password is shown: {log}");
    let said = ["authoriz", "authentic", "password", "credential", "permission"];
    ensure!(said.iter().any(|word| log.to_ascii_lowercase().contains(word)), "{log}");
    Ok(())
}

/// Heads that are no HTTP/1.1 request.
const HEADS: [&[u8]; 5] = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
    b"\xff\xfe\xfd\r\n\r\n",
    b"GET /\xe9 HTTP/1.1\r\nhost: x\r\nno colon here\r\n\r\n",
    b"POST /api/v1/process/image HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
];

#[when(expr = "{int} connections send heads that are no HTTP request")]
async fn malformed(world: &mut World, count: usize) -> Result<()> {
    let base = world.http().await?;
    world.attack.traffic.as_mut().context("no ordinary requests")?.attack_begins();
    for head in HEADS.iter().cycle().take(count) {
        let answer = raw::exchange(&base, head).await?;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        ensure!(refused, "{:?}: {answer}", String::from_utf8_lossy(head));
    }
    world.attack.traffic.as_mut().context("no ordinary requests")?.attack_ends();
    world.attack.sent = count as u64;
    Ok(())
}

#[then("each is counted as an ended connection, and none is logged as an error")]
async fn ended_connections(world: &mut World) -> Result<()> {
    let admin = world.admin().await?;
    let sent = world.attack.sent;
    let look = async || {
        let count = Metrics::of(&admin).await?.count("ocelli_http_connections_ended_total")?;
        Ok(if count >= sent { Look::Done(count) } else { Look::not_yet(count) })
    };
    let (count, _) = look_until("each is counted", look).await?;
    world.note(format!("{count} ended connections were counted"));
    let gateway = world.own.gateway.as_ref().context("no gateway")?;
    let log = gateway.log();
    let errors: Vec<_> = log.lines().filter(|line| line.contains("ERROR")).collect();
    ensure!(errors.is_empty(), "{errors:?}");
    Ok(())
}

#[when(expr = "{int} clients send their bodies byte by byte")]
async fn trickle(world: &mut World, clients: usize) -> Result<()> {
    let base = world.http().await?;
    let host = base.strip_prefix("http://").context("not an http address")?.to_owned();
    if let Some(traffic) = &mut world.attack.traffic {
        traffic.attack_begins();
    }
    let since = Instant::now();
    let mut slow = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let host = host.clone();
        slow.spawn(async move {
            let head =
                "POST /api/v1/process/image HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n";
            let mut stream = TcpStream::connect(&host).await?;
            stream.write_all(head.as_bytes()).await?;
            // Until the gateway has had enough.
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            anyhow::Ok(())
        });
    }
    let all = async {
        while let Some(ended) = slow.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    };
    patiently("the gateway cuts off who is too slow", all).await??;
    let took = since.elapsed().as_secs_f64() * 1e3;
    record(&world.name, "slow bodies cut off", took, "ms", None);
    world.note(format!("all {clients} were cut off after {took:.0} ms"));
    if let Some(traffic) = &mut world.attack.traffic {
        traffic.attack_ends();
    }
    Ok(())
}
