//! The signals that start a shutdown.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for SIGINT or SIGTERM, which start a clean shutdown, and returns the name of the signal.
///
/// The handlers are installed when the future is first polled, so poll it before the process
/// reports that it is ready. From then on, neither signal ends the process on its own.
pub async fn shutdown_signal() -> &'static str {
    let (mut interrupt, mut terminate) =
        (listen(SignalKind::interrupt(), "SIGINT"), listen(SignalKind::terminate(), "SIGTERM"));
    tokio::select! {
        () = received(&mut interrupt) => "SIGINT",
        () = received(&mut terminate) => "SIGTERM",
    }
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
