//! The signals that start a shutdown.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for SIGINT, SIGTERM or SIGHUP, which start a clean shutdown, and returns the name of the signal.
///
/// The handlers are installed when the future is first polled, so poll it before the process
/// reports that it is ready. From then on, none of the signals ends the process on its own. SIGHUP
/// stays ignored if it was when the process started, as `nohup` arranges it.
pub async fn shutdown_signal() -> &'static str {
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt(), "SIGINT"), listen(SignalKind::terminate(), "SIGTERM"));
    let mut hangup =
        if hangup_is_ignored() { None } else { listen(SignalKind::hangup(), "SIGHUP") };
    tokio::select! {
        () = received(&mut interrupt) => "SIGINT",
        () = received(&mut terminate) => "SIGTERM",
        () = received(&mut hangup) => "SIGHUP",
    }
}

/// Whether whoever started this process had it ignore SIGHUP, whose bit is the lowest.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 1)
}

fn listen(kind: SignalKind, name: &str) -> Option<Signal> {
    signal(kind)
        .inspect_err(|error| {
            // The signal then keeps its default action, which also ends the process.
            tracing::warn!(%error, signal = name, "cannot listen for a signal");
        })
        .ok()
}

async fn received(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}
