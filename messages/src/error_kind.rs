//! The fixed list of error kinds, and the one table of what each kind means to every protocol.

use crate::v1;

/// The kind of an error, which decides what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request is invalid; repeating it unchanged will not help.
    InvalidArgument,
    /// The request is well formed, but this system does not offer what it asks for.
    Unsupported,
    /// A stated limit is exceeded.
    TooLarge,
    /// The caller did not identify itself.
    Unauthenticated,
    /// The caller lacks permission.
    PermissionDenied,
    /// The thing named does not exist.
    NotFound,
    /// The thing exists already or was changed concurrently.
    Conflict,
    /// There is no capacity now.
    Overloaded,
    /// This caller sent too many requests.
    RateLimited,
    /// The deadline passed.
    DeadlineExceeded,
    /// Something that the work needs, such as the broker, a worker or a store, cannot be reached.
    Unavailable,
    /// The device has no memory for the request now.
    DeviceBusy,
    /// The device has failed; only a new process can use it again.
    DeviceLost,
    /// There is a bug in Ocelli.
    Internal,
    /// The work was stopped by a shutdown.
    Cancelled,
}

/// How the message that caused the error is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    /// The message is never delivered again.
    Term,
    /// The message is never delivered again if its deadline has passed; otherwise as [`Ack::Nak`].
    TermIfPastDeadline,
    /// The message is delivered again after a pause.
    Nak,
    /// The message is delivered again at once, so that another worker can take it.
    NakNow,
}

/// How a circuit breaker counts an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerVerdict {
    /// The error says nothing about the dependency and is not counted.
    Neutral,
    /// The error counts in the failure rate, but not as a consecutive failure.
    RateOnly,
    /// The error counts in the failure rate and as a consecutive failure.
    Failure,
    /// The error opens the breaker at once.
    Trip,
}

/// The level at which an error is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// The error is expected, for example during a shutdown.
    Debug,
    /// The error is the caller's mistake.
    Info,
    /// The error should be watched, because many of them mean trouble.
    Warn,
    /// The error needs an operator's attention.
    Error,
}

struct Row {
    name: &'static str,
    ack: Ack,
    http: u16,
    breaker: BreakerVerdict,
    level: LogLevel,
}

impl ErrorKind {
    /// Every kind, in the order of the wire.
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
        let (name, ack, http, breaker, level) = match self {
            Self::InvalidArgument  => ("invalid_argument",  A::Term,               400, B::Neutral,  L::Info),
            Self::Unsupported      => ("unsupported",       A::Term,               415, B::Neutral,  L::Info),
            Self::TooLarge         => ("too_large",         A::Term,               413, B::Neutral,  L::Info),
            Self::Unauthenticated  => ("unauthenticated",   A::Term,               401, B::Neutral,  L::Warn),
            Self::PermissionDenied => ("permission_denied", A::Term,               403, B::Neutral,  L::Warn),
            Self::NotFound         => ("not_found",         A::Term,               404, B::Neutral,  L::Info),
            Self::Conflict         => ("conflict",          A::Term,               409, B::Neutral,  L::Info),
            Self::Overloaded       => ("overloaded",        A::Nak,                503, B::RateOnly, L::Warn),
            Self::RateLimited      => ("rate_limited",      A::Nak,                429, B::RateOnly, L::Warn),
            Self::DeadlineExceeded => ("deadline_exceeded", A::TermIfPastDeadline, 504, B::Failure,  L::Warn),
            Self::Unavailable      => ("unavailable",       A::Nak,                503, B::Failure,  L::Warn),
            Self::DeviceBusy       => ("device_busy",       A::Nak,                503, B::RateOnly, L::Warn),
            Self::DeviceLost       => ("device_lost",       A::Nak,                503, B::Trip,     L::Error),
            Self::Internal         => ("internal",          A::Nak,                500, B::Failure,  L::Error),
            Self::Cancelled        => ("cancelled",         A::NakNow,             503, B::Neutral,  L::Debug),
        };
        Row { name, ack, http, breaker, level }
    }

    /// The name of the kind in metrics, logs and `problem+json` types, e.g. `invalid_argument`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// How a message that failed with this kind is acknowledged.
    #[must_use]
    pub const fn ack(self) -> Ack {
        self.row().ack
    }

    /// The HTTP status, which is also the `Nats-Service-Error-Code`.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().http
    }

    /// How a circuit breaker counts this kind.
    #[must_use]
    pub const fn breaker(self) -> BreakerVerdict {
        self.row().breaker
    }

    /// The level of the log line for this kind.
    #[must_use]
    pub const fn level(self) -> LogLevel {
        self.row().level
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(self.ack(), Ack::Nak | Ack::NakNow)
    }

    /// Reads the kind of an `Error` message. A kind that this version does not know is `Internal`.
    #[must_use]
    pub fn from_wire(kind: v1::ErrorKind) -> Self {
        Self::ALL.into_iter().find(|known| known.to_wire() == kind).unwrap_or(Self::Internal)
    }

    /// The kind as an `Error` message states it.
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
