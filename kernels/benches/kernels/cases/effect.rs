//! Rows of the family `effect`.

use super::{GRAY_AND_RGB, Listed};

pub(super) const LIST: &[Listed] = &[
    ("emboss", &[], GRAY_AND_RGB),
    ("pixelate", &[("block_size", "8")], GRAY_AND_RGB),
    // The heights that are measured are multiples of it, too.
    ("pixelate", &[("block_size", "40")], GRAY_AND_RGB),
    ("posterize", &[("levels", "4")], GRAY_AND_RGB),
    ("vignette", &[], GRAY_AND_RGB),
];
