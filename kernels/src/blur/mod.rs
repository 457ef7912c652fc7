//! Filters that remove detail.

mod bilateral;
mod box_blur;
mod edge;
pub(crate) mod gaussian;
mod gpu;
mod median;
mod motion;
#[cfg(test)]
mod reference;

use crate::Entry;
pub(crate) const ENTRIES: &[Entry] =
    &[gaussian::ENTRY, box_blur::ENTRY, median::ENTRY, bilateral::ENTRY, motion::ENTRY];
