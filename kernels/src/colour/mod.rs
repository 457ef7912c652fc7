//! Colour: what colours become.

pub(crate) mod grayscale;

use crate::Entry;

/// In the catalogue.
pub(crate) const ENTRIES: &[Entry] = &[grayscale::ENTRY];
