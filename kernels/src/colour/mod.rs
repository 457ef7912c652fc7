//! Filters that change colours and brightness.

mod adaptive_threshold;
mod brightness_contrast;
mod clahe;
mod color_convert;
mod color_matrix;
mod equalize;
mod gamma;
mod gpu;
pub(crate) mod grayscale;
mod invert;
mod luma;
mod lut;
mod matrix;
mod saturation_hue;
mod sepia;
pub(crate) mod spaces;
mod statistics;
mod sums;
mod tabled;
#[cfg(test)]
mod tabled_tests;
mod threshold;
mod tones;
mod white_balance;

use crate::Entry;
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
