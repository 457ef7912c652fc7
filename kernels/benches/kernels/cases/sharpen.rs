//! Rows of the family `sharpen`.

use super::{GRAY_AND_RGB, Listed};

const BINOMIAL: &str = "1 4 6 4 1 4 16 24 16 4 6 24 36 24 6 4 16 24 16 4 1 4 6 4 1";
const EMBOSS: &str = "-2 -1 0 -1 1 1 0 1 2";
const FRACTIONS: &str = "0.1 0.25 -0.3 0.11 0.7 0.013 -0.2 0.4 0.05";

pub(super) const LIST: &[Listed] = &[
    ("unsharp_mask", &[], GRAY_AND_RGB),
    ("unsharp_mask", &[("kernel_size", "15"), ("sigma", "2.5")], GRAY_AND_RGB),
    ("high_pass", &[], GRAY_AND_RGB),
    ("convolution", &[], GRAY_AND_RGB),
    ("convolution", &[("kernel", EMBOSS)], GRAY_AND_RGB),
    ("convolution", &[("kernel", BINOMIAL)], GRAY_AND_RGB),
    ("convolution", &[("kernel", FRACTIONS)], GRAY_AND_RGB),
];
