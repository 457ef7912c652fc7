//! Checks the images of messages: from images that may claim anything to images that are valid.

use bytes::Bytes;
use ocelli_media::{Codec, CodecError, Header, Limits, PixelFormat, Shape};

use crate::{ErrorKind, Failure, Named as _, v1};

/// Raw pixels whose size, stride and length are consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFrame {
    /// The shape of the image in the layout that operations work on, which is RGB for BGR.
    pub shape: Shape,
    /// The distance from the start of one row to the start of the next, in bytes.
    pub stride: usize,
    /// The format of the pixels as received; never unspecified.
    pub format: v1::PixelFormat,
    /// The pixels as received, padding included.
    pub data: Bytes,
}

/// An image file whose header states a supported codec and an allowed size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFrame {
    /// What the file's header states.
    pub header: Header,
    /// The file as received.
    pub data: Bytes,
}

/// The checked image of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Pixels of a stated format.
    Raw(RawFrame),
    /// An image file.
    Encoded(EncodedFrame),
}

impl Payload {
    /// The shape of the image, as far as it can be known without decoding it. For a file it is what
    /// the header states.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        match self {
            Self::Raw(raw) => raw.shape,
            Self::Encoded(file) => file.header.shape(),
        }
    }

    /// The length of the image as received, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        match self {
            Self::Raw(RawFrame { data, .. }) | Self::Encoded(EncodedFrame { data, .. }) => {
                data.len()
            }
        }
    }
}

/// A checked frame: its identity and its image.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedFrame {
    /// The frame without its payload: what a response repeats.
    pub identity: v1::Frame,
    /// The checked image.
    pub payload: Payload,
}

impl RawFrame {
    /// Checks a raw image.
    ///
    /// # Errors
    /// `invalid_argument` if the fields contradict each other, `too_large` if a limit is exceeded.
    pub fn check(image: v1::RawImage, limits: &Limits) -> Result<Self, Failure> {
        let size = limits.size(image.width, image.height)?;
        let format = v1::PixelFormat::from_wire(image.format).map_err(|f| f.at("format"))?;
        let layout = PixelFormat::try_from(format).map_err(|failure| failure.at("format"))?;
        let (width, height) = (size.width(), size.height());
        if layout.is_planar() && (width % 2 == 1 || height % 2 == 1) {
            let message = format!("{size}: NV12 and I420 need an even width and height");
            return Err(Failure::invalid("format", message));
        }
        let row = layout.row_bytes(width);
        let stride = if image.stride == 0 { row } else { image.stride as usize };
        if stride < row {
            let message =
                format!("the stride of {stride} bytes is shorter than a row of {row} bytes");
            return Err(Failure::invalid("stride", message));
        }
        if layout == PixelFormat::I420 && stride % 2 == 1 {
            return Err(Failure::invalid(
                "stride",
                "must be even, because Cb and Cr have half of it",
            ));
        }
        let (is, must) = (image.data.len(), layout.bytes(height, stride).unwrap_or(usize::MAX));
        if is != must {
            let message = format!(
                "{size} {} with a stride of {stride} needs {must} bytes, but there are {is}",
                format.wire_name(),
            );
            return Err(Failure::invalid("data", message));
        }
        Ok(Self { shape: Shape::new(size, layout), stride, format, data: image.data })
    }
}

/// Detects the codec of a file by its signature. Returns `None` if no supported codec has it.
#[must_use]
pub fn sniff_codec(data: &[u8]) -> Option<v1::ImageCodec> {
    Codec::sniff(data).map(Into::into)
}

impl EncodedFrame {
    /// Checks an encoded image by its header, without decoding any pixels.
    ///
    /// # Errors
    /// `unsupported` if the codec or the variant of it is not supported, `invalid_argument` if the
    /// header cannot be read or contradicts the stated codec, `too_large` if a limit is exceeded.
    pub fn check(image: v1::EncodedImage, limits: &Limits) -> Result<Self, Failure> {
        limits.encoded_bytes(image.data.len())?;
        let stated = v1::ImageCodec::from_wire(image.codec)
            .map_err(|failure| failure.of_kind(ErrorKind::Unsupported).at("codec"))?;
        let header = Header::read(&image.data, limits).map_err(unreadable)?;
        let codec = v1::ImageCodec::from(header.codec);
        if stated != v1::ImageCodec::Unspecified && stated != codec {
            let (stated, codec) = (stated.wire_name(), codec.wire_name());
            let message = format!("the frame states the codec {stated}, but the data is {codec}");
            return Err(Failure::invalid("codec", message));
        }
        Ok(Self { header, data: image.data })
    }
}

/// Describes why the header of a file was refused.
fn unreadable(error: CodecError) -> Failure {
    match error {
        CodecError::Truncated(_) | CodecError::Damaged { .. } => {
            let message = "the image's header is truncated or damaged";
            Failure::invalid("data", message)
        }
        CodecError::NotAnImage => {
            Failure::from(error).at("data").allow(v1::ImageCodec::wire_names())
        }
        CodecError::TooLarge { .. } => Failure::from(error).at("width"),
        _ => Failure::from(error).at("data"),
    }
}

impl CheckedFrame {
    /// Checks a frame. The fields of failures are relative to the frame, such as `raw.data`.
    ///
    /// # Errors
    /// The failure of the payload's own check; `invalid_argument` if there is no payload, and
    /// `unsupported` if the payload is a blob or a tensor.
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
                let message = "images in the object store are not supported yet";
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
