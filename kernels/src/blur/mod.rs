//! Blur: less detail.

mod gaussian;

use crate::Entry;

/// In the catalogue.
pub(crate) const ENTRIES: &[Entry] = &[gaussian::ENTRY];
