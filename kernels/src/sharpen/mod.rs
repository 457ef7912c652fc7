//! Filters that emphasise detail.

mod convolution;
mod gpu;
mod high_pass;
mod strips;
#[cfg(test)]
mod tests;
mod unsharp_mask;

use crate::Entry;
pub(crate) const ENTRIES: &[Entry] = &[unsharp_mask::ENTRY, high_pass::ENTRY, convolution::ENTRY];
