//! Rows of the family `blur`.

use super::{GRAY_AND_RGB, Listed};

pub(super) const LIST: &[Listed] = &[
    ("blur", &[("kernel_size", "3")], GRAY_AND_RGB),
    ("blur", &[], GRAY_AND_RGB),
    ("blur", &[("kernel_size", "31"), ("sigma", "5")], GRAY_AND_RGB),
    ("blur", &[("kernel_size", "101"), ("sigma", "16")], GRAY_AND_RGB),
    ("box_blur", &[("kernel_size", "3")], GRAY_AND_RGB),
    ("box_blur", &[("kernel_size", "15")], GRAY_AND_RGB),
    ("box_blur", &[("kernel_size", "101")], GRAY_AND_RGB),
    ("median", &[("kernel_size", "3")], GRAY_AND_RGB),
    ("median", &[("kernel_size", "5")], GRAY_AND_RGB),
    ("median", &[("kernel_size", "7")], GRAY_AND_RGB),
    ("median", &[("kernel_size", "31")], GRAY_AND_RGB),
    ("bilateral", &[("diameter", "5")], GRAY_AND_RGB),
    ("bilateral", &[("diameter", "9")], GRAY_AND_RGB),
    ("motion_blur", &[("length", "15")], GRAY_AND_RGB),
    ("motion_blur", &[("length", "15"), ("angle", "90")], GRAY_AND_RGB),
    ("motion_blur", &[("length", "7"), ("angle", "45")], GRAY_AND_RGB),
    ("motion_blur", &[("length", "31"), ("angle", "30")], GRAY_AND_RGB),
];
