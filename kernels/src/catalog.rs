//! The catalog of filters.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{
    FilterDefinition, Operation, ParameterError, Parameters, blur, colour, edges, effect, geometry,
    morphology, privacy, sharpen, tensor,
};

/// A filter: its definition, and the function that makes its operation from checked parameters.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The description of the filter.
    pub definition: &'static FilterDefinition,
    /// Makes the operation. The parameters that it is given follow the definition.
    pub build: fn(&Parameters) -> Result<Arc<dyn Operation>, ParameterError>,
}

/// The filters that requests can use, by id.
#[derive(Clone, Debug)]
pub struct Catalog {
    entries: BTreeMap<&'static str, Entry>,
}

impl Catalog {
    /// The filters of this crate.
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

    /// Adds a filter, which replaces any filter with the same id.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        self.entries.insert(entry.definition.id, entry);
        self
    }

    /// The definitions of all filters, ordered by id.
    pub fn definitions(&self) -> impl ExactSizeIterator<Item = &'static FilterDefinition> {
        self.entries.values().map(|entry| entry.definition)
    }

    /// The filter with that id, if there is one.
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
