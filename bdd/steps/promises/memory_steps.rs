//! Promise 2: memory has a number.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use cucumber::{then, when};
use ocelli_kernels::codec::Codec;
use ocelli_messages::StreamName;
use ocelli_testkit::{System, frames};
use prost::Message as _;

use super::{figures::record, raw};
use crate::{nats, picture::Picture, world::World};

/// Clients that post or claim as much as they may.
const CLIENTS: usize = 16;
/// Clients that ask for large answers and never read.
const DEAF: usize = 300;

#[when(regex = r"^for (\d+) s (.+)$")]
async fn attack(world: &mut World, seconds: u64, name: String) -> Result<()> {
    let sent = Arc::new(AtomicU64::new(0));
    if let Some(traffic) = &mut world.attack.traffic {
        traffic.attack_begins();
    }
    let mut frozen = true;
    match name.as_str() {
        "clients post 10 MB each to a frozen broker" => posts(world, &sent).await?,
        "nobody reads live answers of 6.2 MB" => live(world, &sent).await?,
        "300 clients ask for 15 MB each and never read" => deaf(world, &sent).await?,
        "clients send small files that claim 59 million pixels" => bombs(world, &sent).await?,
        "all of them attack at once" => {
            posts(world, &sent).await?;
            live(world, &sent).await?;
            deaf(world, &sent).await?;
            bombs(world, &sent).await?;
        }
        other => bail!("no attack is called {other:?}"),
    }
    let duration = Duration::from_secs(seconds);
    if name.contains("frozen") {
        world.own.broker()?.freeze().await?;
        super::attack_for(world, duration).await?;
    } else if name.starts_with("all") {
        // Half of the time with a broker that takes things, half with one that does not.
        tokio::time::sleep(duration / 2).await;
        world.own.broker()?.freeze().await?;
        super::attack_for(world, duration / 2).await?;
    } else {
        frozen = false;
        super::attack_for(world, duration).await?;
    }
    if frozen {
        world.own.broker()?.thaw()?;
    }
    world.attack.sent = sent.load(Ordering::Relaxed);
    record(&world.name, "requests of the attack", world.attack.sent as f64, "", None);
    ensure!(world.attack.sent > 0, "the attack sent nothing");
    Ok(())
}

/// 10 MB each, one after the other.
async fn posts(world: &mut World, sent: &Arc<AtomicU64>) -> Result<()> {
    let base = world.http().await?;
    let url = format!(
        "{base}/api/v1/process/image?width=2000&height=1650&pixel_format=rgb8&format=raw&timeout_ms=5000"
    );
    repeat(world, url, Bytes::from(vec![77; 2000 * 1650 * 3]), sent);
    Ok(())
}

/// A flat picture: its file is a thousandth of its pixels.
async fn bombs(world: &mut World, sent: &Arc<AtomicU64>) -> Result<()> {
    let base = world.http().await?;
    let (width, height) = (7680, 7680);
    let picture = Picture { width, height, channels: 1, pixels: vec![9; width * height] };
    let file = picture.to_file(Codec::Png)?;
    world.note(format!("a file of {} bytes claims {} pixels", file.len(), width * height));
    let url = format!("{base}/api/v1/process/image?filter=blur&format=png&timeout_ms=20000");
    repeat(world, url, file.into(), sent);
    Ok(())
}

/// Clients that post that, whatever is answered.
fn repeat(world: &mut World, url: String, body: Bytes, sent: &Arc<AtomicU64>) {
    let client = reqwest::Client::new();
    for _ in 0..CLIENTS {
        let (client, url, body, sent) = (client.clone(), url.clone(), body.clone(), sent.clone());
        world.attack.clients.spawn(async move {
            loop {
                sent.fetch_add(1, Ordering::Relaxed);
                // A refusal may close the connection while the body is sent.
                if let Ok(answer) = client.post(&url).body(body.clone()).send().await {
                    drop(answer.bytes().await);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }
}

/// Raw answers from small files, which stay in the gateway.
async fn deaf(world: &mut World, sent: &Arc<AtomicU64>) -> Result<()> {
    let base = world.http().await?;
    let (width, height) = (2500, 2000);
    let picture = Picture { width, height, channels: 3, pixels: vec![9; width * height * 3] };
    let file = Bytes::from(picture.to_file(Codec::Png)?);
    for _ in 0..DEAF {
        let (base, file, sent) = (base.clone(), file.clone(), sent.clone());
        world.attack.clients.spawn(async move {
            loop {
                sent.fetch_add(1, Ordering::Relaxed);
                if let Ok(stream) = raw::post(&base, "format=raw&timeout_ms=20000", &file).await {
                    // Until the gateway gives up; it must not be read from.
                    let closed = stream.ready(tokio::io::Interest::ERROR);
                    drop(tokio::time::timeout(Duration::from_secs(20), closed).await);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }
    Ok(())
}

/// A subscriber that never reads, and a publisher of 1080p.
async fn live(world: &mut World, sent: &Arc<AtomicU64>) -> Result<()> {
    let url = world.ready().await?.nats.context("no broker")?;
    let stream: StreamName = "attack".parse()?;
    let (inward, outward) = nats::frame_subjects(&stream);
    let frame = frames::rgb(1920, 1080);
    let payload = frames::request(frame, Vec::new()).encode_to_vec();
    let head = format!("PUB {inward} {}\r\n", payload.len());
    let message = [head.as_bytes(), &payload, b"\r\n"].concat();
    let sent = sent.clone();
    world.attack.clients.spawn(async move {
        loop {
            let mut nobody = raw::Nats::connect(&url).await?;
            nobody.subscribe(&outward).await?;
            let mut publisher = raw::Nats::connect(&url).await?;
            let held = nobody.hold();
            tokio::pin!(held);
            let publish = async {
                loop {
                    publisher.write(&message).await?;
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            };
            // The broker drops the subscriber at some point; there is always another one.
            let pause = tokio::time::sleep(Duration::from_secs(5));
            let ended: Result<()> = tokio::select! {
                ended = publish => ended,
                () = &mut held => Ok(()),
                () = pause => Ok(()),
            };
            drop(ended);
        }
    });
    Ok(())
}

/// What the process held at most, bytes.
fn peak(process: &System) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak")?;
    Ok(peak.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

#[then("no process ever held more than its budget allows")]
async fn within_budget(world: &mut World) -> Result<()> {
    let bound = world.attack.budget as f64 * 1.1 + 150e6;
    let workers = world.own.workers.iter().map(|worker| ("worker", worker));
    let gateway = world.own.gateway.iter().map(|gateway| ("gateway", gateway));
    let peaks: Vec<_> = workers
        .chain(gateway)
        .map(|(name, process)| Ok((name, peak(process)? as f64)))
        .collect::<Result<_>>()?;
    ensure!(!peaks.is_empty(), "no process");
    for (name, peak) in &peaks {
        let what = format!("peak memory of the {name}");
        record(&world.name, &what, peak / 1e6, "MB", Some(bound / 1e6));
        world.note(format!("{what}: {:.0} of {:.0} MB", peak / 1e6, bound / 1e6));
    }
    let most = peaks.iter().map(|(_, peak)| *peak).fold(0.0, f64::max);
    ensure!(most <= bound, "{:.0} MB instead of {:.0}", most / 1e6, bound / 1e6);
    Ok(())
}
