//! Colour: what colours become.

mod adaptive_threshold;
mod clahe;
mod color_convert;
mod equalize;
mod luma;
mod tones;
mod brightness_contrast;
mod color_matrix;
mod device;
mod gamma;
pub(crate) mod grayscale;
mod invert;
mod lut;
mod matrix;
mod saturation_hue;
mod sepia;
mod statistics;
mod sums;
mod tabled;
#[cfg(test)]
mod tabled_tests;
mod threshold;
mod white_balance;
pub(crate) mod spaces;

use crate::Entry;

/// In the catalogue.
pub(crate) const ENTRIES: &[Entry] = &[
    grayscale::ENTRY,
    invert::ENTRY,
    brightness_contrast::ENTRY,
    gamma::ENTRY,
    saturation_hue::ENTRY,
    white_balance::ENTRY,
    sepia::ENTRY,
    color_matrix::ENTRY,
    threshold::ENTRY,
    color_convert::ENTRY,
    adaptive_threshold::ENTRY,
    clahe::ENTRY,
    equalize::ENTRY,
    lut::ENTRY,
];
