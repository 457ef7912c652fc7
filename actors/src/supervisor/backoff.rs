//! The delays before restarts.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Exponential back-off with full jitter.
///
/// It is reset only after a child was ready for a whole window: a child that becomes ready and
/// crashes at once would otherwise be restarted with the shortest delay forever.
#[derive(Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    window: Duration,
    attempt: u32,
    rng: StdRng,
}

impl Backoff {
    /// The default of the first delay's upper bound.
    pub const BASE: Duration = Duration::from_millis(200);
    /// The default of the longest delay.
    pub const CAP: Duration = Duration::from_secs(30);

    /// Delays of up to `base` × 2ⁿ, and at most `cap`. Once a child has been ready for `window`, n
    /// is reset to 0. The seed makes the jitter reproducible.
    #[must_use]
    pub fn new(base: Duration, cap: Duration, window: Duration, seed: u64) -> Self {
        Self { base, cap, window, attempt: 0, rng: StdRng::seed_from_u64(seed) }
    }

    /// The delay before the restart of a child that was ready for `ready_for` before it ended.
    pub fn next(&mut self, ready_for: Option<Duration>) -> Duration {
        if ready_for.is_some_and(|ready| ready >= self.window) {
            self.attempt = 0;
        }
        let ceiling = self.ceiling();
        self.attempt = self.attempt.saturating_add(1);
        ceiling.mul_f64(self.rng.random_range(0.0..=1.0))
    }

    /// The upper bound of the next delay.
    #[must_use]
    pub fn ceiling(&self) -> Duration {
        self.base.saturating_mul(2_u32.saturating_pow(self.attempt)).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn backoff(seed: u64) -> Backoff {
        Backoff::new(Backoff::BASE, Backoff::CAP, WINDOW, seed)
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_no_delay_is_above_it() {
        let mut backoff = backoff(1);
        let mut ceilings = Vec::new();
        for _ in 0..100 {
            let ceiling = backoff.ceiling();
            assert!(backoff.next(None) <= ceiling);
            ceilings.push(ceiling.as_millis());
        }
        assert_eq!(
            ceilings[..9],
            [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000],
            "2^n"
        );
        assert_eq!(ceilings.last(), Some(&30_000));
    }

    #[test]
    fn the_jitter_covers_the_whole_range() {
        let mut backoff = Backoff::new(WINDOW, WINDOW, WINDOW, 2);
        let delays: Vec<_> = (0..200).map(|_| backoff.next(None)).collect();
        assert!(delays.iter().any(|delay| *delay < WINDOW / 10));
        assert!(delays.iter().any(|delay| *delay > WINDOW * 9 / 10));
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let delays = |seed| {
            let mut backoff = backoff(seed);
            (0..10).map(|_| backoff.next(None)).collect::<Vec<_>>()
        };
        assert_eq!(delays(3), delays(3));
        assert_ne!(delays(3), delays(4));
    }

    #[test]
    fn it_starts_over_only_after_a_whole_window_of_readiness() {
        let mut backoff = backoff(5);
        for _ in 0..4 {
            backoff.next(None);
        }
        backoff.next(Some(WINDOW - Duration::from_millis(1)));
        assert_eq!(backoff.ceiling(), Backoff::BASE * 32);
        backoff.next(Some(WINDOW));
        assert_eq!(backoff.ceiling(), Backoff::BASE * 2);
    }
}
