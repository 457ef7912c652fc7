//! Edges: where brightness changes.

use crate::Entry;

/// In the catalogue.
pub(crate) const ENTRIES: &[Entry] = &[];
