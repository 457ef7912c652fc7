//! The error that is sent to callers: what was wrong, where, and what is allowed.

use std::time::Duration;

use crate::{ErrorKind, Place, v1};

/// The most bytes of a text that an error repeats: a caller that sends a name of megabytes must
/// still get an answer that fits into a message and on a screen.
const MOST_TEXT: usize = 1_000;

/// An error that can be sent to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// The kind of error, which every protocol maps to a status of its own.
    pub kind: ErrorKind,
    /// What was wrong, for people to read. It never reveals internals.
    pub message: String,
    /// The field at fault, e.g. `pipeline.steps[1].filter.id`; empty if no single field is.
    pub field: String,
    /// The allowed values; empty if they cannot be listed.
    pub allowed: Vec<String>,
    /// How long to wait before a retry.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure of the given kind that names no field.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: cut(message.into()),
            field: String::new(),
            allowed: Vec::new(),
            retry_after: None,
        }
    }

    /// An `invalid_argument` failure that blames a field of the request.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message).at(field)
    }

    /// An `overloaded` failure that suggests a retry after the given time.
    pub fn overloaded(message: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(ErrorKind::Overloaded, message).retry_after(retry_after)
    }

    /// An `unavailable` failure that suggests a retry after the given time.
    pub fn unavailable(message: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(ErrorKind::Unavailable, message).retry_after(retry_after)
    }

    /// A `deadline_exceeded` failure.
    pub fn deadline(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::DeadlineExceeded, message)
    }

    /// An `internal` failure, which means that there is a bug in Ocelli.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Replaces the kind and keeps everything else.
    #[must_use]
    pub fn of_kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// Sets the field at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = cut(field.into());
        self
    }

    /// Prefixes the field with the place that contains it: `sigma` within `steps[1]` becomes
    /// `steps[1].sigma`.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.field = match (outer.is_empty(), self.field.is_empty()) {
            (true, _) => self.field,
            (false, true) => outer.to_owned(),
            (false, false) => cut(format!("{outer}.{}", self.field)),
        };
        self
    }

    /// Parses the field into a [`Place`].
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place::parse(&self.field)
    }

    /// Sets the allowed values.
    #[must_use]
    pub fn allow<T: Into<String>>(mut self, allowed: impl IntoIterator<Item = T>) -> Self {
        self.allowed = allowed.into_iter().map(|allowed| cut(allowed.into())).collect();
        self
    }

    /// Sets how long to wait before a retry.
    #[must_use]
    pub const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The failure as a message of the wire. A wait of less than a millisecond is rounded up to
    /// one.
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

/// Leaves out the middle of a text that is too long: an error often says what was sent first and
/// what is wrong with it last.
fn cut(text: String) -> String {
    if text.len() <= MOST_TEXT {
        return text;
    }
    let start = text.floor_char_boundary(MOST_TEXT / 2);
    let end = text.ceil_char_boundary(text.len() - MOST_TEXT / 4);
    let (head, _) = text.split_at(start);
    let (_, tail) = text.split_at(end);
    format!("{head}… ({} bytes left out) …{tail}", end - start)
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
    fn what_an_error_repeats_is_cut() {
        let name = "ä".repeat(4_500_000);
        let failure = Failure::invalid(format!("steps[1].{name}.id"), format!("no {name:?} here"))
            .within(&name)
            .allow([name.as_str()]);
        assert!(failure.message.starts_with("no \"ä"), "{failure}");
        assert!(failure.message.ends_with("ä\" here"), "{failure}");
        assert!(failure.message.contains("bytes left out"), "{failure}");
        let bytes = prost::Message::encoded_len(&failure.to_wire("req-1"));
        assert!(bytes < 4 * MOST_TEXT, "{bytes}");
    }

    #[test]
    fn places_nest() {
        assert_eq!(Failure::invalid("sigma", "x").within("steps[1]").field, "steps[1].sigma");
        assert_eq!(Failure::invalid("", "x").within("steps[1]").field, "steps[1]");
        assert_eq!(Failure::invalid("sigma", "x").within("").field, "sigma");
    }
}
