//! Sections: what a part of the process can be told, and the list of all of them.

use std::{fmt::Debug, net::SocketAddr};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::Problem;

/// A section of the settings: a struct with a field for each setting.
///
/// The struct, and every struct in it, carries `#[serde(default, deny_unknown_fields)]`. Which
/// fields there are is read from the serialised defaults, where `None` stands for an optional
/// field: so no `flatten`, `skip` or `skip_serializing_if`. A map is free-form if it is empty by
/// default. Units are in the names (`_ms`, `_bytes`).
pub trait Section: Serialize + DeserializeOwned + Default + Debug + 'static {
    /// What the types cannot express: ranges, and fields that must fit each other. Fields are named
    /// as they are in the section: `http_addr`.
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// The addresses that the part will listen on, by what listens there; `ocelli doctor` looks
    /// whether they are free.
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

/// A section as it was read.
pub(super) struct Read {
    /// Every field, the defaults included.
    pub(super) full: Value,
    pub(super) problems: Vec<Problem>,
    pub(super) addresses: Vec<(&'static str, SocketAddr)>,
}

impl SectionEntry {
    /// The section `T`, which settings call `name`: lower case, with underscores.
    #[must_use]
    pub const fn of<T: Section>(name: &'static str) -> Self {
        Self { name, defaults: defaults::<T>, read: read::<T> }
    }

    /// What settings call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The defaults of all its fields.
    pub(super) fn defaults(&self) -> Result<Json, Problem> {
        (self.defaults)().map_err(|error| Problem::new(self.name, format!("the defaults: {error}")))
    }

    /// Reads it.
    pub(super) fn read(&self, fields: Table) -> Result<Read, String> {
        (self.read)(fields)
    }
}

fn defaults<T: Section>() -> Result<Json, String> {
    match serde_json::to_value(T::default()).map_err(|error| error.to_string())? {
        fields @ Json::Object(_) => Ok(fields),
        _ => Err("the section is not a struct".to_owned()),
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
