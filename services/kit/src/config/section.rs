//! Sections of the settings, one for each part of the process.

use std::{fmt::Debug, net::SocketAddr};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::Problem;

/// A section of the settings: a struct with a field for each setting.
///
/// The struct, and every struct in it, must have `#[serde(default, deny_unknown_fields)]`. The list
/// of fields is read from the serialised defaults, where `None` stands for an optional field, so
/// `flatten`, `skip` and `skip_serializing_if` must not be used. A map that is empty by default is
/// free-form. Names of fields end with their unit (`_ms`, `_bytes`).
pub trait Section: Serialize + DeserializeOwned + Default + Debug + 'static {
    /// Checks what the types cannot express: ranges, and fields that depend on each other. Problems
    /// name fields without the section, e.g. `http_addr`.
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// The addresses that the part will listen on, each with the name of what listens there.
    /// `ocelli doctor` checks whether they are free.
    fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        Vec::new()
    }
}

/// A section without its type, so that sections can be listed.
#[derive(Clone, Copy, Debug)]
pub struct SectionEntry {
    name: &'static str,
    defaults: fn() -> Result<Json, String>,
    read: fn(Table) -> Result<Read, String>,
}

/// A section that was read.
pub(super) struct Read {
    /// Every field, including those with defaults.
    pub(super) full: Value,
    pub(super) problems: Vec<Problem>,
    pub(super) addresses: Vec<(&'static str, SocketAddr)>,
}

impl SectionEntry {
    /// The entry for the section `T` with the given name, which is lower case, with underscores.
    #[must_use]
    pub const fn of<T: Section>(name: &'static str) -> Self {
        Self { name, defaults: defaults::<T>, read: read::<T> }
    }

    /// The name of the section.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The defaults of all fields of the section.
    pub(super) fn defaults(&self) -> Result<Json, Problem> {
        (self.defaults)()
            .map_err(|error| Problem::new(self.name, format!("cannot list the defaults: {error}")))
    }

    /// Reads the section from its fields.
    pub(super) fn read(&self, fields: Table) -> Result<Read, String> {
        (self.read)(fields)
    }
}

fn defaults<T: Section>() -> Result<Json, String> {
    match serde_json::to_value(T::default()).map_err(|error| error.to_string())? {
        fields @ Json::Object(_) => Ok(fields),
        _ => Err("the section must be a struct".to_owned()),
    }
}

fn read<T: Section>(fields: Table) -> Result<Read, String> {
    let section =
        T::deserialize(Value::Table(fields)).map_err(|error| error.message().to_owned())?;
    Ok(Read {
        full: Value::try_from(&section).map_err(|error| error.to_string())?,
        problems: section.problems(),
        addresses: section.addresses(),
    })
}
