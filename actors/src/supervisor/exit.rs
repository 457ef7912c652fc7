//! The reasons for which actors end.

use std::any::Any;

use ocelli_messages::{ErrorKind, LogLevel};

use crate::log_at;

/// The reason why a child or a supervisor ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exit {
    /// It stopped without being asked, because it had nothing more to do.
    #[error("stopped without being asked")]
    Normal,
    /// It was asked to stop and finished its work first.
    #[error("drained")]
    Drained,
    /// It reported a failure, or its supervisor gave up.
    #[error("failed: {0}")]
    Failed(ErrorKind),
    /// It panicked with this text, which means that there is a bug.
    #[error("panicked: {0}")]
    Panicked(String),
    /// It made no progress for too long.
    #[error("made no progress for too long")]
    Hung,
    /// It did not stop within its grace period.
    #[error("killed after its grace period")]
    Killed,
}

impl Exit {
    /// Whether the actor ended as intended, which is [`Exit::Normal`] or [`Exit::Drained`].
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        matches!(self, Self::Normal | Self::Drained)
    }

    /// The label value for metrics, from a fixed list.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Drained => "drained",
            Self::Failed(kind) => kind.as_str(),
            Self::Panicked(_) => "panicked",
            Self::Hung => "hung",
            Self::Killed => "killed",
        }
    }

    /// The kind of error that a supervisor reports to its parent if it gives up because of this
    /// exit.
    #[must_use]
    pub const fn error_kind(&self) -> ErrorKind {
        match self {
            Self::Failed(kind) => *kind,
            Self::Panicked(_) | Self::Hung => ErrorKind::Internal,
            Self::Normal | Self::Drained | Self::Killed => ErrorKind::Unavailable,
        }
    }

    /// The level of the log line for this exit.
    #[must_use]
    pub const fn level(&self) -> LogLevel {
        match self {
            Self::Normal | Self::Drained => LogLevel::Info,
            Self::Failed(kind) => kind.level(),
            Self::Killed => LogLevel::Warn,
            Self::Panicked(_) | Self::Hung => LogLevel::Error,
        }
    }

    /// Reads the text of a panic from its payload.
    pub(crate) fn from_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&'static str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic whose payload is not text".to_owned());
        Self::Panicked(text)
    }

    pub(super) fn log(&self, path: &str) {
        let reason = self.reason();
        log_at!(self.level(), actor = path, reason, "actor ended: {self}");
    }
}
