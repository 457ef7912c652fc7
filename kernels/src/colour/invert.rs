//! `invert`: the negative.

use std::sync::Arc;

use super::tabled::Tabled;
use crate::{Entry, Family, FilterDefinition, PixelFormat};
pub(crate) const ENTRY: Entry = Entry {
    definition: &DEFINITION,
    build: |_| Ok(Arc::new(Tabled::new(&DEFINITION, |sample| 255 - sample))),
};

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "invert",
    name: "Invert",
    description: "Makes a negative: 255 minus each sample. Transparency is kept.",
    family: Family::Colour,
    parameters: &[],
    formats: &PixelFormat::INTERLEAVED,
    cuda: true,
    tolerance: 0,
    notes: "OpenCV's bitwise_not, bit for bit, except for alpha, which is kept.",
};
