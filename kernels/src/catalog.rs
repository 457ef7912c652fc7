//! The filters that there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{
    FilterDefinition, Operation, ParameterError, Parameters, blur, colour, edges, effect, geometry,
    morphology, privacy, sharpen, tensor,
};

/// A filter: its definition, and how to make the operation from checked parameters.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What it is.
    pub definition: &'static FilterDefinition,
    /// Makes it. Called with parameters that follow the definition.
    pub build: fn(&Parameters) -> Result<Arc<dyn Operation>, ParameterError>,
}

/// All filters, by id.
#[derive(Clone, Debug)]
pub struct Catalog {
    entries: BTreeMap<&'static str, Entry>,
}

impl Catalog {
    /// The filters that ship with this crate.
    #[must_use]
    pub fn standard() -> Self {
        let families = [
            colour::ENTRIES,
            blur::ENTRIES,
            edges::ENTRIES,
            sharpen::ENTRIES,
            morphology::ENTRIES,
            geometry::ENTRIES,
            effect::ENTRIES,
            privacy::ENTRIES,
            tensor::ENTRIES,
        ];
        let empty = Self { entries: BTreeMap::new() };
        families.into_iter().flatten().copied().fold(empty, Self::with)
    }

    /// With one more; it replaces one of the same id.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        self.entries.insert(entry.definition.id, entry);
        self
    }

    /// The definitions, ordered by id.
    pub fn definitions(&self) -> impl ExactSizeIterator<Item = &'static FilterDefinition> {
        self.entries.values().map(|entry| entry.definition)
    }

    /// The filter of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self::standard()
    }
}
