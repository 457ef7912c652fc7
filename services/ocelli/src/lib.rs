//! The program around the services: the command line, the settings, the managed broker, and the
//! node that runs services until it is told to stop.
//!
//! It knows no service by name; `main.rs` hands it the registry.

#![forbid(unsafe_code)]

mod broker;
mod cli;
mod client;
mod commands;
mod exit;
mod node;
mod npy;
mod settings;

use std::process::ExitCode;

use ocelli_kit::service::ServiceEntry;

use cli::Command;

/// Runs the command line of a program with those services; the code to exit with.
#[must_use]
pub fn main(services: &'static [ServiceEntry]) -> ExitCode {
    // Before anything else: this is the small process between us and the broker.
    if let Some(failed) = broker::become_guard() {
        return exit::report(&anyhow::Error::new(failed));
    }
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let (command, flags) = cli::parse(services);
    let done = match command {
        Command::Up(up) => commands::up(services, up, flags),
        Command::Run(run) => commands::run(services, run, flags),
        Command::Process(process) => commands::process(process),
        Command::Filters(filters) => commands::filters(&filters),
        Command::Demo(demo) => commands::demo(demo),
        Command::Doctor(doctor) => commands::doctor(services, &doctor),
        Command::Config(config) => commands::config(services, &config),
        Command::Completions { shell } => {
            commands::completions(services, shell);
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| exit::report(&error))
}
