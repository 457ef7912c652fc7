//! Rows of the family `blur`.

use super::{GRAY_AND_RGB, Listed};

pub(super) const LIST: &[Listed] = &[
    ("blur", &[], GRAY_AND_RGB),
    ("blur", &[("kernel_size", "31"), ("sigma", "5")], GRAY_AND_RGB),
];
