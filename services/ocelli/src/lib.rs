//! The program that runs the services: the command line, the settings, the managed broker, and the
//! node, which runs services until it is told to stop.
//!
//! Only the registry, [`SERVICES`], knows services by name.

#![forbid(unsafe_code)]

mod broker;
mod cli;
mod client;
mod commands;
mod exit;
mod node;
mod npy;
mod services;
mod settings;

use std::process::ExitCode;

use ocelli_kit::service::ServiceEntry;

pub use services::SERVICES;

use cli::Command;

/// Runs the command line of a program with the given services, and returns the exit code.
#[must_use]
pub fn main(services: &'static [ServiceEntry]) -> ExitCode {
    // This comes before anything else, because a process that was started as the broker's guard
    // becomes the broker here.
    if let Some(failed) = broker::become_guard() {
        return exit::report(&anyhow::Error::new(failed));
    }
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let (command, flags) = match cli::parse(services) {
        Ok(parsed) => parsed,
        Err(error) => return exit::usage(&error),
    };
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
