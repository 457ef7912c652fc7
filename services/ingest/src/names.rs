//! Enumerations of the wire under the names that HTTP users know.

use ocelli_messages::{Failure, v1};

/// Pixel formats of raw input.
pub(crate) const PIXEL_FORMATS: [(&str, v1::PixelFormat); 6] = [
    ("gray8", v1::PixelFormat::Gray8),
    ("rgb8", v1::PixelFormat::Rgb8),
    ("bgr8", v1::PixelFormat::Bgr8),
    ("rgba8", v1::PixelFormat::Rgba8),
    ("nv12", v1::PixelFormat::Nv12),
    ("i420", v1::PixelFormat::I420),
];

/// Pixel formats of raw output.
pub(crate) const OUTPUT_PIXEL_FORMATS: [(&str, v1::PixelFormat); 4] = [
    ("gray8", v1::PixelFormat::Gray8),
    ("rgb8", v1::PixelFormat::Rgb8),
    ("bgr8", v1::PixelFormat::Bgr8),
    ("rgba8", v1::PixelFormat::Rgba8),
];

/// What can come back: a file of that codec, or pixels.
pub(crate) const FORMATS: [(&str, Option<v1::ImageCodec>); 5] = [
    ("png", Some(v1::ImageCodec::Png)),
    ("jpeg", Some(v1::ImageCodec::Jpeg)),
    ("jpg", Some(v1::ImageCodec::Jpeg)),
    ("webp", Some(v1::ImageCodec::Webp)),
    ("raw", None),
];

/// Where a pipeline can run.
pub(crate) const ACCELERATORS: [(&str, v1::Accelerator); 3] = [
    ("auto", v1::Accelerator::Auto),
    ("cpu", v1::Accelerator::Cpu),
    ("cuda", v1::Accelerator::Cuda),
];

/// What a name stands for.
pub(crate) fn named<T: Copy>(
    names: &[(&'static str, T)],
    field: &'static str,
    given: &str,
) -> Result<T, Failure> {
    names.iter().find(|(name, _)| *name == given).map(|(_, value)| *value).ok_or_else(|| {
        let given: String = given.chars().take(40).collect();
        Failure::invalid(field, format!("{given:?} is not allowed"))
            .allow(names.iter().map(|(name, _)| *name))
    })
}

/// The name of a value; the first one if it has several.
pub(crate) fn name_of<T: Copy + PartialEq>(
    names: &[(&'static str, T)],
    value: T,
) -> Option<&'static str> {
    names.iter().find(|(_, known)| *known == value).map(|(name, _)| *name)
}
