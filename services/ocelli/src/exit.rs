//! How the process ends: codes of `sysexits.h`, and errors as one readable line.

#![allow(clippy::print_stderr, reason = "errors of the command line go to stderr")]

use std::process::ExitCode;

use ocelli_messages::{ErrorKind, Failure};

/// The command line, the configuration or the input is wrong.
pub(crate) const USAGE: u8 = 64;
/// Something that it needs is not there.
pub(crate) const UNAVAILABLE: u8 = 69;
/// A supervisor gave up: a new process is the next thing to try.
pub(crate) const SOFTWARE: u8 = 70;

/// The configuration is wrong; its problems have been printed.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is wrong:\n  {}", .0.join("\n  "))]
pub(crate) struct BadConfig(pub(crate) Vec<String>);

/// Prints an error, and what is allowed instead; the code to end with.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("ocelli: {error:#}");
    if error.is::<BadConfig>() {
        return USAGE.into();
    }
    let Some(failure) = error.downcast_ref::<Failure>() else { return ExitCode::FAILURE };
    if !failure.field.is_empty() {
        eprintln!("  where:   {}", failure.field);
    }
    if !failure.allowed.is_empty() {
        eprintln!("  allowed: {}", failure.allowed.join(", "));
    }
    match failure.kind {
        ErrorKind::InvalidArgument | ErrorKind::Unsupported | ErrorKind::TooLarge => USAGE.into(),
        ErrorKind::Unavailable | ErrorKind::Overloaded => UNAVAILABLE.into(),
        _ => ExitCode::FAILURE,
    }
}
