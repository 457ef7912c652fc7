//! Rows of the family `morphology`.

use super::{GRAY_AND_RGB, Listed, RGB};

pub(super) const LIST: &[Listed] = &[
    ("erode", &[], GRAY_AND_RGB),
    ("erode", &[("kernel_size", "15")], GRAY_AND_RGB),
    ("dilate", &[("shape", "cross"), ("kernel_size", "5")], GRAY_AND_RGB),
    ("dilate", &[("shape", "ellipse"), ("kernel_size", "5")], GRAY_AND_RGB),
    ("erode", &[("shape", "ellipse"), ("kernel_size", "31")], RGB),
    ("open", &[("kernel_size", "5")], GRAY_AND_RGB),
    ("close", &[("shape", "ellipse"), ("kernel_size", "5")], GRAY_AND_RGB),
    ("gradient", &[], GRAY_AND_RGB),
    ("top_hat", &[("kernel_size", "9")], GRAY_AND_RGB),
    ("black_hat", &[("kernel_size", "9")], GRAY_AND_RGB),
];
