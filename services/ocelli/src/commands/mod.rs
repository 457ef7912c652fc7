//! The commands.

#![allow(clippy::print_stderr, reason = "progress and notes go to stderr")]

/// `println!` for results: a reader that has seen enough (`ocelli filters | head`) is no error.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::commands::write_line(format_args!($($text)*))
    };
}

mod config;
mod demo;
mod doctor;
mod filters;
mod process;
mod start;

use ocelli_kit::service::ServiceEntry;

pub(crate) use config::config;
pub(crate) use demo::demo;
pub(crate) use doctor::doctor;
pub(crate) use filters::filters;
pub(crate) use process::process;
pub(crate) use start::{run, up};

/// `ocelli completions`.
pub(crate) fn completions(services: &[ServiceEntry], shell: clap_complete::Shell) {
    let mut command = crate::cli::command(services);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "ocelli", &mut script);
    say!("{}", String::from_utf8_lossy(&script).trim_end());
}

/// A line on stdout.
fn write_line(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // It fails when nobody reads any more; there is nobody left to tell.
    writeln!(std::io::stdout(), "{line}").ok();
}
