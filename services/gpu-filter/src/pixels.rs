//! Converts between the images of messages and the images that operations work on.

use bytes::Bytes;
use ocelli_kernels::{
    Element, Image, ImageError, Limits, PixelFormat, Pool, Tensor,
    codec::{self, CodecError},
    convert,
};
use ocelli_messages::{Failure, Named as _, Payload, RawFrame, v1};

use crate::output::Output;

/// Decodes the image of a request into a layout that operations work on.
pub(crate) fn decode(payload: &Payload, limits: &Limits, pool: &Pool) -> Result<Image, Failure> {
    match payload {
        Payload::Raw(raw) => from_raw(raw, pool).map_err(bug),
        Payload::Encoded(file) => codec::decode_as(file.header.codec, &file.data, limits, pool)
            .map_err(|error| codec_failure(error).at("frame.encoded.data")),
    }
}

fn from_raw(raw: &RawFrame, pool: &Pool) -> Result<Image, ImageError> {
    let size = raw.shape.size;
    match raw.format {
        v1::PixelFormat::Bgr8 => convert::bgr8_to_rgb8(size, raw.stride, &raw.data, pool),
        _ => Image::new(size, raw.shape.format, raw.stride, raw.data.clone()),
    }
}

/// Encodes an image in the requested output format, as a file of at most `most` bytes.
pub(crate) fn encode(
    image: Image,
    output: Output,
    most: usize,
    pool: &Pool,
) -> Result<v1::frame::Payload, Failure> {
    match output {
        Output::Raw(format) => {
            let format = format.unwrap_or_else(|| image.format().into());
            check_even(&image, format)?;
            to_raw(image, format, pool).map_err(bug).map(v1::frame::Payload::Raw)
        }
        Output::Encoded(codec, quality) => {
            let data = codec::encode(&image, codec, quality, most, pool)
                .map_err(|error| codec_failure(error).at("pipeline.output"))?;
            let codec = v1::ImageCodec::from(codec).into();
            Ok(v1::frame::Payload::Encoded(v1::EncodedImage { codec, data }))
        }
    }
}

/// Converts a tensor to its message.
pub(crate) fn tensor(tensor: Tensor) -> v1::Tensor {
    let shape = tensor.shape();
    let element = match shape.element {
        Element::U8 => v1::ElementType::U8,
        Element::U32 => v1::ElementType::U32,
        Element::F16 => v1::ElementType::F16,
        Element::F32 => v1::ElementType::F32,
    };
    v1::Tensor {
        element: element.into(),
        shape: shape.dimensions.iter().map(|length| *length as u64).collect(),
        layout: shape.layout.to_owned(),
        data: tensor.into_data(),
    }
}

/// Checks that the width and height are even if the format requires it: on the wire, a chroma
/// sample always covers two by two pixels.
fn check_even(image: &Image, format: v1::PixelFormat) -> Result<(), Failure> {
    let (width, height) = (image.size().width(), image.size().height());
    let planar = |format| PixelFormat::try_from(format).is_ok_and(PixelFormat::is_planar);
    if planar(format) && (width % 2 == 1 || height % 2 == 1) {
        let message = format!(
            "the result has {width}x{height} pixels; NV12 and I420 need an even width and height"
        );
        return Err(Failure::invalid("pipeline.output.raw.format", message).allow(
            v1::PixelFormat::NAMES
                .iter()
                .filter(|(one, _)| !planar(*one))
                .map(|(one, _)| one.wire_name()),
        ));
    }
    Ok(())
}

fn to_raw(image: Image, format: v1::PixelFormat, pool: &Pool) -> Result<v1::RawImage, ImageError> {
    let image = match (format, PixelFormat::try_from(format)) {
        (v1::PixelFormat::Bgr8, _) => convert::to_bgr8(&image, pool)?,
        (_, Ok(layout)) => convert::to_format(&image, layout, pool)?,
        // An unspecified format is the one that the image has.
        (_, Err(_)) => image,
    };
    let (width, height) = image.size().sides();
    Ok(v1::RawImage {
        width,
        height,
        // A row of an image within the limits is shorter than 4 GiB.
        stride: u32::try_from(image.stride()).unwrap_or(u32::MAX),
        format: format.into(),
        data: image.into_data(),
    })
}

/// The raw image as it was received, with its stride stated.
pub(crate) fn unchanged(raw: &RawFrame) -> v1::RawImage {
    let (width, height) = raw.shape.size.sides();
    v1::RawImage {
        width,
        height,
        stride: u32::try_from(raw.stride).unwrap_or(u32::MAX),
        format: raw.format.into(),
        data: Bytes::clone(&raw.data),
    }
}

/// The failure for the client. The message of the codec is only logged.
fn codec_failure(error: CodecError) -> Failure {
    if let CodecError::Damaged { detail, .. } | CodecError::Encode { detail, .. } = &error {
        tracing::debug!(detail, "{error}");
    }
    error.into()
}

fn bug(error: ImageError) -> Failure {
    tracing::error!(%error, "an image that passed the checks could not be built");
    error.into()
}
