//! From wire images, which may say anything, to checked ones, which cannot be wrong.

use bytes::Bytes;

use crate::{ErrorKind, Failure, ImageSize, Limits, v1};

/// Pixels whose size, stride and length agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFrame {
    /// Width and height.
    pub size: ImageSize,
    /// Bytes from row to row.
    pub stride: usize,
    /// Never unspecified.
    pub format: v1::PixelFormat,
    /// The pixels, as received.
    pub data: Bytes,
}

/// A file whose header says a known codec and an allowed size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFrame {
    /// Never unspecified.
    pub codec: v1::ImageCodec,
    /// As the file's header states it, before any EXIF rotation.
    pub size: ImageSize,
    /// The file, as received.
    pub data: Bytes,
}

/// A checked payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Pixels.
    Raw(RawFrame),
    /// A file.
    Encoded(EncodedFrame),
}

/// A checked frame: who it is, and its payload.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedFrame {
    /// The frame without its payload: what a response repeats.
    pub identity: v1::Frame,
    /// The payload.
    pub payload: Payload,
}

/// Bytes of a row without padding, and the rows of all planes counted in strides.
fn layout(format: v1::PixelFormat, size: ImageSize) -> Result<(usize, usize), Failure> {
    use v1::PixelFormat as F;
    let (width, height) = (size.width() as usize, size.height() as usize);
    match format {
        F::Gray8 => Ok((width, height)),
        F::Rgb8 | F::Bgr8 => Ok((width * 3, height)),
        F::Rgba8 => Ok((width * 4, height)),
        F::Nv12 | F::I420 if width % 2 == 1 || height % 2 == 1 => {
            let message = format!("{size}: NV12 and I420 need an even width and height");
            Err(Failure::invalid("format", message))
        }
        F::Nv12 | F::I420 => Ok((width, height + height / 2)),
        F::Unspecified => Err(Failure::invalid("format", "the pixel format is not specified")
            .allow(["GRAY8", "RGB8", "BGR8", "RGBA8", "NV12", "I420"])),
    }
}

impl RawFrame {
    /// Checks a raw image.
    ///
    /// # Errors
    /// `invalid_argument` where the fields contradict each other, `too_large` over a limit.
    pub fn check(image: v1::RawImage, limits: &Limits) -> Result<Self, Failure> {
        let size = limits.size(image.width, image.height)?;
        let format = v1::PixelFormat::try_from(image.format).map_err(|_| {
            Failure::invalid("format", format!("{} is no known pixel format", image.format))
                .allow(["GRAY8", "RGB8", "BGR8", "RGBA8", "NV12", "I420"])
        })?;
        let (row, rows) = layout(format, size)?;
        let stride = if image.stride == 0 { row } else { image.stride as usize };
        if stride < row {
            let message = format!("a stride of {stride} bytes is less than a row of {row} bytes");
            return Err(Failure::invalid("stride", message));
        }
        if format == v1::PixelFormat::I420 && stride % 2 == 1 {
            return Err(Failure::invalid("stride", "must be even: the Cb and Cr rows are half"));
        }
        let (is, must) = (image.data.len(), stride as u64 * rows as u64);
        if is as u64 != must {
            let message = format!(
                "{size} {} with a stride of {stride} needs {must} bytes; there are {is}",
                format.as_str_name().trim_start_matches("PIXEL_FORMAT_"),
            );
            return Err(Failure::invalid("data", message));
        }
        Ok(Self { size, stride, format, data: image.data })
    }
}

/// The codec that the first bytes of a file tell; `None` if it is none of ours.
#[must_use]
pub fn sniff_codec(data: &[u8]) -> Option<v1::ImageCodec> {
    match data {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(v1::ImageCodec::Png),
        [0xff, 0xd8, 0xff, ..] => Some(v1::ImageCodec::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            Some(v1::ImageCodec::Webp)
        }
        _ => None,
    }
}

impl EncodedFrame {
    /// Checks an encoded image by its header; no pixel is decoded.
    ///
    /// # Errors
    /// `unsupported` for a codec that is not ours, `invalid_argument` for a header that cannot be
    /// read or that contradicts the stated codec, `too_large` over a limit.
    pub fn check(image: v1::EncodedImage, limits: &Limits) -> Result<Self, Failure> {
        const CODECS: [&str; 3] = ["PNG", "JPEG", "WEBP"];
        limits.encoded_bytes(image.data.len())?;
        let stated = v1::ImageCodec::try_from(image.codec).map_err(|_| {
            let message = format!("{} is no known codec", image.codec);
            Failure::new(ErrorKind::Unsupported, message).at("codec").allow(CODECS)
        })?;
        let codec = sniff_codec(&image.data).ok_or_else(|| {
            let message = "the data is not a PNG, JPEG or WebP image";
            Failure::new(ErrorKind::Unsupported, message).at("data").allow(CODECS)
        })?;
        if stated != v1::ImageCodec::Unspecified && stated != codec {
            let name =
                |codec: v1::ImageCodec| codec.as_str_name().trim_start_matches("IMAGE_CODEC_");
            let message = format!("the codec says {}, the data is {}", name(stated), name(codec));
            return Err(Failure::invalid("codec", message));
        }
        let header = imagesize::blob_size(&image.data).map_err(|_| {
            Failure::invalid("data", "the image's header cannot be read: it is cut off or damaged")
        })?;
        let side = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let size = limits.size(side(header.width), side(header.height))?;
        Ok(Self { codec, size, data: image.data })
    }
}

impl CheckedFrame {
    /// Checks a frame. Places are relative to the frame: `raw.data`.
    ///
    /// # Errors
    /// As the payload's check says; `invalid_argument` without a payload, `unsupported` for a blob.
    pub fn check(frame: v1::Frame, limits: &Limits) -> Result<Self, Failure> {
        let v1::Frame { stream, sequence, captured_at, payload } = frame;
        let payload = match payload {
            Some(v1::frame::Payload::Raw(raw)) => {
                Payload::Raw(RawFrame::check(raw, limits).map_err(|f| f.within("raw"))?)
            }
            Some(v1::frame::Payload::Encoded(file)) => Payload::Encoded(
                EncodedFrame::check(file, limits).map_err(|f| f.within("encoded"))?,
            ),
            Some(v1::frame::Payload::Blob(_)) => {
                let message = "images in the object store are not read here";
                return Err(Failure::new(ErrorKind::Unsupported, message)
                    .at("blob")
                    .allow(["raw", "encoded"]));
            }
            Some(v1::frame::Payload::Tensor(_)) => {
                let message = "filters take images, not tensors";
                return Err(Failure::new(ErrorKind::Unsupported, message)
                    .at("tensor")
                    .allow(["raw", "encoded"]));
            }
            None => {
                return Err(
                    Failure::invalid("payload", "the frame has no image").allow(["raw", "encoded"])
                );
            }
        };
        Ok(Self { identity: v1::Frame { stream, sequence, captured_at, payload: None }, payload })
    }
}
