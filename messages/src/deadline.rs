//! The deadline of a request.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A time in Unix milliseconds after which work is not started.
///
/// It is wall-clock time, because it is passed between machines. Their clocks must be synchronised,
/// for example by NTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(u64);

impl Deadline {
    /// The deadline at `ms` milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// The deadline in milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_ms(self) -> u64 {
        self.0
    }

    /// The deadline that is `wait` after `now`.
    #[must_use]
    pub fn after(now: SystemTime, wait: Duration) -> Self {
        let at = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(wait);
        Self(u64::try_from(at.as_millis()).unwrap_or(u64::MAX))
    }

    /// The time that is left at `now`, or `None` once the deadline has passed.
    #[must_use]
    pub fn left(self, now: SystemTime) -> Option<Duration> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_millis(self.0).checked_sub(now).filter(|left| !left.is_zero())
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Deadline {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_passes() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        let deadline = Deadline::after(now, Duration::from_secs(2));
        assert_eq!(deadline.left(now), Some(Duration::from_secs(2)));
        assert_eq!(deadline.left(now + Duration::from_secs(2)), None);
        assert_eq!(deadline.left(now + Duration::from_secs(9)), None);
        assert_eq!(deadline.to_string().parse(), Ok(deadline));
    }
}
