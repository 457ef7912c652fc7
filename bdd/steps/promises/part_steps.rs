//! Promise 4: one bad part, not all.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cucumber::{then, when};
use ocelli_testkit::{Look, look_until};
use rustix::process::Signal;
use tokio::time::Instant;

use super::figures::record;
use crate::{foreign::Foreign, http, world::World};

fn fault(world: &mut World) -> Result<()> {
    world.attack.since = Some(Instant::now());
    world.attack.traffic.as_mut().context("no ordinary requests")?.attack_begins();
    Ok(())
}

#[when(expr = "one worker is frozen for {int} s")]
async fn freeze_worker(world: &mut World, seconds: u64) -> Result<()> {
    let worker = world.own.workers.first().context("no worker")?;
    worker.signal(Signal::STOP)?;
    fault(world)?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    world.attack.traffic.as_mut().context("no ordinary requests")?.attack_ends();
    Ok(())
}

#[when(expr = "one worker is killed with requests in hand, and {int} s pass")]
async fn kill_worker(world: &mut World, seconds: u64) -> Result<()> {
    let mut worker = world.own.workers.pop().context("no worker")?;
    worker.signal(Signal::KILL)?;
    fault(world)?;
    let status = worker.ended().await?;
    ensure!(!status.success(), "{status} after SIGKILL");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    world.attack.traffic.as_mut().context("no ordinary requests")?.attack_ends();
    Ok(())
}

#[when("the broker is frozen")]
async fn freeze_broker(world: &mut World) -> Result<()> {
    world.own.broker()?.freeze().await?;
    world.attack.since = Some(Instant::now());
    Ok(())
}

#[when("the broker goes on")]
async fn thaw_broker(world: &mut World) -> Result<()> {
    world.own.broker()?.thaw()?;
    Ok(())
}

/// Sends one request after the other.
#[then(expr = "within {int} ms requests are refused as {string}, each at once")]
async fn refused_at_once(world: &mut World, limit_ms: u64, kind: String) -> Result<()> {
    let since = world.attack.since.context("no fault")?;
    let base = world.http().await?;
    let query = http::query("filter=blur&timeout_ms=60000");
    let file = crate::picture::Picture::colourful(64, 48);
    let file = bytes::Bytes::from(file.to_file(ocelli_kernels::codec::Codec::Png)?);
    let first = http::process(&base, &query, &[], file.clone()).await?;
    let took = since.elapsed();
    record(&world.name, "first refusal after the freeze", ms(took), "ms", Some(limit_ms as f64));
    let refusal = first.refusal()?;
    ensure!(refusal.kind == kind && refusal.retry_after.is_some(), "{refusal:?}");
    ensure!(took <= Duration::from_millis(limit_ms), "refused after {} ms", ms(took));
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let sent = Instant::now();
        let refusal = http::process(&base, &query, &[], file.clone()).await?.refusal()?;
        ensure!(refusal.kind == kind, "{refusal:?}");
        slowest = slowest.max(sent.elapsed());
    }
    record(&world.name, "slowest refusal afterwards", ms(slowest), "ms", None);
    world.note(format!("refused after {:.0} ms, then within {:.0} ms", ms(took), ms(slowest)));
    // At once: a machine under load may take its time, a wait for the broker takes seconds.
    ensure!(slowest <= Duration::from_millis(500), "a refusal took {} ms", ms(slowest));
    Ok(())
}

#[then("nothing waits for the broker")]
async fn nothing_queued(world: &mut World) -> Result<()> {
    for admin in world.admins().await? {
        let look = async || {
            let metrics = crate::metrics::Metrics::of(&admin).await?;
            let bytes = metrics.count("ocelli_broker_outgoing_bytes")?;
            // Signs of life, statistics: less than any picture.
            Ok(if bytes < 100_000 { Look::Done(()) } else { Look::not_yet(bytes) })
        };
        look_until("no bytes are queued", look).await?;
    }
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[when(expr = "its nats-server is killed {int} times")]
async fn kill_often(world: &mut World, times: u64) -> Result<()> {
    let mut slowest = Duration::ZERO;
    for _ in 0..times {
        let process = world.own.all_in_one.as_ref().context("no system of its own")?;
        let (pid, url) = (process.pid(), process.ready().nats()?.to_owned());
        let host = url.trim_start_matches("nats://").to_owned();
        let broker = Foreign::broker_of(pid)?;
        broker.kill()?;
        let killed = Instant::now();
        broker.gone().await?;
        let look = async || {
            let up = tokio::net::TcpStream::connect(&host).await.is_ok();
            Ok(if up { Look::Done(killed.elapsed()) } else { Look::not_yet("no broker") })
        };
        slowest = slowest.max(look_until("the broker is back", look).await?.0);
        works_again(world, killed).await?;
    }
    record(&world.name, "slowest return of the broker", ms(slowest), "ms", Some(1000.0));
    world.note(format!("the broker was back after at most {:.0} ms", ms(slowest)));
    world.attack.took = Some(slowest);
    Ok(())
}

async fn works_again(world: &mut World, since: Instant) -> Result<()> {
    let base = world.http().await?;
    let query = http::query("filter=blur");
    let file = crate::picture::Picture::colourful(64, 48);
    let file = bytes::Bytes::from(file.to_file(ocelli_kernels::codec::Codec::Png)?);
    let look = async || {
        let answer = http::process(&base, &query, &[], file.clone()).await?;
        Ok(if answer.status == 200 {
            Look::Done(since.elapsed())
        } else {
            Look::not_yet(answer.status)
        })
    };
    let (took, _) = look_until("a picture is processed", look).await?;
    record(&world.name, "recovery", ms(took), "ms", None);
    Ok(())
}

/// A second is the promise; the machine may be busy.
#[then(expr = "the broker was back within {int} ms each time")]
fn broker_back(world: &mut World, limit_ms: u64) -> Result<()> {
    let took = world.attack.took.context("nothing was measured")?;
    ensure!(took <= Duration::from_millis(limit_ms), "the broker was back after {took:?}");
    Ok(())
}

#[then("the system works again")]
async fn recovered(world: &mut World) -> Result<()> {
    works_again(world, Instant::now()).await
}

#[then("its processes still run")]
fn still_run(world: &mut World) -> Result<()> {
    let processes = world.own.workers.iter().chain(&world.own.gateway).chain(&world.own.all_in_one);
    for process in processes {
        let running = std::path::Path::new(&format!("/proc/{}/exe", process.pid())).exists();
        ensure!(running, "process {} has ended: {}", process.pid(), process.log_tail());
    }
    Ok(())
}
