//! The commands of the program.

#![allow(clippy::print_stderr, reason = "progress and notes go to stderr")]

/// Prints results like `println!`, but a reader that stops early (`ocelli filters | head`) is not
/// an error.
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

/// Runs `ocelli completions`.
pub(crate) fn completions(services: &[ServiceEntry], shell: clap_complete::Shell) {
    let mut command = crate::cli::command(services);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "ocelli", &mut script);
    say!("{}", String::from_utf8_lossy(&script).trim_end());
}

/// Writes a line to stdout.
fn write_line(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // This fails when stdout is closed, and then the error cannot be reported there.
    writeln!(std::io::stdout(), "{line}").ok();
}
