//! Settings in layers: defaults < TOML file < `OCELLI_<SECTION>__<FIELD>` < flags.
//!
//! The settings of a process are a list of sections, one for each of its parts ([`Section`]).
//! [`load`] lists every mistake of every layer at once, each with the place it came from.

mod layers;
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
    load::{Settings, load},
    secret::Secret,
    section::{Section, SectionEntry},
    sections::{AdminConfig, BrokerConfig, LogFormat, TelemetryConfig},
    show::{hide_credentials, show},
};

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which field, e.g. `ingest.http_addr`; empty if it is about a whole file.
    pub field: String,
    /// Where the value came from, e.g. `ocelli.toml`, `environment OCELLI_BROKER__URL`,
    /// `command line` or `default`.
    pub source: String,
    /// What is wrong.
    pub message: String,
    /// What is allowed; empty if that is no list.
    pub allowed: Vec<String>,
}

impl Problem {
    /// A problem with a value; [`load`] adds where the value came from.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            source: String::new(),
            message: message.into(),
            allowed: Vec::new(),
        }
    }

    /// Says what is allowed.
    #[must_use]
    pub fn allow<T: Into<String>>(mut self, allowed: impl IntoIterator<Item = T>) -> Self {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }

    /// A problem with a value that must be from `least` to `most`; `None` if it is.
    pub fn range<T: PartialOrd + fmt::Display>(
        field: &str,
        value: T,
        least: T,
        most: T,
    ) -> Option<Self> {
        let message = format!("{value} must be from {least} to {most}");
        (value < least || value > most).then(|| Self::new(field, message))
    }

    /// The same problem, its field in that section.
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

/// The layers above the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The TOML file; it must exist if it is named.
    pub file: Option<PathBuf>,
    /// The environment. Only names that start with `OCELLI_` are looked at.
    pub env: Vec<(String, String)>,
    /// Names that start with `OCELLI_` and are no settings, so that they are no mistakes either.
    pub env_allowed: Vec<&'static str>,
    /// Flags of the command line, each with the field it sets, e.g. `ingest.http_addr`.
    pub flags: Vec<(String, toml::Value)>,
}

impl Sources {
    /// What the names of our environment variables start with.
    pub const ENV_PREFIX: &'static str = "OCELLI_";

    /// The variables of this process that concern us, for [`Sources::env`].
    ///
    /// Bytes that are no text are replaced, so that they are refused as a value and do not panic.
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
