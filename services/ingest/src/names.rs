//! Names that only HTTP users know, and what a wrong one is told.

use ocelli_messages::{Failure, Named, v1};

/// Pixel formats of raw output.
pub(crate) const OUTPUT_PIXEL_FORMATS: [(&str, v1::PixelFormat); 6] = [
    ("gray8", v1::PixelFormat::Gray8),
    ("rgb8", v1::PixelFormat::Rgb8),
    ("bgr8", v1::PixelFormat::Bgr8),
    ("rgba8", v1::PixelFormat::Rgba8),
    ("nv12", v1::PixelFormat::Nv12),
    ("i420", v1::PixelFormat::I420),
];

/// What can come back: a file of that codec, or pixels.
pub(crate) const FORMATS: [(&str, Option<v1::ImageCodec>); 5] = [
    ("png", Some(v1::ImageCodec::Png)),
    ("jpeg", Some(v1::ImageCodec::Jpeg)),
    ("jpg", Some(v1::ImageCodec::Jpeg)),
    ("webp", Some(v1::ImageCodec::Webp)),
    ("raw", None),
];

/// What a name of that list stands for.
pub(crate) fn listed<T: Copy>(
    names: &[(&'static str, T)],
    field: &'static str,
    given: &str,
) -> Result<T, Failure> {
    let known = names.iter().find(|(name, _)| *name == given).map(|(_, value)| *value);
    known.ok_or_else(|| unknown(field, given).allow(names.iter().map(|(name, _)| *name)))
}

/// What a name of the wire stands for.
pub(crate) fn named<T: Named>(field: &'static str, given: &str) -> Result<T, Failure> {
    T::named(given).ok_or_else(|| unknown(field, given).allow(T::names()))
}

fn unknown(field: &'static str, given: &str) -> Failure {
    let given: String = given.chars().take(40).collect();
    Failure::invalid(field, format!("{given:?} is not allowed"))
}
