//! Rows of the family `colour` that look at the whole image, or change its layout.

use ocelli_kernels::PixelFormat;

use super::{GRAY, GRAY_AND_RGB, Listed, RGB};

const NV12: &[PixelFormat] = &[PixelFormat::Nv12];
const PLANAR: &[PixelFormat] = &[PixelFormat::Nv12, PixelFormat::I420];

pub(super) const LIST: &[Listed] = &[
    ("adaptive_threshold", &[], GRAY),
    ("adaptive_threshold", &[("block_size", "51")], GRAY),
    ("adaptive_threshold", &[("method", "gaussian")], GRAY),
    ("clahe", &[], GRAY_AND_RGB),
    ("equalize", &[], GRAY_AND_RGB),
    ("color_convert", &[("to", "rgb")], PLANAR),
    ("color_convert", &[("to", "gray")], NV12),
    ("color_convert", &[("to", "i420")], RGB),
    ("color_convert", &[("to", "bgr")], RGB),
    ("color_convert", &[("to", "hsv")], RGB),
    ("color_convert", &[("to", "lab")], RGB),
    ("color_convert", &[("to", "ycbcr")], RGB),
    ("color_convert", &[("from", "hsv"), ("to", "rgb")], RGB),
    ("color_convert", &[("from", "lab"), ("to", "rgb")], RGB),
    ("color_convert", &[("from", "ycbcr"), ("to", "rgb")], RGB),
];
