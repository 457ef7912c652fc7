//! Waiting for something to become true, with patience but not for ever.

use std::{fmt, future::Future, time::Duration};

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout};

/// How long a test waits for something that takes milliseconds on an idle machine, or a few
/// seconds where a cluster has to elect a leader. It is a limit and not a promise: a test that
/// measures a duration states its own.
pub const PATIENCE: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(10);

/// The result of one look at what a test waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<T> {
    /// It has happened, and this was found.
    Done(T),
    /// It has not happened yet. The text says what was seen instead, for the error message.
    NotYet(String),
}

impl<T> Look<T> {
    /// It has not happened yet; this was seen instead.
    pub fn not_yet(seen: impl fmt::Display) -> Self {
        Self::NotYet(seen.to_string())
    }
}

/// Looks again and again; returns what was found and how long it took to appear.
///
/// # Errors
/// The first error of a look; or, if nothing is found within [`PATIENCE`], what was waited for and
/// what was seen last.
pub async fn look_until<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Look<T>>,
) -> Result<(T, Duration)> {
    let start = Instant::now();
    let mut last = String::new();
    while let Some(left) = PATIENCE.checked_sub(start.elapsed()) {
        match timeout(left, look()).await {
            Ok(Ok(Look::Done(found))) => return Ok((found, start.elapsed())),
            Ok(Ok(Look::NotYet(seen))) => last = seen,
            Ok(Err(error)) => return Err(error),
            Err(_) => break,
        }
        sleep(POLL).await;
    }
    let last = if last.is_empty() { last } else { format!("; last seen: {last}") };
    bail!("waited {} s until {what}{last}", PATIENCE.as_secs())
}

/// Calls `look` again and again until it returns a value.
///
/// # Errors
/// If there is no value within [`PATIENCE`]; the text says what was waited for.
pub async fn wait_until<T, F>(what: &str, mut look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Option<T>>,
{
    let look = async || Ok(look().await.map_or_else(|| Look::not_yet(""), Look::Done));
    Ok(look_until(what, look).await?.0)
}

/// Checks a condition again and again until it holds.
///
/// # Errors
/// If it does not hold within [`PATIENCE`]; the text says what was waited for.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let look = async || Ok(if holds() { Look::Done(()) } else { Look::not_yet("") });
    look_until(what, look).await.map(|_| ())
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
        let fifth = || {
            looks.set(looks.get() + 1);
            looks.get() == 5
        };
        eventually("the fifth look", fifth).await.unwrap();
        assert_eq!(looks.get(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn it_says_how_long_it_took() {
        let start = Instant::now();
        let look = async || {
            let passed = start.elapsed() >= POLL * 3;
            Ok(if passed { Look::Done("found") } else { Look::not_yet("nothing") })
        };
        assert_eq!(look_until("30 ms have passed", look).await.unwrap(), ("found", POLL * 3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_says_what_was_waited_for() {
        let error = wait_until("pigs fly", || async { None::<()> }).await.unwrap_err();
        assert_eq!(error.to_string(), "waited 60 s until pigs fly");
        let error = wait_until("it looks", pending::<Option<()>>).await.unwrap_err();
        assert_eq!(error.to_string(), "waited 60 s until it looks");
        let error = eventually("pigs fly", || false).await.unwrap_err();
        assert_eq!(error.to_string(), "waited 60 s until pigs fly");
        let error = patiently("nothing", pending::<()>()).await.unwrap_err();
        assert_eq!(error.to_string(), "waited 60 s for nothing");
        let look = async || Ok(Look::<()>::not_yet("pigs on the ground"));
        let error = look_until("pigs fly", look).await.unwrap_err();
        assert_eq!(error.to_string(), "waited 60 s until pigs fly; last seen: pigs on the ground");
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_of_a_look_ends_the_wait() {
        let start = Instant::now();
        let look = async || -> Result<Look<()>> { bail!("the pigs are gone") };
        let error = look_until("pigs fly", look).await.unwrap_err();
        assert_eq!(error.to_string(), "the pigs are gone");
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
