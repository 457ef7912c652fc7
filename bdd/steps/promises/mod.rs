//! Attacks on the running system, and what must hold meanwhile.
//!
//! - `traffic`: ordinary requests that run before, during and after an attack.
//! - `raw`: clients that do what no library would. `figures`: what was measured.
//! - `*_steps`: the sentences of `promises_*.feature`.

mod answer_steps;
mod deadline_steps;
mod edge_steps;
pub(crate) mod figures;
mod memory_steps;
mod part_steps;
mod raw;
mod traffic;
mod traffic_steps;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::{task::JoinSet, time::Instant};

use crate::{http::Answer, world::World};
use traffic::Traffic;

/// The attack of a scenario.
#[derive(Default)]
pub(crate) struct Attack {
    traffic: Option<Traffic>,
    /// Attackers that go on until the scenario ends.
    clients: JoinSet<Result<()>>,
    /// The answers to the attack's requests, and how long each took.
    answers: Vec<(Answer, Duration)>,
    /// How long the system took to do what the next sentence asks about.
    took: Option<Duration>,
    /// When the fault began.
    since: Option<Instant>,
    /// What was sent.
    sent: u64,
    /// What was answered, and refused.
    answered: (u64, u64),
    /// The budget of each process, bytes.
    budget: u64,
}

/// Lets the attackers go on for that long, and ends them; an error of one of them is one here.
async fn attack_for(world: &mut World, duration: Duration) -> Result<()> {
    let end = tokio::time::sleep(duration);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            Some(ended) = world.attack.clients.join_next() => match ended? {
                Ok(()) => {}
                Err(error) => return Err(error).context("an attacker"),
            },
        }
    }
    if world.attack.clients.is_empty() {
        bail!("every attacker has ended before the end of the attack");
    }
    world.attack.clients.shutdown().await;
    if let Some(traffic) = &mut world.attack.traffic {
        traffic.attack_ends();
    }
    Ok(())
}
