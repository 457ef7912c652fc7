//! Morphology: shapes grow and shrink.

use crate::Entry;

/// In the catalogue.
pub(crate) const ENTRIES: &[Entry] = &[];
