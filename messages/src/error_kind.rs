//! The closed list of error kinds, and the one table of what each means to every protocol.

use crate::v1;

/// What went wrong, in the terms that decide what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request is wrong and will be wrong again.
    InvalidArgument,
    /// The request is well formed, but this is not offered here.
    Unsupported,
    /// Over a stated limit.
    TooLarge,
    /// Nobody said who asks.
    Unauthenticated,
    /// Who asks may not.
    PermissionDenied,
    /// There is no such thing.
    NotFound,
    /// It exists already, or was changed meanwhile.
    Conflict,
    /// No capacity now.
    Overloaded,
    /// This caller asked too often.
    RateLimited,
    /// Its time was up.
    DeadlineExceeded,
    /// Something that it needs is not there: the broker, a worker, a store.
    Unavailable,
    /// The device has no memory for it now.
    DeviceBusy,
    /// The device is gone.
    DeviceLost,
    /// A bug of ours.
    Internal,
    /// Stopped on purpose, by a shutdown.
    Cancelled,
}

/// What happens to the message that caused the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    /// Never deliver it again.
    Term,
    /// Never deliver it again once its deadline has passed, else like [`Ack::Nak`].
    TermIfPastDeadline,
    /// Deliver it again, later.
    Nak,
    /// Deliver it again, to somebody else, now.
    NakNow,
}

/// How a circuit breaker counts the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerVerdict {
    /// Says nothing about the dependency.
    Neutral,
    /// Counts in the failure rate, not in the run of consecutive failures.
    RateOnly,
    /// Counts in both.
    Failure,
    /// Opens the breaker at once.
    Trip,
}

/// At which level the error is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Expected while shutting down.
    Debug,
    /// The caller's mistake.
    Info,
    /// Worth watching.
    Warn,
    /// Somebody must act.
    Error,
}

/// One row of the table below.
struct Row {
    name: &'static str,
    ack: Ack,
    http: u16,
    breaker: BreakerVerdict,
    level: LogLevel,
    sentry: bool,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::InvalidArgument,
        Self::Unsupported,
        Self::TooLarge,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::Conflict,
        Self::Overloaded,
        Self::RateLimited,
        Self::DeadlineExceeded,
        Self::Unavailable,
        Self::DeviceBusy,
        Self::DeviceLost,
        Self::Internal,
        Self::Cancelled,
    ];

    #[rustfmt::skip]
    const fn row(self) -> Row {
        use {Ack as A, BreakerVerdict as B, LogLevel as L};
        let (name, ack, http, breaker, level, sentry) = match self {
            Self::InvalidArgument  => ("invalid_argument",  A::Term,               400, B::Neutral,  L::Info,  false),
            Self::Unsupported      => ("unsupported",       A::Term,               415, B::Neutral,  L::Info,  false),
            Self::TooLarge         => ("too_large",         A::Term,               413, B::Neutral,  L::Info,  false),
            Self::Unauthenticated  => ("unauthenticated",   A::Term,               401, B::Neutral,  L::Warn,  false),
            Self::PermissionDenied => ("permission_denied", A::Term,               403, B::Neutral,  L::Warn,  false),
            Self::NotFound         => ("not_found",         A::Term,               404, B::Neutral,  L::Info,  false),
            Self::Conflict         => ("conflict",          A::Term,               409, B::Neutral,  L::Info,  false),
            Self::Overloaded       => ("overloaded",        A::Nak,                503, B::RateOnly, L::Warn,  false),
            Self::RateLimited      => ("rate_limited",      A::Nak,                429, B::RateOnly, L::Warn,  false),
            Self::DeadlineExceeded => ("deadline_exceeded", A::TermIfPastDeadline, 504, B::Failure,  L::Warn,  false),
            Self::Unavailable      => ("unavailable",       A::Nak,                503, B::Failure,  L::Warn,  false),
            Self::DeviceBusy       => ("device_busy",       A::Nak,                503, B::RateOnly, L::Warn,  false),
            Self::DeviceLost       => ("device_lost",       A::Nak,                503, B::Trip,     L::Error, true),
            Self::Internal         => ("internal",          A::Nak,                500, B::Failure,  L::Error, true),
            Self::Cancelled        => ("cancelled",         A::NakNow,             503, B::Neutral,  L::Debug, false),
        };
        Row { name, ack, http, breaker, level, sentry }
    }

    /// Its name on the wire, in metrics and in `problem+json` types: `invalid_argument`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What happens to the message.
    #[must_use]
    pub const fn ack(self) -> Ack {
        self.row().ack
    }

    /// The HTTP status, which is also the `Nats-Service-Error-Code`.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().http
    }

    /// How a breaker counts it.
    #[must_use]
    pub const fn breaker(self) -> BreakerVerdict {
        self.row().breaker
    }

    /// The level of its log line.
    #[must_use]
    pub const fn level(self) -> LogLevel {
        self.row().level
    }

    /// Whether it becomes a Sentry event.
    #[must_use]
    pub const fn sentry(self) -> bool {
        self.row().sentry
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(self.ack(), Ack::Nak | Ack::NakNow)
    }

    /// The kind in an `Error` message; what nobody knows is `Internal`.
    #[must_use]
    pub fn from_wire(kind: v1::ErrorKind) -> Self {
        Self::ALL.into_iter().find(|known| known.to_wire() == kind).unwrap_or(Self::Internal)
    }

    /// The kind for an `Error` message.
    #[must_use]
    pub const fn to_wire(self) -> v1::ErrorKind {
        match self {
            Self::InvalidArgument => v1::ErrorKind::InvalidArgument,
            Self::Unsupported => v1::ErrorKind::Unsupported,
            Self::TooLarge => v1::ErrorKind::TooLarge,
            Self::Unauthenticated => v1::ErrorKind::Unauthenticated,
            Self::PermissionDenied => v1::ErrorKind::PermissionDenied,
            Self::NotFound => v1::ErrorKind::NotFound,
            Self::Conflict => v1::ErrorKind::Conflict,
            Self::Overloaded => v1::ErrorKind::Overloaded,
            Self::RateLimited => v1::ErrorKind::RateLimited,
            Self::DeadlineExceeded => v1::ErrorKind::DeadlineExceeded,
            Self::Unavailable => v1::ErrorKind::Unavailable,
            Self::DeviceBusy => v1::ErrorKind::DeviceBusy,
            Self::DeviceLost => v1::ErrorKind::DeviceLost,
            Self::Internal => v1::ErrorKind::Internal,
            Self::Cancelled => v1::ErrorKind::Cancelled,
        }
    }
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_wire_and_has_a_name_of_its_own() {
        let mut names = std::collections::HashSet::new();
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_wire(kind.to_wire()), kind);
            assert_eq!(
                kind.to_wire().as_str_name(),
                format!("ERROR_KIND_{}", kind.as_str().to_uppercase())
            );
            assert!(names.insert(kind.as_str()));
        }
    }

    #[test]
    fn a_kind_nobody_knows_is_internal() {
        assert_eq!(ErrorKind::from_wire(v1::ErrorKind::Unspecified), ErrorKind::Internal);
    }

    #[test]
    fn what_is_the_callers_mistake_is_never_delivered_again() {
        for kind in ErrorKind::ALL {
            if (400..=415).contains(&kind.http_status()) {
                assert_eq!(kind.ack(), Ack::Term, "{kind}");
                assert_eq!(kind.breaker(), BreakerVerdict::Neutral, "{kind}");
            }
        }
    }
}
