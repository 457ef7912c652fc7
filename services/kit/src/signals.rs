//! When to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for SIGINT or SIGTERM and says which came: the start of a clean shutdown.
///
/// The handlers are installed when the future is first polled: poll it before the process tells
/// anyone that it is ready. From then on neither signal ends the process by itself.
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
            // The signal then keeps its default action, which ends the process all the same.
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
