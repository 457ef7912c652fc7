//! What ordinary requests must see of an attack.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cucumber::{given, then, when};

use super::{
    figures::record,
    traffic::{Fate, Phase, Traffic},
};
use crate::world::World;

#[given(expr = "{int} ordinary clients over HTTP")]
async fn over_http(world: &mut World, clients: usize) -> Result<()> {
    let base = world.http().await?;
    world.attack.traffic = Some(Traffic::over_http(&base, clients).await?);
    Ok(())
}

#[given(expr = "{int} ordinary clients over NATS")]
async fn over_nats(world: &mut World, clients: usize) -> Result<()> {
    let url = world.ready().await?.nats.context("no broker")?;
    world.attack.traffic = Some(Traffic::over_nats(&url, clients).await?);
    Ok(())
}

#[when("the attack ends")]
async fn ends(world: &mut World) -> Result<()> {
    world.attack.clients.shutdown().await;
    world.attack.traffic.as_mut().context("no ordinary requests")?.attack_ends();
    Ok(())
}

/// Ends the traffic, and keeps its figures.
async fn finish(world: &mut World) -> Result<[Phase; 3]> {
    let traffic = world.attack.traffic.take().context("no ordinary requests")?;
    let (phases, recovery) = traffic.finish().await?;
    world.attack.clients.shutdown().await;
    let name = world.name.clone();
    let [before, during, after] = &phases;
    let percent = |phase: &Phase| 100.0 * phase.rate / before.rate.max(1e-3);
    record(&name, "ordinary requests before", before.rate, "1/s", None);
    record(&name, "ordinary requests during", percent(during), "%", Some(50.0));
    record(&name, "ordinary requests after", percent(after), "%", Some(98.0));
    record(&name, "slowest ordinary request", ms(during.slowest()), "ms", None);
    record(&name, "recovery", ms(recovery), "ms", None);
    let refused = during.samples.iter().filter(|s| matches!(s.fate, Fate::Refused(_))).count();
    record(&name, "ordinary requests refused", refused as f64, "", None);
    world.note(format!(
        "ordinary requests: {:.0}/s before, {:.0} % during, {:.0} % after; slowest {:.0} ms, \
         {refused} refused, recovery {:.0} ms",
        before.rate,
        percent(during),
        percent(after),
        ms(during.slowest()),
        ms(recovery)
    ));
    Ok(phases)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// During and after it.
fn check(phases: &[Phase; 3], limit: Duration, refusals: bool) -> Result<()> {
    let [_, during, after] = phases;
    ensure!(!during.samples.is_empty(), "nothing ordinary was sent during the attack");
    for sample in during.samples.iter().chain(&after.samples) {
        let fine = match &sample.fate {
            Fate::Done => true,
            Fate::Refused(_) => refusals,
            Fate::Lost(_) => false,
        };
        ensure!(fine, "an ordinary request after {} ms: {:?}", ms(sample.took), sample.fate);
        ensure!(sample.took <= limit, "an ordinary request took {} ms", ms(sample.took));
    }
    for sample in &after.samples {
        ensure!(sample.fate == Fate::Done, "after the attack: {:?}", sample.fate);
    }
    Ok(())
}

#[then(expr = "every ordinary request was processed, within {int} s")]
async fn processed(world: &mut World, limit: u64) -> Result<()> {
    check(&finish(world).await?, Duration::from_secs(limit), false)
}

#[then(expr = "every ordinary request was processed or told to come back, within {int} s")]
async fn processed_or_refused(world: &mut World, limit: u64) -> Result<()> {
    check(&finish(world).await?, Duration::from_secs(limit), true)
}

#[then(
    expr = "every ordinary request was processed, within {int} s, and those sent {int} s after the fault within {int} s"
)]
async fn processed_soon(world: &mut World, limit: u64, later: u64, soon: u64) -> Result<()> {
    let fault = world.attack.since.context("no fault")?;
    let phases = finish(world).await?;
    let late = phases.iter().flat_map(|phase| &phase.samples);
    let late: Vec<_> =
        late.filter(|sample| sample.sent >= fault + Duration::from_secs(later)).collect();
    ensure!(!late.is_empty(), "nothing was sent that late");
    let slowest = late.iter().map(|sample| sample.took).max().unwrap_or_default();
    record(&world.name, &format!("slowest, {later} s after the fault"), ms(slowest), "ms", None);
    ensure!(slowest <= Duration::from_secs(soon), "one sent later took {} ms", ms(slowest));
    check(&phases, Duration::from_secs(limit), false)
}
