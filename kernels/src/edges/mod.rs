//! Filters that show where brightness changes.

mod canny;
mod derivative;
mod kernels;
mod laplacian;
mod log;
mod passes;
mod sobel;
#[cfg(test)]
mod tests;

use crate::Entry;
pub(crate) const ENTRIES: &[Entry] =
    &[sobel::SOBEL, sobel::SCHARR, laplacian::ENTRY, log::ENTRY, canny::ENTRY];
