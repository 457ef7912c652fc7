//! Waiting for something to become true, with patience but not for ever.

use std::{future::Future, time::Duration};

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout};

/// How long a test waits for something that takes milliseconds on an idle machine, or a few
/// seconds where a cluster has to elect a leader. It is a limit and not a promise: a test that
/// measures a duration states its own.
pub const PATIENCE: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(10);

/// Calls `look` again and again until it returns a value.
///
/// # Errors
/// If there is no value within [`PATIENCE`]; the text says what was waited for.
pub async fn wait_until<T, F>(what: &str, mut look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Option<T>>,
{
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Ok(Some(found)) = timeout(PATIENCE, look()).await {
            return Ok(found);
        }
        sleep(POLL).await;
    }
    bail!("waited {} s until {what}", PATIENCE.as_secs())
}

/// Awaits a future that must end within [`PATIENCE`].
///
/// # Errors
/// If it does not end in time; the text says what was waited for.
pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    match timeout(PATIENCE, future).await {
        Ok(value) => Ok(value),
        Err(_) => bail!("waited {} s for {what}", PATIENCE.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_returns_what_was_found() {
        let looks = Cell::new(0);
        let found = wait_until("the third look", || {
            looks.set(looks.get() + 1);
            let look = looks.get();
            async move { (look == 3).then_some(look) }
        });
        assert_eq!(found.await.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_says_what_was_waited_for() {
        let error = wait_until("pigs fly", || async { None::<()> }).await.unwrap_err();
        assert_eq!(error.to_string(), "waited 60 s until pigs fly");
        let error = wait_until("it looks", pending::<Option<()>>).await.unwrap_err();
        assert_eq!(error.to_string(), "waited 60 s until it looks");
        let error = patiently("nothing", pending::<()>()).await.unwrap_err();
        assert_eq!(error.to_string(), "waited 60 s for nothing");
    }
}
