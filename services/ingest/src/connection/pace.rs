//! How slow a client may be, decided without a clock of its own.

use std::time::Duration;

use tokio::time::Instant;

/// The slowest pace that is allowed: so many bytes in every window.
///
/// Each window counts for itself. Otherwise a client that was quick at first could then stand still
/// for as long as its first bytes had earned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slowest {
    window: Duration,
    bytes: u64,
}

impl Slowest {
    /// In each `window`, `per_second` bytes a second, and at least one byte.
    pub(crate) fn new(window: Duration, per_second: u64) -> Self {
        let ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        let bytes = per_second.saturating_mul(ms) / 1_000;
        Self { window, bytes: bytes.max(1) }
    }
}

impl std::fmt::Display for Slowest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes in {:?}", self.bytes, self.window)
    }
}

/// A client did not keep pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooSlow;

/// Whether a client that is being waited for keeps pace.
#[derive(Debug)]
pub(crate) struct Pace {
    slowest: Slowest,
    since: Instant,
    moved: u64,
}

impl Pace {
    /// Starts the first window at `now`.
    pub(crate) const fn new(slowest: Slowest, now: Instant) -> Self {
        Self { slowest, since: now, moved: 0 }
    }

    /// Counts bytes that the client has sent or taken.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Judges the window if it is over at `now`, and says when to look again.
    ///
    /// # Errors
    /// [`TooSlow`] if fewer bytes moved in it than must.
    pub(crate) fn check(&mut self, now: Instant) -> Result<Instant, TooSlow> {
        if now >= self.since + self.slowest.window {
            if self.moved < self.slowest.bytes {
                return Err(TooSlow);
            }
            (self.since, self.moved) = (now, 0);
        }
        Ok(self.since + self.slowest.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    #[test]
    fn a_window_with_too_few_bytes_is_the_last() {
        let start = Instant::now();
        let mut pace = Pace::new(Slowest::new(WINDOW, 100), start);
        pace.moved(999);
        assert_eq!(pace.check(start + WINDOW / 2), Ok(start + WINDOW), "it is not over yet");
        assert_eq!(pace.check(start + WINDOW), Err(TooSlow));
        pace.moved(1);
        assert_eq!(pace.check(start + WINDOW), Ok(start + 2 * WINDOW));
    }

    #[test]
    fn many_bytes_at_first_do_not_excuse_a_later_window() {
        let start = Instant::now();
        let mut pace = Pace::new(Slowest::new(WINDOW, 100), start);
        pace.moved(1_000_000);
        pace.check(start + WINDOW).unwrap();
        assert_eq!(pace.check(start + 2 * WINDOW), Err(TooSlow));
    }

    #[test]
    fn a_short_window_asks_for_one_byte_at_least() {
        let start = Instant::now();
        let mut pace = Pace::new(Slowest::new(Duration::from_millis(1), 1), start);
        assert_eq!(pace.check(start + WINDOW), Err(TooSlow));
        pace.moved(1);
        assert!(pace.check(start + WINDOW).is_ok());
    }
}
