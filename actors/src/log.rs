//! Log lines whose level is decided by the table of error kinds.

/// Writes a log line at a [`LogLevel`](ocelli_messages::LogLevel); the rest is what the macros of
/// `tracing` take.
///
/// ```
/// use ocelli_messages::ErrorKind;
///
/// let kind = ErrorKind::NotFound;
/// ocelli_actors::log_at!(kind.level(), code = kind.as_str(), "there is no such model");
/// ```
#[macro_export]
macro_rules! log_at {
    ($level:expr, $($line:tt)+) => {
        match $level {
            $crate::log::LogLevel::Debug => $crate::log::debug!($($line)+),
            $crate::log::LogLevel::Info => $crate::log::info!($($line)+),
            $crate::log::LogLevel::Warn => $crate::log::warn!($($line)+),
            $crate::log::LogLevel::Error => $crate::log::error!($($line)+),
        }
    };
}

#[doc(hidden)]
pub use ocelli_messages::LogLevel;
#[doc(hidden)]
pub use tracing::{debug, error, info, warn};
