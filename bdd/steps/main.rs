//! Runs the features against the whole system.
//!
//! - `world`: what one scenario knows. `system`, `process`, `foreign`: the processes it talks to.
//! - `http`, `nats`, `metrics`: the system as a client sees it. `outcome`: what it answers.
//! - `picture`, `reference`, `golden`: what goes in, and what must come out.
//! - `*_steps`: the sentences of the feature files, by topic.
//! - `promises`: attacks, and what must hold meanwhile.
//! - `report`: what is printed and left in `target/bdd/`.

mod bad_input_steps;
mod capability_steps;
mod context_steps;
mod family_steps;
mod fault_steps;
mod foreign;
mod golden;
mod health_steps;
mod http;
mod image_steps;
mod live_steps;
mod metrics;
mod nats;
mod outcome;
mod picture;
mod process;
mod promises;
mod reference;
mod refusal_steps;
mod report;
mod system;
mod world;

use std::{path::Path, process::ExitCode};

use anyhow::{Result, anyhow};
use cucumber::{World as _, WriterExt as _, writer};
use futures::FutureExt as _;
use tokio::signal::unix::{SignalKind, signal};

use report::Recorder;
use world::World;

/// Two cores are what the smallest machine has.
const AT_A_TIME: usize = 2;

/// The tag of attacks at full length: `make chaos` runs them, `make bdd` does not.
const LONG: &str = "chaos";

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| anyhow!("a TLS provider is installed already"))?;
    let recorder = Recorder::default();
    let report = recorder.report();
    let terminal = writer::Basic::raw(std::io::stdout(), writer::Coloring::Auto, 0);
    let run = World::cucumber()
        .max_concurrent_scenarios(AT_A_TIME)
        .with_writer(terminal.tee::<World, _>(recorder).normalized::<World>())
        .fail_on_skipped()
        .before(|_, _, scenario, world| {
            world.name.clone_from(&scenario.name);
            futures::future::ready(()).boxed_local()
        })
        .after(|feature, _, scenario, _, world| {
            if let Some(world) = world {
                report::keep_notes(feature, scenario, std::mem::take(&mut world.notes));
            }
            futures::future::ready(()).boxed_local()
        })
        // Without --tags or --name, whose choice replaces this one.
        .filter_run(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("features"),
            |feature, _, scenario| {
                !feature.tags.iter().chain(&scenario.tags).any(|tag| tag == LONG)
            },
        );
    // Dropped, a run kills its processes; killed, it could not.
    let interrupted = tokio::select! {
        _ = run => false,
        interrupted = interrupted() => interrupted?,
    };
    // Before anything else may fail: it would live on.
    let stopped = system::stop_shared().await;
    golden::save()?;
    promises::figures::save()?;
    let report = report.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let passed = report::finish(&report)?;
    stopped?;
    Ok(if passed && !interrupted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() -> Result<bool> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminated.recv() => {}
    }
    Ok(true)
}
