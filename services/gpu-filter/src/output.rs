//! The output format of a result.

use ocelli_kernels::codec::Codec;
use ocelli_messages::{ErrorKind, Failure, Named as _, Payload, v1};

/// The JPEG quality if none is requested.
const DEFAULT_QUALITY: u8 = 90;

/// A checked output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Raw pixels in the given format, or in the one that the last step yields.
    Raw(Option<v1::PixelFormat>),
    /// A file with the given codec and quality.
    Encoded(Codec, u8),
}

impl Output {
    /// Checks the requested format. If none is requested, the result has the format of the input.
    pub(crate) fn check(
        output: Option<v1::OutputFormat>,
        input: &Payload,
    ) -> Result<Self, Failure> {
        let input_codec = match input {
            Payload::Raw(_) => None,
            Payload::Encoded(file) => Some(file.header.codec),
        };
        match output.and_then(|output| output.kind) {
            None => Ok(match input_codec {
                None => Self::Raw(None),
                Some(codec) => Self::Encoded(codec, DEFAULT_QUALITY),
            }),
            Some(v1::output_format::Kind::Raw(raw)) => raw_format(raw.format).map(Self::Raw),
            Some(v1::output_format::Kind::Encoded(encoded)) => {
                let asked = v1::ImageCodec::from_wire(encoded.codec).map_err(|failure| {
                    failure.of_kind(ErrorKind::Unsupported).at("encoded.codec")
                })?;
                let codec = Codec::try_from(asked).ok().or(input_codec).unwrap_or(Codec::Png);
                Ok(Self::Encoded(codec, quality(encoded.quality)?))
            }
        }
    }

    /// Whether raw pixels in the given format satisfy the request.
    pub(crate) fn is_raw(self, format: v1::PixelFormat) -> bool {
        matches!(self, Self::Raw(wanted) if wanted.is_none_or(|wanted| wanted == format))
    }
}

/// Whether a codec or a pixel format was requested.
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
            let message = format!(
                "the quality {asked} is out of range: use 1 to 100, or 0 for the default of 90"
            );
            Err(Failure::invalid("encoded.quality", message).allow(["0..=100"]))
        }
    }
}

fn raw_format(asked: i32) -> Result<Option<v1::PixelFormat>, Failure> {
    let format = v1::PixelFormat::from_wire(asked)
        .map_err(|failure| failure.of_kind(ErrorKind::Unsupported).at("raw.format"))?;
    Ok(Some(format).filter(|format| *format != v1::PixelFormat::Unspecified))
}
