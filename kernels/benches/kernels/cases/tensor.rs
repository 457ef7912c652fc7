//! Rows of the family `tensor`.

use ocelli_kernels::PixelFormat;

use super::{GRAY_AND_RGB, Listed, RGB};

/// What most classifiers take.
const MEAN: (&str, &str) = ("mean", "0.485 0.456 0.406");
const DEVIATION: (&str, &str) = ("std", "0.229 0.224 0.225");

pub(super) const LIST: &[Listed] = &[
    (
        "normalize_to_tensor",
        &[("fit", "letterbox"), ("width", "640"), ("height", "640")],
        GRAY_AND_RGB,
    ),
    // What video decoders deliver, for a detector.
    (
        "normalize_to_tensor",
        &[("fit", "letterbox"), ("width", "640"), ("height", "640")],
        &[PixelFormat::Nv12],
    ),
    ("normalize_to_tensor", &[("width", "224"), ("height", "224"), MEAN, DEVIATION], RGB),
    ("normalize_to_tensor", &[("channel_order", "bgr")], RGB),
    ("normalize_to_tensor", &[("element", "f16"), ("layout", "nhwc")], RGB),
    ("histogram", &[], GRAY_AND_RGB),
];
