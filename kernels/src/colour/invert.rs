//! `invert`: the negative.

use std::sync::Arc;

use super::tabled::Tabled;
use crate::{Entry, Family, FilterDefinition, PixelFormat};

/// In the catalogue.
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |_| Ok(Arc::new(Tabled::new(&DEFINITION, |sample| 255 - sample))),
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "invert",
    name: "Invert",
    description: "Makes the negative: 255 minus each sample. Transparency stays.",
    family: Family::Colour,
    parameters: &[],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's bitwise_not, bit for bit, but for alpha, which stays.",
};
