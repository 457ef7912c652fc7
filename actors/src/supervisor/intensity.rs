//! The limit on the number of restarts.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Counts restarts in a sliding window.
#[derive(Debug)]
pub struct Intensity {
    max_restarts: usize,
    window: Duration,
    restarts: VecDeque<Instant>,
}

impl Intensity {
    /// Allows at most `max_restarts` within any period of `window`.
    #[must_use]
    pub const fn new(max_restarts: usize, window: Duration) -> Self {
        Self { max_restarts, window, restarts: VecDeque::new() }
    }

    /// Counts a restart at `now`. Returns `false` if it exceeds the limit.
    pub fn allows(&mut self, now: Instant) -> bool {
        while self.restarts.front().is_some_and(|first| now.duration_since(*first) >= self.window) {
            self.restarts.pop_front();
        }
        // One restart more than allowed is all that needs to be remembered.
        if self.restarts.len() <= self.max_restarts {
            self.restarts.push_back(now);
        }
        self.restarts.len() <= self.max_restarts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_restart_within_a_minute_is_one_too_many() {
        let start = Instant::now();
        let mut intensity = Intensity::new(5, Duration::from_secs(60));
        for second in 0..5 {
            assert!(intensity.allows(start + Duration::from_secs(second)));
        }
        assert!(!intensity.allows(start + Duration::from_secs(59)));
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let start = Instant::now();
        let mut intensity = Intensity::new(5, Duration::from_secs(60));
        for restart in 0..100 {
            assert!(intensity.allows(start + Duration::from_secs(12 * restart)), "{restart}");
        }
    }

    #[test]
    fn zero_allows_none() {
        assert!(!Intensity::new(0, Duration::from_secs(60)).allows(Instant::now()));
    }
}
