//! Rows of the family `privacy`.

use super::{GRAY_AND_RGB, Listed};

/// Four faces; with multiples of 32 OpenCV need not cut blocks.
const FACES: &str = "64 64 96 128; 256 96 128 160; 448 32 96 96; 128 288 160 160";

/// What a detector found.
const FOUND: &str = "box 64 64 96 128 #ff0000 2; label 64 60 #ffffff 'person 0.93'; \
                     box 256 96 128 160 #00ff00 2; label 256 92 #ffffff 'person 0.88'; \
                     box 448 32 96 96 #0000ff 2; label 448 28 #ffffff 'dog 0.71'; \
                     polyline 10 400 200 300 400 350 600 250 #ffff00 1; dot 320 240 5 #ff00ff";

pub(super) const LIST: &[Listed] = &[
    ("draw", &[("shapes", FOUND)], GRAY_AND_RGB),
    ("redact", &[("mode", "blur"), ("regions", FACES)], GRAY_AND_RGB),
    ("redact", &[("mode", "pixelate"), ("regions", FACES)], GRAY_AND_RGB),
    ("redact", &[("mode", "fill"), ("regions", FACES)], GRAY_AND_RGB),
];
