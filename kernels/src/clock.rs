//! A stopwatch for the time that a piece of work takes.

#[allow(
    clippy::disallowed_types,
    reason = "tokio's clock, which tests can pause, needs tokio; computing takes real time, which \
              is reported and tells the worker pool whom to wake"
)]
mod real {
    use std::time::{Duration, Instant};

    /// A stopwatch that runs from its creation on.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Stopwatch(Instant);

    /// The time now.
    #[cfg(test)]
    pub(crate) fn now() -> Instant {
        Instant::now()
    }

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
#[cfg(test)]
pub(crate) use real::now;
