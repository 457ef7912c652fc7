//! The form of a result.

use ocelli_kernels::codec::Codec;
use ocelli_messages::{ErrorKind, Failure, Payload, v1};

/// What JPEG quality means when none is asked for.
const DEFAULT_QUALITY: u8 = 90;

/// The form of a result, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Pixels, in that format or as the last step yields them.
    Raw(Option<v1::PixelFormat>),
    /// A file.
    Encoded(Codec, u8),
}

impl Output {
    /// Checks what was asked for; without it the result is what the input was.
    pub(crate) fn check(
        output: Option<v1::OutputFormat>,
        input: &Payload,
    ) -> Result<Self, Failure> {
        let input_codec = match input {
            Payload::Raw(_) => None,
            Payload::Encoded(file) => Some(file.codec),
        };
        match output.and_then(|output| output.kind) {
            None => Ok(match input_codec {
                None => Self::Raw(None),
                Some(file) => Self::Encoded(codec(file).unwrap_or(Codec::Png), DEFAULT_QUALITY),
            }),
            Some(v1::output_format::Kind::Raw(raw)) => raw_format(raw.format).map(Self::Raw),
            Some(v1::output_format::Kind::Encoded(encoded)) => {
                let asked = v1::ImageCodec::try_from(encoded.codec).map_err(|_| {
                    let message = format!("{} is no known codec", encoded.codec);
                    Failure::new(ErrorKind::Unsupported, message)
                        .at("encoded.codec")
                        .allow(["PNG", "JPEG", "WEBP"])
                })?;
                let codec = codec(asked).or_else(|| codec(input_codec?)).unwrap_or(Codec::Png);
                Ok(Self::Encoded(codec, quality(encoded.quality)?))
            }
        }
    }

    /// Whether pixels in that format are wanted.
    pub(crate) fn is_raw(self, format: v1::PixelFormat) -> bool {
        matches!(self, Self::Raw(wanted) if wanted.is_none_or(|wanted| wanted == format))
    }
}

/// Whether a codec or a pixel format was asked for.
pub(crate) fn is_stated(output: Option<&v1::OutputFormat>) -> bool {
    match output.and_then(|output| output.kind.as_ref()) {
        Some(v1::output_format::Kind::Raw(raw)) => raw.format() != v1::PixelFormat::Unspecified,
        Some(v1::output_format::Kind::Encoded(encoded)) => {
            encoded.codec() != v1::ImageCodec::Unspecified
        }
        None => false,
    }
}

fn quality(asked: u32) -> Result<u8, Failure> {
    match u8::try_from(asked) {
        Ok(0) => Ok(DEFAULT_QUALITY),
        Ok(quality @ 1..=100) => Ok(quality),
        _ => {
            let message = format!("a quality of {asked}: 1 to 100 are allowed, and 0 for 90");
            Err(Failure::invalid("encoded.quality", message).allow(["0..=100"]))
        }
    }
}

fn raw_format(asked: i32) -> Result<Option<v1::PixelFormat>, Failure> {
    use v1::PixelFormat as F;
    match F::try_from(asked) {
        Ok(F::Unspecified) => Ok(None),
        Ok(format) => Ok(Some(format)),
        Err(_) => {
            let message = format!("{asked} is no known pixel format");
            Err(Failure::new(ErrorKind::Unsupported, message)
                .at("raw.format")
                .allow(["GRAY8", "RGB8", "BGR8", "RGBA8", "NV12", "I420"]))
        }
    }
}

const fn codec(codec: v1::ImageCodec) -> Option<Codec> {
    match codec {
        v1::ImageCodec::Png => Some(Codec::Png),
        v1::ImageCodec::Jpeg => Some(Codec::Jpeg),
        v1::ImageCodec::Webp => Some(Codec::Webp),
        v1::ImageCodec::Unspecified => None,
    }
}

/// The codec as the wire calls it.
pub(crate) const fn image_codec(codec: Codec) -> v1::ImageCodec {
    match codec {
        Codec::Png => v1::ImageCodec::Png,
        Codec::Jpeg => v1::ImageCodec::Jpeg,
        Codec::Webp => v1::ImageCodec::Webp,
    }
}
