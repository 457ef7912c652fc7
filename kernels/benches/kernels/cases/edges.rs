//! Rows of the family `edges`.

use super::{GRAY, GRAY_AND_RGB, Listed};

pub(super) const LIST: &[Listed] = &[
    ("sobel", &[], GRAY_AND_RGB),
    ("sobel", &[("norm", "l1")], GRAY_AND_RGB),
    ("sobel", &[("direction", "x")], GRAY_AND_RGB),
    ("sobel", &[("direction", "y"), ("kernel_size", "5")], GRAY),
    ("sobel", &[("direction", "x"), ("kernel_size", "7"), ("scale", "0.01")], GRAY),
    ("scharr", &[("norm", "l1")], GRAY_AND_RGB),
    ("laplacian", &[], GRAY_AND_RGB),
    ("laplacian", &[("kernel_size", "1")], GRAY_AND_RGB),
    ("laplacian", &[("kernel_size", "5")], GRAY),
    ("log", &[], GRAY_AND_RGB),
    ("canny", &[], GRAY_AND_RGB),
    ("canny", &[("l2_gradient", "true")], GRAY_AND_RGB),
];
