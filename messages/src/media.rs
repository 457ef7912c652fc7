//! Converts between the wire and `ocelli-media`: the enums of both, and the errors of
//! `ocelli-media` to failures. This is the only place that knows how they correspond.

use ocelli_media::{Codec, CodecError, ImageError, LimitError, PixelFormat};

use crate::{ErrorKind, Failure, Named as _, v1};

impl From<Codec> for v1::ImageCodec {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::Png => Self::Png,
            Codec::Jpeg => Self::Jpeg,
            Codec::Webp => Self::Webp,
        }
    }
}

impl TryFrom<v1::ImageCodec> for Codec {
    type Error = Failure;

    /// Fails with `invalid_argument` if the codec is not specified.
    fn try_from(codec: v1::ImageCodec) -> Result<Self, Failure> {
        match codec {
            v1::ImageCodec::Png => Ok(Self::Png),
            v1::ImageCodec::Jpeg => Ok(Self::Jpeg),
            v1::ImageCodec::Webp => Ok(Self::Webp),
            v1::ImageCodec::Unspecified => Err(Failure::invalid("", "the codec is not specified")
                .allow(v1::ImageCodec::wire_names())),
        }
    }
}

impl From<PixelFormat> for v1::PixelFormat {
    fn from(format: PixelFormat) -> Self {
        match format {
            PixelFormat::Gray8 => Self::Gray8,
            PixelFormat::Rgb8 => Self::Rgb8,
            PixelFormat::Rgba8 => Self::Rgba8,
            PixelFormat::Nv12 => Self::Nv12,
            PixelFormat::I420 => Self::I420,
        }
    }
}

impl TryFrom<v1::PixelFormat> for PixelFormat {
    type Error = Failure;

    /// The layout that operations use for pixels of the given format: BGR becomes RGB. Fails with
    /// `invalid_argument` if the format is not specified.
    fn try_from(format: v1::PixelFormat) -> Result<Self, Failure> {
        match format {
            v1::PixelFormat::Gray8 => Ok(Self::Gray8),
            v1::PixelFormat::Rgb8 | v1::PixelFormat::Bgr8 => Ok(Self::Rgb8),
            v1::PixelFormat::Rgba8 => Ok(Self::Rgba8),
            v1::PixelFormat::Nv12 => Ok(Self::Nv12),
            v1::PixelFormat::I420 => Ok(Self::I420),
            v1::PixelFormat::Unspecified => {
                let message = "the pixel format is not specified";
                Err(Failure::invalid("", message).allow(v1::PixelFormat::wire_names()))
            }
        }
    }
}

impl From<LimitError> for Failure {
    /// The failure names the field of `RawImage` or `EncodedImage` that is at fault.
    fn from(error: LimitError) -> Self {
        let (kind, field) = match error {
            LimitError::NoPixels { width: 0, .. } => (ErrorKind::InvalidArgument, "width"),
            LimitError::NoPixels { .. } => (ErrorKind::InvalidArgument, "height"),
            LimitError::Side { width, max_side_px, .. } if width <= max_side_px => {
                (ErrorKind::TooLarge, "height")
            }
            LimitError::Side { .. } | LimitError::Pixels { .. } => (ErrorKind::TooLarge, "width"),
            LimitError::NoBytes => (ErrorKind::InvalidArgument, "data"),
            LimitError::Bytes { .. } => (ErrorKind::TooLarge, "data"),
        };
        Self::new(kind, error.to_string()).at(field)
    }
}

impl From<CodecError> for Failure {
    /// The failure names no field, because only the caller knows whether the file was read or
    /// written.
    fn from(error: CodecError) -> Self {
        let kind = match error {
            CodecError::NotAnImage | CodecError::Unsupported { .. } => ErrorKind::Unsupported,
            CodecError::Empty
            | CodecError::Truncated(_)
            | CodecError::Damaged { .. }
            | CodecError::TooLargeToEncode { .. }
            | CodecError::Quality(_) => ErrorKind::InvalidArgument,
            CodecError::TooLarge { .. } | CodecError::ResultTooLarge { .. } => ErrorKind::TooLarge,
            CodecError::Planar { .. } | CodecError::Encode { .. } => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ImageError> for Failure {
    /// Images are checked before they are built, so this is a bug. The text of the error is for
    /// logs, not for users.
    fn from(_: ImageError) -> Self {
        Self::internal("an image that passed the checks could not be built")
    }
}

#[cfg(test)]
mod tests {
    use ocelli_media::Limits;

    use super::*;

    #[test]
    fn enums_survive_the_wire() {
        for codec in Codec::ALL {
            assert_eq!(Codec::try_from(v1::ImageCodec::from(codec)), Ok(codec));
        }
        for format in PixelFormat::ALL {
            assert_eq!(PixelFormat::try_from(v1::PixelFormat::from(format)), Ok(format));
        }
        assert_eq!(PixelFormat::try_from(v1::PixelFormat::Bgr8), Ok(PixelFormat::Rgb8));
        let failure = PixelFormat::try_from(v1::PixelFormat::Unspecified).unwrap_err();
        assert_eq!(failure.allowed, ["GRAY8", "RGB8", "BGR8", "RGBA8", "NV12", "I420"]);
        let failure = Codec::try_from(v1::ImageCodec::Unspecified).unwrap_err();
        assert_eq!(failure.allowed, ["PNG", "JPEG", "WEBP"]);
    }

    #[test]
    fn a_limit_blames_the_field_that_exceeds_it() {
        let limits = Limits { max_side_px: 8, max_pixels: 32, max_encoded_bytes: 9, max_steps: 0 };
        for (width, height, kind, field) in [
            (0, 0, ErrorKind::InvalidArgument, "width"),
            (1, 0, ErrorKind::InvalidArgument, "height"),
            (9, 9, ErrorKind::TooLarge, "width"),
            (1, 9, ErrorKind::TooLarge, "height"),
            (8, 8, ErrorKind::TooLarge, "width"),
        ] {
            let failure = Failure::from(limits.size(width, height).unwrap_err());
            assert_eq!((failure.kind, failure.field.as_str()), (kind, field), "{width}×{height}");
        }
        for (bytes, kind) in [(0, ErrorKind::InvalidArgument), (10, ErrorKind::TooLarge)] {
            let failure = Failure::from(limits.encoded_bytes(bytes).unwrap_err());
            assert_eq!((failure.kind, failure.field.as_str()), (kind, "data"));
        }
    }
}
