//! Waiting for something to become true, with patience but without end.

use std::{fmt, time::Duration};

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout};

/// What a loaded machine may take for something that takes milliseconds: the limit of patience,
/// never a promise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(10);

/// What came of one look.
pub(crate) enum Look<T> {
    /// It is there.
    Done(T),
    /// Not yet; the text says what is there instead.
    NotYet(String),
}

impl<T> Look<T> {
    /// Not yet, because of that.
    pub(crate) fn not_yet(found: impl fmt::Display) -> Self {
        Self::NotYet(found.to_string())
    }
}

/// Looks again and again; returns what was found and how long that took.
pub(crate) async fn wait_until<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Look<T>>,
) -> Result<(T, Duration)> {
    let start = Instant::now();
    let mut last = String::from("nothing");
    while start.elapsed() < PATIENCE {
        match look().await? {
            Look::Done(value) => return Ok((value, start.elapsed())),
            Look::NotYet(found) => last = found,
        }
        sleep(POLL).await;
    }
    bail!("waited {} s until {what}; last seen: {last}", PATIENCE.as_secs())
}

/// Awaits something that must come within the limit of patience.
pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    match timeout(PATIENCE, future).await {
        Ok(value) => Ok(value),
        Err(_) => bail!("waited {} s for {what}", PATIENCE.as_secs()),
    }
}
