//! The error that travels: what was wrong, where, and what would have been right.

use std::time::Duration;

use crate::{ErrorKind, Place, v1};

/// An error that can be sent to the one who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// What it is, to every protocol.
    pub kind: ErrorKind,
    /// What was wrong, for a person; never internals.
    pub message: String,
    /// Where, e.g. `pipeline.steps[1].filter.id`; empty if it is about no field.
    pub field: String,
    /// What is allowed there; empty if that is no list.
    pub allowed: Vec<String>,
    /// When it makes sense to try again.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure of that kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            field: String::new(),
            allowed: Vec::new(),
            retry_after: None,
        }
    }

    /// The request is wrong.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message).at(field)
    }

    /// No capacity now; try again after that time.
    pub fn overloaded(message: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(ErrorKind::Overloaded, message).retry_after(retry_after)
    }

    /// Something that it needs is not there; try again after that time.
    pub fn unavailable(message: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(ErrorKind::Unavailable, message).retry_after(retry_after)
    }

    /// Its time was up.
    pub fn deadline(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::DeadlineExceeded, message)
    }

    /// A bug of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Replaces the kind.
    #[must_use]
    pub fn of_kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }

    /// Puts the place inside a larger one: `sigma` at `steps[1]` becomes `steps[1].sigma`.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.field = match (outer.is_empty(), self.field.is_empty()) {
            (true, _) => self.field,
            (false, true) => outer.to_owned(),
            (false, false) => format!("{outer}.{}", self.field),
        };
        self
    }

    /// The place that the field names, taken apart.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place::parse(&self.field)
    }

    /// Says what is allowed.
    #[must_use]
    pub fn allow<T: Into<String>>(mut self, allowed: impl IntoIterator<Item = T>) -> Self {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }

    /// Says when to try again.
    #[must_use]
    pub const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The message for the wire.
    #[must_use]
    pub fn to_wire(&self, request_id: &str) -> v1::Error {
        v1::Error {
            kind: self.kind.to_wire().into(),
            message: self.message.clone(),
            field: self.field.clone(),
            allowed: self.allowed.clone(),
            retry_after_ms: self
                .retry_after
                .map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1)),
            request_id: request_id.to_owned(),
        }
    }
}

impl From<v1::Error> for Failure {
    fn from(error: v1::Error) -> Self {
        Self {
            kind: ErrorKind::from_wire(error.kind()),
            retry_after: (error.retry_after_ms > 0)
                .then(|| Duration::from_millis(error.retry_after_ms)),
            message: error.message,
            field: error.field,
            allowed: error.allowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_survives_the_wire() {
        let failure = Failure::overloaded("no credit", Duration::from_millis(250))
            .at("pipeline")
            .allow(["a", "b"]);
        let wire = failure.to_wire("req-1");
        assert_eq!(wire.request_id, "req-1");
        assert_eq!(Failure::from(wire), failure);
    }

    #[test]
    fn places_nest() {
        assert_eq!(Failure::invalid("sigma", "x").within("steps[1]").field, "steps[1].sigma");
        assert_eq!(Failure::invalid("", "x").within("steps[1]").field, "steps[1]");
        assert_eq!(Failure::invalid("sigma", "x").within("").field, "sigma");
    }
}
