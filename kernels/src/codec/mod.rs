//! PNG, JPEG and WebP files to images and back.
//!
//! What [`decode`] does:
//!
//! - The size in the header is held against [`DecodeLimits`] before memory for pixels is taken.
//! - Data that ends early or is damaged is an error, never a picture with a grey rest.
//! - Pixels come out as [`PixelFormat::Gray8`], [`PixelFormat::Rgb8`] or [`PixelFormat::Rgba8`]:
//!   palettes are expanded, 16-bit samples keep their upper 8 bits, grey with alpha becomes RGBA,
//!   CMYK and YCCK become RGB.
//! - The EXIF orientation is applied; EXIF data that is damaged counts as upright.
//! - Colour profiles and gamma are not applied. Of an animated PNG the still image is taken; an
//!   animated WebP is refused.
//! - The pixels lie in memory of the [`Pool`].
//!
//! What [`encode`] does:
//!
//! - PNG is lossless and tuned for speed rather than size.
//! - JPEG is baseline with 4:2:0 chroma, as libjpeg has it. It knows no transparency: RGBA is
//!   composed over white.
//! - WebP is lossless whatever the quality; it knows no grey, so grey comes back as RGB.
//! - No metadata is written.

mod error;
mod jpeg;
mod orientation;
mod png;
mod webp;

use bytes::Bytes;

pub use error::CodecError;

use crate::{Image, PixelFormat, Pool, PooledBuffer, Shape, Size, convert};
use orientation::Orientation;

/// The file formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline and progressive.
    Jpeg,
    /// WebP, lossy and lossless; written lossless.
    Webp,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::Webp];

    /// The codec that the first bytes stand for.
    #[must_use]
    pub fn sniff(data: &[u8]) -> Option<Self> {
        match data {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    /// The most pixels a side that the file format can hold.
    #[must_use]
    pub const fn max_side(self) -> u32 {
        match self {
            Self::Png => i32::MAX.unsigned_abs(),
            Self::Jpeg => 65_535,
            Self::Webp => 16_383,
        }
    }
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Webp => "WebP",
        })
    }
}

/// The largest image that [`decode`] takes memory for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Pixels a side.
    pub max_side: u32,
    /// Width × height.
    pub max_pixels: u64,
}

impl DecodeLimits {
    fn check(&self, codec: Codec, width: u32, height: u32) -> Result<Size, CodecError> {
        if width == 0 || height == 0 {
            return Err(CodecError::damaged(codec, "a side of the image is 0"));
        }
        let within = width.max(height) <= self.max_side
            && u64::from(width) * u64::from(height) <= self.max_pixels;
        Size::new(width, height).filter(|_| within).ok_or(CodecError::TooLarge {
            codec,
            width,
            height,
            max_side: self.max_side,
            max_pixels: self.max_pixels,
        })
    }
}

/// What a codec hands over: packed pixels as they stand in the file.
struct Decoded {
    codec: Codec,
    size: Size,
    format: PixelFormat,
    pixels: PooledBuffer,
    /// From the TIFF header on.
    exif: Option<Vec<u8>>,
}

/// The image in that PNG, JPEG or WebP file, upright.
///
/// # Errors
/// If the data is no such file, is damaged or ends early, or the image exceeds the limits.
pub fn decode(data: &[u8], limits: &DecodeLimits, pool: &Pool) -> Result<Image, CodecError> {
    if data.is_empty() {
        return Err(CodecError::Empty);
    }
    let decoded = match Codec::sniff(data).ok_or(CodecError::NotAnImage)? {
        Codec::Png => png::decode(data, limits, pool),
        Codec::Jpeg => jpeg::decode(data, limits, pool),
        Codec::Webp => webp::decode(data, limits, pool),
    }?;
    let codec = decoded.codec;
    let orientation = decoded.exif.map_or(Orientation::Upright, Orientation::from_exif);
    let (size, pixels) = orientation.apply(decoded.size, decoded.format, decoded.pixels, pool);
    Image::packed(size, decoded.format, pixels).map_err(|e| CodecError::damaged(codec, e))
}

/// Size and layout of the image in that file, as its header says: to plan with, before anything is
/// decoded. Nothing is checked that [`decode`] checks. Where an EXIF orientation turns the image its
/// sides are swapped, and a PNG that becomes transparent by a table of its own counts as opaque.
///
/// # Errors
/// If the data is no such file, or has no header that can be read.
pub fn shape(data: &[u8]) -> Result<Shape, CodecError> {
    if data.is_empty() {
        return Err(CodecError::Empty);
    }
    let codec = Codec::sniff(data).ok_or(CodecError::NotAnImage)?;
    let (width, height, format) = match codec {
        Codec::Png => png::header(data),
        Codec::Jpeg => jpeg::header(data),
        Codec::Webp => webp::header(data),
    }?;
    let size = Size::new(width, height)
        .ok_or_else(|| CodecError::damaged(codec, format!("{width} × {height} pixels")))?;
    Ok(Shape::new(size, format))
}

/// The image as a file of that format. `quality` is 1 to 100 and only says something for JPEG.
///
/// # Errors
/// If the file format cannot hold an image of that size, or the quality is out of range.
pub fn encode(image: &Image, codec: Codec, quality: u8, pool: &Pool) -> Result<Bytes, CodecError> {
    let side = image.size().width().max(image.size().height());
    if side > codec.max_side() as usize {
        return Err(CodecError::TooLargeToEncode { codec, side, max_side: codec.max_side() });
    }
    let converted = match image.format() {
        format if format.is_planar() => Some(convert::to_format(image, PixelFormat::Rgb8, pool)),
        _ => None,
    };
    let converted = converted.transpose().map_err(|error| CodecError::encode(codec, error))?;
    let image = converted.as_ref().unwrap_or(image);
    match codec {
        Codec::Png => png::encode(image, pool),
        Codec::Jpeg => jpeg::encode(image, quality, pool),
        Codec::Webp => webp::encode(image, pool),
    }
}

/// Memory for the pixels. Whatever a decoder leaves out of a strange file must not show what
/// somebody else's image left there; clearing it costs some 2 % of a decode.
fn blank(size: Size, format: PixelFormat, pool: &Pool) -> PooledBuffer {
    let mut pixels = pool.take(size.pixels() * format.channels());
    pixels.fill(0);
    pixels
}
