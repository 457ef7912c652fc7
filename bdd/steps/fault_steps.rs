//! What breaks, and what the system does then.

use anyhow::{Context as _, Result, ensure};
use cucumber::{given, then, when};
use futures::future::join_all;
use ocelli_kernels::codec::Codec;
use ocelli_testkit::{Look, PATIENCE, System, look_until};
use rustix::process::Signal;
use tokio::time::Instant;

use crate::{
    foreign::Foreign, http, metrics::Metrics, outcome::Outcome, picture::Picture, process::ocelli,
    system, world::World,
};

#[given("a broker")]
async fn broker(world: &mut World) -> Result<()> {
    world.own.start_broker().await
}

#[given(expr = "{string} is set to {string}")]
fn set(world: &mut World, name: String, value: String) {
    world.own.environment.push((name, value));
}

#[given("a gpu-filter process")]
#[given("another gpu-filter process")]
#[when("a gpu-filter process is started")]
async fn worker(world: &mut World) -> Result<()> {
    world.own.start_worker().await
}

#[given("an ingest process")]
async fn gateway(world: &mut World) -> Result<()> {
    world.own.start_gateway().await
}

#[given("a system of its own")]
async fn own_system(world: &mut World) -> Result<()> {
    world.own.all_in_one = Some(System::up(ocelli(&world.own.environment)?).await?);
    Ok(())
}

#[when("the gpu-filter process is stopped")]
async fn stop_worker(world: &mut World) -> Result<()> {
    world.own.workers.pop().context("no worker runs")?.stop().await
}

#[when("the broker is stopped")]
async fn stop_broker(world: &mut World) -> Result<()> {
    world.own.stop_broker().await
}

#[when("the broker is started again")]
async fn restart_broker(world: &mut World) -> Result<()> {
    world.own.start_broker().await
}

/// Asks for a blur over HTTP, with more time to answer than this scenario has patience: who waits
/// for a timeout fails here.
async fn ask(world: &mut World) -> Result<Outcome> {
    let timeout = (PATIENCE * 3).as_millis();
    let query = http::query(&format!("filter=blur&timeout_ms={timeout}"));
    let file = Picture::colourful(64, 48).to_file(Codec::Png)?;
    http::process(&world.http().await?, &query, &[], file).await?.outcome()
}

#[when("a picture is posted")]
async fn post(world: &mut World) -> Result<()> {
    let start = Instant::now();
    let outcome = ask(world).await?;
    let took = start.elapsed();
    match outcome {
        Err(refusal) => {
            world.note(format!("status {} after {} ms", refusal.status, took.as_millis()));
            world.refusals = vec![refusal];
        }
        Ok(_) => world.refusals.clear(),
    }
    Ok(())
}

#[then("a picture is processed")]
async fn processed(world: &mut World) -> Result<()> {
    let outcome = ask(world).await?;
    ensure!(outcome.is_ok(), "{outcome:?}");
    Ok(())
}

#[then("pictures are processed again")]
async fn again(world: &mut World) -> Result<()> {
    let look = async || {
        let outcome = ask(world).await?;
        // Until then every request has its answer: unavailable, come again.
        let patient = |refusal: &crate::outcome::Refusal| refusal.retry_after.is_some();
        ensure!(outcome.as_ref().err().is_none_or(patient), "{outcome:?}");
        Ok(outcome.map_or_else(|refusal| Look::not_yet(refusal.message), |_| Look::Done(())))
    };
    let ((), took) = look_until("a picture is processed", look).await?;
    world.note(format!("processed again after {} ms", took.as_millis()));
    Ok(())
}

#[when(expr = "{int} pictures are posted at the same time")]
async fn flood(world: &mut World, count: usize) -> Result<()> {
    let base = world.http().await?;
    let query = http::query("filter=blur:kernel_size=31,sigma=9,separable=false");
    let file = bytes::Bytes::from(Picture::colourful(640, 480).to_file(Codec::Png)?);
    let one = || http::process(&base, &query, &[], file.clone());
    let worker = world.own.workers.first().context("no worker")?.ready().admin()?;
    let worker = system::url(worker);
    let mut most = 0;
    let answers = {
        let requests = join_all((0..count).map(|_| one()));
        tokio::pin!(requests);
        loop {
            tokio::select! {
                answers = &mut requests => break answers,
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {
                    most = most.max(Metrics::of(&worker).await?.count("ocelli_credits_in_use")?);
                }
            }
        }
    };
    world.answers = answers.into_iter().collect::<Result<_>>()?;
    world.note(format!("at most {most} credits were seen in use"));
    world.json = most.into();
    Ok(())
}

#[then(expr = "each is answered, with a picture or with {string} and a time to retry")]
fn each_answered(world: &mut World, kind: String) -> Result<()> {
    let (mut done, mut refused) = (0, 0);
    for answer in &world.answers {
        match answer.outcome()? {
            Ok(_) => done += 1,
            Err(refusal) => {
                ensure!([429, 503].contains(&refusal.status), "{refusal:?}");
                ensure!(refusal.kind == kind && refusal.retry_after.is_some(), "{refusal:?}");
                refused += 1;
            }
        }
    }
    world.note(format!("{done} processed, {refused} refused"));
    ensure!(done > 0, "nothing was processed");
    ensure!(refused > 0, "nothing was refused: that was no overload");
    Ok(())
}

#[then(expr = "never more than {int} credits were in use")]
fn credits(world: &mut World, most: u64) -> Result<()> {
    let seen = world.json.as_u64().context("no credits seen")?;
    ensure!((1..=most).contains(&seen), "{seen} credits in use");
    Ok(())
}

/// A bound, not a figure: a worker under this load holds about 100 MB.
#[then(expr = "the worker never held more than {int} MB of memory")]
fn memory(world: &mut World, most: u64) -> Result<()> {
    let worker = world.own.workers.first().context("no worker")?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.pid()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak")?;
    let peak = peak.trim().trim_end_matches(" kB").parse::<u64>()? / 1024;
    world.note(format!("the worker held at most {peak} MB"));
    ensure!(peak <= most, "the worker held {peak} MB");
    Ok(())
}

#[then(expr = "after {string} it ends with exit code 0 and leaves no nats-server")]
async fn ends(world: &mut World, signal: String) -> Result<()> {
    let signal = if signal == "SIGINT" { Signal::INT } else { Signal::TERM };
    let mut process = world.own.all_in_one.take().context("no system of its own")?;
    let broker = Foreign::broker_of(process.pid())?;
    process.signal(signal)?;
    let status = process.ended().await?;
    ensure!(status.code() == Some(0), "{status}: {}", process.log_tail());
    broker.gone().await
}

#[when("its nats-server is killed")]
async fn kill_broker(world: &mut World) -> Result<()> {
    let process = world.own.all_in_one.as_ref().context("no system of its own")?;
    let broker = Foreign::broker_of(process.pid())?;
    broker.kill()?;
    broker.gone().await
}

#[then("after SIGKILL it leaves no nats-server")]
async fn killed(world: &mut World) -> Result<()> {
    let mut process = world.own.all_in_one.take().context("no system of its own")?;
    let broker = Foreign::broker_of(process.pid())?;
    process.signal(Signal::KILL)?;
    let status = process.ended().await?;
    ensure!(!status.success(), "{status} after SIGKILL");
    broker.gone().await
}
