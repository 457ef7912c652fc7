//! What came of a request, whichever way it travelled.

use crate::picture::Picture;

/// A processed picture.
#[derive(Clone, Debug)]
pub(crate) struct Processed {
    /// The result.
    pub(crate) picture: Picture,
    /// Where it was made: `cpu`, `cuda` or `none`.
    pub(crate) backend: String,
    /// Who made it.
    pub(crate) worker: String,
}

/// A refused request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal {
    /// The HTTP status, or the `Nats-Service-Error-Code`.
    pub(crate) status: u16,
    /// One of the closed list.
    pub(crate) kind: String,
    /// What was wrong.
    pub(crate) message: String,
    /// Where.
    pub(crate) field: String,
    /// What is allowed there.
    pub(crate) allowed: Vec<String>,
    /// When to try again.
    pub(crate) retry_after_ms: Option<u64>,
    /// The header `Retry-After`, seconds; HTTP only.
    pub(crate) retry_after: Option<u64>,
    /// Finds it in the logs.
    pub(crate) request_id: String,
}

/// Either of them.
pub(crate) type Outcome = Result<Processed, Refusal>;
