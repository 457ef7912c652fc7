//! Privacy: what may not be seen, and what is to be seen.

use crate::Entry;

/// In the catalogue.
pub(crate) const ENTRIES: &[Entry] = &[];
