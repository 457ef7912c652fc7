//! Between the images of messages and the images that operations work on.

use bytes::Bytes;
use ocelli_kernels::{
    Element, Image, ImageError, PixelFormat, Pool, Shape, Size, Tensor, codec,
    codec::{CodecError, DecodeLimits},
    convert,
};
use ocelli_messages::{ErrorKind, Failure, Payload, RawFrame, v1};

use crate::{
    definitions::pixel_format,
    output::{Output, image_codec},
};

/// The image of a request, in a layout that operations work on.
pub(crate) fn decode(
    payload: &Payload,
    limits: &DecodeLimits,
    pool: &Pool,
) -> Result<Image, Failure> {
    match payload {
        Payload::Raw(raw) => from_raw(raw, pool).map_err(|error| bug(&error)),
        Payload::Encoded(file) => codec::decode(&file.data, limits, pool)
            .map_err(|error| codec_failure(&error).at("frame.encoded.data")),
    }
}

fn from_raw(raw: &RawFrame, pool: &Pool) -> Result<Image, ImageError> {
    let Shape { size, format } =
        raw_shape(raw).ok_or(ImageError::Length { is: raw.data.len(), must: usize::MAX })?;
    match raw.format {
        v1::PixelFormat::Bgr8 => convert::bgr8_to_rgb8(size, raw.stride, &raw.data, pool),
        _ => Image::new(size, format, raw.stride, raw.data.clone()),
    }
}

/// The image that [`decode`] makes of these pixels.
pub(crate) fn raw_shape(raw: &RawFrame) -> Option<Shape> {
    use v1::PixelFormat as F;
    let size = Size::new(raw.size.width(), raw.size.height())?;
    let format = match raw.format {
        F::Gray8 => PixelFormat::Gray8,
        F::Rgb8 | F::Bgr8 => PixelFormat::Rgb8,
        F::Rgba8 => PixelFormat::Rgba8,
        // Steps that take these as they are do; before others they become RGB.
        F::Nv12 => PixelFormat::Nv12,
        F::I420 | F::Unspecified => PixelFormat::I420,
    };
    Some(Shape::new(size, format))
}

/// The image in the form that was asked for.
pub(crate) fn encode(
    image: Image,
    output: Output,
    pool: &Pool,
) -> Result<v1::frame::Payload, Failure> {
    match output {
        Output::Raw(format) => {
            let format = format.unwrap_or_else(|| pixel_format(image.format()));
            check_even(&image, format)?;
            to_raw(image, format, pool).map_err(|error| bug(&error)).map(v1::frame::Payload::Raw)
        }
        Output::Encoded(codec, quality) => {
            let data = codec::encode(&image, codec, quality, pool)
                .map_err(|error| codec_failure(&error).at("pipeline.output"))?;
            let codec = image_codec(codec).into();
            Ok(v1::frame::Payload::Encoded(v1::EncodedImage { codec, data }))
        }
    }
}

/// A tensor as the wire has it.
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

/// On the wire a chroma sample has its whole two by two pixels.
fn check_even(image: &Image, format: v1::PixelFormat) -> Result<(), Failure> {
    let (width, height) = (image.size().width(), image.size().height());
    let planar = matches!(format, v1::PixelFormat::Nv12 | v1::PixelFormat::I420);
    if planar && (width % 2 == 1 || height % 2 == 1) {
        let message =
            format!("a result of {width}x{height}: NV12 and I420 need an even width and height");
        return Err(Failure::invalid("pipeline.output.raw.format", message)
            .allow(["GRAY8", "RGB8", "BGR8", "RGBA8"]));
    }
    Ok(())
}

fn to_raw(image: Image, format: v1::PixelFormat, pool: &Pool) -> Result<v1::RawImage, ImageError> {
    use v1::PixelFormat as F;
    let image = match format {
        F::Gray8 => convert::to_format(&image, PixelFormat::Gray8, pool)?,
        F::Rgb8 => convert::to_format(&image, PixelFormat::Rgb8, pool)?,
        F::Rgba8 => convert::to_format(&image, PixelFormat::Rgba8, pool)?,
        F::Bgr8 => convert::to_bgr8(&image, pool)?,
        F::Nv12 => convert::to_format(&image, PixelFormat::Nv12, pool)?,
        F::I420 => convert::to_format(&image, PixelFormat::I420, pool)?,
        F::Unspecified => image,
    };
    // Both sides came from, or passed, a check against 32-bit limits.
    let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Ok(v1::RawImage {
        width: narrow(image.size().width()),
        height: narrow(image.size().height()),
        stride: narrow(image.stride()),
        format: format.into(),
        data: image.into_data(),
    })
}

/// A raw image handed back as it came, with its stride said.
pub(crate) fn unchanged(raw: &RawFrame) -> v1::RawImage {
    v1::RawImage {
        width: raw.size.width(),
        height: raw.size.height(),
        stride: u32::try_from(raw.stride).unwrap_or(u32::MAX),
        format: raw.format.into(),
        data: Bytes::clone(&raw.data),
    }
}

fn codec_failure(error: &CodecError) -> Failure {
    let kind = match error {
        CodecError::NotAnImage | CodecError::Unsupported { .. } => ErrorKind::Unsupported,
        CodecError::Empty
        | CodecError::Truncated(_)
        | CodecError::Damaged { .. }
        | CodecError::TooLargeToEncode { .. }
        | CodecError::Quality(_) => ErrorKind::InvalidArgument,
        CodecError::TooLarge { .. } => ErrorKind::TooLarge,
        CodecError::Encode { .. } => ErrorKind::Internal,
    };
    if let CodecError::Damaged { detail, .. } | CodecError::Encode { detail, .. } = error {
        tracing::debug!(detail, "{error}");
    }
    Failure::new(kind, error.to_string())
}

fn bug(error: &ImageError) -> Failure {
    tracing::error!(%error, "a checked image was refused");
    Failure::internal("a checked image was refused")
}
