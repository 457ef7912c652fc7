//! What the command line does, besides running services.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "results go to stdout, progress and notes to stderr"
)]

mod config;
mod demo;
mod doctor;
mod filters;
mod process;

pub(crate) use config::config;
pub(crate) use demo::demo;
pub(crate) use doctor::doctor;
pub(crate) use filters::filters;
pub(crate) use process::process;

/// `ocelli completions`.
pub(crate) fn completions(shell: clap_complete::Shell) {
    let mut command = <crate::cli::Cli as clap::CommandFactory>::command();
    clap_complete::generate(shell, &mut command, "ocelli", &mut std::io::stdout());
}
