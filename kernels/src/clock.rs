//! How long a piece of work took.

#[allow(
    clippy::disallowed_types,
    reason = "tokio's clock, which tests can pause, needs tokio; computing here takes real time, \
              and no decision hangs on it: it is only reported"
)]
mod real {
    use std::time::{Duration, Instant};

    /// Runs from its creation.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Stopwatch(Instant);

    impl Stopwatch {
        pub(crate) fn start() -> Self {
            Self(Instant::now())
        }

        pub(crate) fn elapsed(self) -> Duration {
            self.0.elapsed()
        }
    }
}

pub(crate) use real::Stopwatch;
