//! Rows of the family `geometry`.

use super::{GRAY_AND_RGB, Listed, RGB};

pub(super) const LIST: &[Listed] = &[
    ("crop", &[("x", "16"), ("y", "16")], GRAY_AND_RGB),
    ("pad", &[("top", "32"), ("bottom", "32"), ("left", "32"), ("right", "32")], GRAY_AND_RGB),
    ("pad", &[("top", "32"), ("left", "32"), ("border_mode", "reflect_101")], RGB),
    ("flip", &[("direction", "horizontal")], GRAY_AND_RGB),
    ("flip", &[("direction", "vertical")], GRAY_AND_RGB),
    ("flip", &[("direction", "both")], RGB),
    ("rotate", &[("angle", "90")], GRAY_AND_RGB),
    ("rotate", &[("angle", "180")], RGB),
    ("rotate", &[("angle", "270")], GRAY_AND_RGB),
    ("resize", &[("width", "1280"), ("height", "720"), ("filter", "nearest")], GRAY_AND_RGB),
    ("resize", &[("width", "1280"), ("height", "720")], GRAY_AND_RGB),
    ("resize", &[("width", "320"), ("height", "240")], GRAY_AND_RGB),
    ("resize", &[("width", "1280"), ("height", "720"), ("filter", "bicubic")], GRAY_AND_RGB),
    ("resize", &[("width", "600"), ("height", "340"), ("filter", "area")], GRAY_AND_RGB),
    ("resize", &[("width", "320"), ("height", "120"), ("filter", "area")], GRAY_AND_RGB),
    ("letterbox", &[], GRAY_AND_RGB),
];
