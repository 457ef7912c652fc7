//! Tensor: what models take.

use crate::Entry;

/// In the catalogue.
pub(crate) const ENTRIES: &[Entry] = &[];
