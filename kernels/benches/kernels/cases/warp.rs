//! Rows of the family `geometry` that go through a matrix.

use super::{GRAY_AND_RGB, Listed, RGB};

/// Turned by seven degrees.
const TURNED: &str = "0.99255 -0.12187 71 0.12187 0.99255 -115";
/// Seen from the side.
const TILTED: &str = "0.95 0.05 10 0.03 0.9 20 0.00004 0.00002 1";

pub(super) const LIST: &[Listed] = &[
    ("warp_affine", &[("filter", "nearest"), ("matrix", TURNED)], GRAY_AND_RGB),
    ("warp_affine", &[("filter", "bilinear"), ("matrix", TURNED)], GRAY_AND_RGB),
    ("warp_affine", &[("filter", "bicubic"), ("matrix", TURNED)], RGB),
    ("warp_perspective", &[("filter", "nearest"), ("matrix", TILTED)], RGB),
    ("warp_perspective", &[("filter", "bilinear"), ("matrix", TILTED)], GRAY_AND_RGB),
    ("warp_perspective", &[("filter", "bicubic"), ("matrix", TILTED)], RGB),
];
