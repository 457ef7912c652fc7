//! Settings in layers: defaults < TOML file < `OCELLI_<SECTION>__<FIELD>` < flags.
//!
//! [`load`] lists every mistake of every layer at once, each with the place it came from.
//! How a settings type must look is said at [`Settings`].

mod layers;
mod load;
mod parse;
mod secret;
mod sections;
mod show;

use std::{fmt, path::PathBuf};

use serde::{Serialize, de::DeserializeOwned};

#[cfg(test)]
mod tests;

pub use self::{
    load::load,
    secret::Secret,
    sections::{AdminConfig, BrokerConfig, LogFormat, TelemetryConfig},
    show::{hide_credentials, show},
};

/// The settings of a process: a tree of structs.
///
/// Every struct in it derives `Serialize` and `Deserialize`, has a `Default`, and carries
/// `#[serde(default, deny_unknown_fields)]`. What is known is read from the serialised defaults,
/// where `None` stands for an optional field: so no `flatten`, `skip` or `skip_serializing_if`.
/// A map is free-form if it is empty by default. Units are in the names (`_ms`, `_bytes`).
pub trait Settings: Serialize + DeserializeOwned + Default {
    /// What the types cannot say: ranges, and fields that must fit each other.
    fn problems(&self) -> Vec<Problem>;
}

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
    /// Flags of the command line, by the field they set, e.g. `ingest.http_addr`.
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
