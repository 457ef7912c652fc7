//! Settings in layers: defaults < TOML file < `OCELLI_<SECTION>__<FIELD>` < flags.
//!
//! The settings of a process are a list of sections, one for each of its parts ([`Section`]).
//! [`load`] lists the mistakes of all layers at once, each with its source.

mod layers;
mod limits;
mod load;
mod parse;
mod secret;
mod section;
mod sections;
mod show;

use std::{fmt, path::PathBuf};

#[cfg(test)]
mod tests;

pub use self::{
    limits::LimitsConfig,
    load::{Settings, load},
    secret::Secret,
    section::{Section, SectionEntry},
    sections::{AdminConfig, BrokerConfig, LogFormat, TelemetryConfig},
    show::{hide_credentials, show},
};

/// A mistake in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field at fault, e.g. `ingest.http_addr`; empty if a whole file is.
    pub field: String,
    /// Where the value came from, e.g. `ocelli.toml`, `environment OCELLI_BROKER__URL`,
    /// `command line` or `default`.
    pub source: String,
    /// A description of the mistake.
    pub message: String,
    /// The allowed values; empty if they cannot be listed.
    pub allowed: Vec<String>,
}

impl Problem {
    /// A problem with the value of a field. [`load`] adds where the value came from.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            source: String::new(),
            message: message.into(),
            allowed: Vec::new(),
        }
    }

    /// Sets the allowed values.
    #[must_use]
    pub fn allow<T: Into<String>>(mut self, allowed: impl IntoIterator<Item = T>) -> Self {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }

    /// The problem with a value that is not from `least` to `most`, or `None` if it is in the
    /// range.
    pub fn range<T: PartialOrd + fmt::Display>(
        field: &str,
        value: T,
        least: T,
        most: T,
    ) -> Option<Self> {
        let message = format!("must be from {least} to {most}, not {value}");
        (value < least || value > most).then(|| Self::new(field, message))
    }

    /// The same problem, with its field prefixed by the given section.
    fn within(mut self, section: &str) -> Self {
        self.field = format!("{section}.{}", self.field);
        self
    }

    fn found_in(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if !self.allowed.is_empty() {
            write!(f, "; allowed: {}", self.allowed.join(", "))?;
        }
        write!(f, " ({})", self.source)
    }
}

/// The layers that override the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The path of the TOML file, which must exist if it is given.
    pub file: Option<PathBuf>,
    /// The environment variables. Names that do not start with `OCELLI_` are ignored.
    pub env: Vec<(String, String)>,
    /// Variables that start with `OCELLI_` but are not settings, so that they are not reported as
    /// mistakes.
    pub env_allowed: Vec<&'static str>,
    /// The flags of the command line as pairs of a field, e.g. `ingest.http_addr`, and its value.
    pub flags: Vec<(String, toml::Value)>,
}

impl Sources {
    /// The prefix of the names of Ocelli's environment variables.
    pub const ENV_PREFIX: &'static str = "OCELLI_";

    /// The environment variables of this process that start with the prefix, for [`Sources::env`].
    ///
    /// Bytes that are not text are replaced, so that they are refused as a value instead of causing
    /// a panic.
    #[must_use]
    pub fn process_env() -> Vec<(String, String)> {
        std::env::vars_os()
            .map(|(name, value)| {
                (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
            })
            .filter(|(name, _)| name.starts_with(Self::ENV_PREFIX))
            .collect()
    }
}
