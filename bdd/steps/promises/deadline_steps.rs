//! Promise 1: a deadline stops the work, and so does a caller who goes away.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use cucumber::{given, then, when};
use futures::future::join_all;
use ocelli_kernels::codec::Codec;
use ocelli_messages::{Tenant, header, subjects, v1};
use ocelli_testkit::{Look, frames, look_until};
use prost::Message as _;
use tokio::time::Instant;

use super::{figures::record, raw};
use crate::{http, metrics::Metrics, nats, picture::Picture, system, world::World};

/// Flat, so that the file is small.
fn grey(width: usize, height: usize) -> Result<Bytes> {
    let picture = Picture { width, height, channels: 1, pixels: vec![128; width * height] };
    Ok(picture.to_file(Codec::Png)?.into())
}

fn bilateral(count: usize, limit_ms: u64) -> String {
    let filters = "filter=bilateral:diameter=51&".repeat(count);
    format!("{filters}timeout_ms={limit_ms}")
}

/// Everything that waits or works there.
async fn in_use(world: &World) -> Result<u64> {
    let mut sum = 0;
    for worker in &world.own.workers {
        let metrics = Metrics::of(&system::url(worker.ready().admin()?)).await?;
        sum += metrics.labelled("ocelli_credits_in_use", "pool=\"filter-process\"")?;
    }
    Ok(sum)
}

#[when(
    expr = "{int} clients ask for {int} × bilateral:diameter=51 of {int}×{int} grey pixels within {int} ms"
)]
async fn too_long(
    world: &mut World,
    clients: usize,
    filters: usize,
    width: usize,
    height: usize,
    limit_ms: u64,
) -> Result<()> {
    let file = grey(width, height)?;
    let base = world.http().await?;
    let query = http::query(&bilateral(filters, limit_ms));
    if let Some(traffic) = &mut world.attack.traffic {
        traffic.attack_begins();
    }
    let one = || async {
        let sent = Instant::now();
        anyhow::Ok((http::process(&base, &query, &[], file.clone()).await?, sent.elapsed()))
    };
    let answers = join_all((0..clients).map(|_| one())).await;
    world.attack.answers = answers.into_iter().collect::<Result<_>>()?;
    world.attack.since = Some(Instant::now());
    Ok(())
}

#[then(expr = "each is refused as {string} within {int} ms")]
async fn each_refused(world: &mut World, kind: String, limit_ms: u64) -> Result<()> {
    let slowest = world.attack.answers.iter().map(|(_, took)| *took).max().unwrap_or_default();
    ms(world, "slowest answer of the attack", slowest, Some(limit_ms));
    ensure!(!world.attack.answers.is_empty(), "nothing was asked");
    for (answer, took) in &world.attack.answers {
        let refusal = answer.refusal()?;
        ensure!(refusal.kind == kind, "{refusal:?}");
        ensure!(*took <= Duration::from_millis(limit_ms), "{} ms", took.as_millis());
    }
    let (answer, _) = world.attack.answers.first().context("nothing was asked")?;
    let refusal = answer.refusal()?;
    world.note(refusal.message);
    Ok(())
}

#[then(expr = "within {int} ms nobody works on them any more")]
async fn nobody_works(world: &mut World, limit_ms: u64) -> Result<()> {
    let since = world.attack.since.context("nothing ended")?;
    let took = idle(world, since).await?;
    ms(world, "credits back after the answer", took, Some(limit_ms));
    ensure!(took <= Duration::from_millis(limit_ms), "the credits were back after {took:?}");
    Ok(())
}

fn ms(world: &mut World, what: &str, took: Duration, goal: Option<u64>) {
    let value = took.as_secs_f64() * 1e3;
    record(&world.name, what, value, "ms", goal.map(|goal| goal as f64));
    world.note(format!("{what}: {value:.0} ms"));
}

/// When the workers have no request left, counted from then.
async fn idle(world: &World, since: Instant) -> Result<Duration> {
    let look = async || {
        let left = in_use(world).await?;
        Ok(if left == 0 { Look::Done(since.elapsed()) } else { Look::not_yet(left) })
    };
    Ok(look_until("the workers are idle", look).await?.0)
}

async fn busy(world: &World, requests: u64) -> Result<()> {
    let look = async || {
        let left = in_use(world).await?;
        Ok(if left == requests { Look::Done(()) } else { Look::not_yet(left) })
    };
    look_until(&format!("{requests} requests are at the workers"), look).await?;
    Ok(())
}

#[when(
    expr = "{int} clients reset their connections while their requests, which take long, are worked on"
)]
async fn resets(world: &mut World, clients: usize) -> Result<()> {
    let file = grey(2000, 2000)?;
    let base = world.http().await?;
    let query = bilateral(20, 600_000);
    let mut streams = Vec::new();
    for _ in 0..clients {
        streams.push(raw::post(&base, &query, &file).await?);
    }
    busy(world, clients as u64).await?;
    let since = Instant::now();
    streams.into_iter().try_for_each(raw::reset)?;
    let took = idle(world, since).await?;
    world.attack.took = Some(took);
    ms(world, "credits back after the reset", took, Some(100));
    Ok(())
}

#[when(expr = "a NATS client cancels {int} requests, which take long, while they are worked on")]
async fn cancels(world: &mut World, requests: usize) -> Result<()> {
    let client = world.client().await?;
    let steps = (0..20).map(|_| frames::step("bilateral", &[("diameter", "51")])).collect();
    let frame = frames::grey(2000, 2000);
    let payload = Bytes::from(frames::request(frame, steps).encode_to_vec());
    let deadline = std::time::SystemTime::now() + Duration::from_secs(500);
    let deadline = deadline.duration_since(std::time::UNIX_EPOCH)?.as_millis().to_string();
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Ocelli-Deadline", deadline.as_str());
    let inboxes: Vec<_> = (0..requests).map(|_| client.new_inbox()).collect();
    for inbox in &inboxes {
        let subject = nats::process_subject();
        let (headers, payload) = (headers.clone(), payload.clone());
        client.publish_with_reply_and_headers(subject, inbox.clone(), headers, payload).await?;
    }
    busy(world, requests as u64).await?;
    let subject = subjects::CANCEL.of(&Tenant::default()).to_string();
    let since = Instant::now();
    for reply in inboxes {
        let cancel = v1::CancelRequest { reply }.encode_to_vec();
        client.publish(subject.clone(), cancel.into()).await?;
    }
    client.flush().await?;
    let took = idle(world, since).await?;
    world.attack.took = Some(took);
    ms(world, "credits back after the cancellation", took, Some(100));
    Ok(())
}

#[then(expr = "their credits were back within {int} ms")]
fn were_back(world: &mut World, limit_ms: u64) -> Result<()> {
    let took = world.attack.took.context("nothing was measured")?;
    ensure!(took <= Duration::from_millis(limit_ms), "the credits were back after {took:?}");
    Ok(())
}

/// Large requests of one client, that many at all times.
#[when(expr = "one NATS client keeps {int} large requests outstanding for {int} s")]
async fn greedy(world: &mut World, outstanding: usize, seconds: u64) -> Result<()> {
    let url = world.ready().await?.nats.context("no broker")?;
    let client = nats::connect(&url).await?;
    let steps = vec![frames::step("bilateral", &[("diameter", "15")])];
    let payload = Bytes::from(frames::request(frames::grey(640, 480), steps).encode_to_vec());
    world.attack.traffic.as_mut().context("no ordinary requests")?.attack_begins();
    for _ in 0..outstanding {
        let (client, payload) = (client.clone(), payload.clone());
        world.attack.clients.spawn(async move {
            loop {
                let request = async_nats::Request::new().payload(payload.clone()).timeout(None);
                let reply = client.send_request(nats::process_subject(), request).await?;
                let headers = reply.headers.as_ref();
                if headers.is_some_and(|headers| headers.get(header::ERROR_CODE).is_some()) {
                    // Who is refused does not ask again at once: this is about requests that wait.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        });
    }
    super::attack_for(world, Duration::from_secs(seconds)).await
}

#[given(expr = "a memory budget of {int} MiB")]
fn budget(world: &mut World, mebibytes: u64) {
    let mut set = |name: &str, value: u64| {
        world.own.environment.push((name.to_owned(), value.to_string()));
    };
    set("OCELLI_LIMITS__MEMORY_BYTES", mebibytes << 20);
    // What the smallest of the budgets holds.
    set("OCELLI_LIMITS__MAX_PIXELS", 60_000_000);
    world.attack.budget = mebibytes << 20;
}
