//! Sharpen: more detail.

use crate::Entry;

/// In the catalogue.
pub(crate) const ENTRIES: &[Entry] = &[];
