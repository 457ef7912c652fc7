//! Effect: how it looks.

use crate::Entry;

/// In the catalogue.
pub(crate) const ENTRIES: &[Entry] = &[];
