//! `ocelli`: all services, the managed broker and the command line in one binary.

mod broker;
mod cli;
mod client;
mod commands;
mod exit;
mod links;
mod npy;
mod run;
mod settings;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

// Frames of half a megabyte and more come and go with every request. The system's allocator maps
// and unmaps such memory each time, and every page of it faults anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: this is the small process between us and the broker.
    if let Some(failed) = broker::become_guard() {
        return exit::report(&anyhow::Error::new(failed));
    }
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Up(up) => run::up(up),
        Command::Run(services) => run::run(services),
        Command::Process(process) => commands::process(process),
        Command::Filters(filters) => commands::filters(&filters),
        Command::Demo(demo) => commands::demo(demo),
        Command::Doctor(doctor) => commands::doctor(&doctor),
        Command::Config(config) => commands::config(&config),
        Command::Completions { shell } => {
            commands::completions(shell);
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| exit::report(&error))
}
