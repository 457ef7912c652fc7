//! The end of the process: exit codes from `sysexits.h`, and errors as one readable line.

#![allow(clippy::print_stderr, reason = "errors of the command line go to stderr")]

use std::process::ExitCode;

use ocelli_messages::{ErrorKind, Failure};

/// Everything went well.
pub(crate) const SUCCESS: u8 = 0;
/// The command line, the configuration or the input is invalid.
pub(crate) const USAGE: u8 = 64;
/// The broker, a worker or another resource is not available.
pub(crate) const UNAVAILABLE: u8 = 69;
/// A supervisor gave up, so the process should be restarted.
pub(crate) const SOFTWARE: u8 = 70;

/// Work was cut off, because it was not finished when the process had to end.
pub(crate) const CUT_OFF: u8 = 75;
/// The broker refused the login or a subscription.
pub(crate) const NO_PERMISSION: u8 = 77;

/// The configuration is invalid. The error lists its problems.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is invalid:\n  {}", .0.join("\n  "))]
pub(crate) struct BadConfig(pub(crate) Vec<String>);

/// Prints an error and the allowed values, and returns the exit code.
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
        ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => NO_PERMISSION.into(),
        _ => ExitCode::FAILURE,
    }
}

/// Prints help, or what is wrong with the command line, and returns the exit code.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // This fails when stdout or stderr is closed, and then the text cannot be shown.
    error.print().ok();
    if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS }
}
