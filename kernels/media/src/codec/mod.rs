//! Decodes PNG, JPEG and WebP files, and encodes them.
//!
//! What [`decode`] does:
//!
//! - The size in the header is checked against [`Limits`] before memory for pixels is taken.
//! - Truncated or damaged data is an error, never a picture that is partly grey.
//! - The result is [`PixelFormat::Gray8`], [`PixelFormat::Rgb8`] or [`PixelFormat::Rgba8`]:
//!   palettes are expanded, 16-bit samples keep their upper 8 bits, grey with alpha becomes RGBA,
//!   CMYK and YCCK become RGB.
//! - The EXIF orientation is applied; damaged EXIF data counts as upright.
//! - Colour profiles and gamma are not applied. The still image of an animated PNG is decoded; an
//!   animated WebP is refused.
//! - The pixels are in the memory of the [`Pool`].
//!
//! What [`encode`] does:
//!
//! - PNG is lossless and tuned for speed rather than size.
//! - JPEG is baseline with 4:2:0 chroma, as libjpeg writes it. It has no transparency, so RGBA is
//!   composed over white.
//! - WebP is lossless whatever the quality. It has no grey format, so grey is read back as RGB.
//! - Metadata is not written.

mod bounded;
mod error;
mod header;
mod jpeg;
mod orientation;
mod png;
mod webp;

use bytes::Bytes;

pub use error::CodecError;
pub use header::Header;
pub use orientation::Orientation;

use bounded::Bounded;

use crate::{Image, LimitError, Limits, PixelFormat, Pool, PooledBuffer, Shape, Size};

/// An image file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// PNG, Portable Network Graphics.
    Png,
    /// JPEG: baseline and progressive files are read, baseline is written.
    Jpeg,
    /// WebP: lossy and lossless files are read, lossless is written.
    Webp,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::Webp];

    /// Detects the codec by the signature at the start of the data, or returns `None`.
    #[must_use]
    pub fn sniff(data: &[u8]) -> Option<Self> {
        match data {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    /// The longest side that the file format can hold, in pixels.
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

/// Checks the size that the header of a file states.
fn check_size(codec: Codec, width: u32, height: u32, limits: &Limits) -> Result<Size, CodecError> {
    limits.size(width, height).map_err(|error| match error {
        LimitError::NoPixels { .. } => CodecError::damaged(codec, error),
        _ => {
            let Limits { max_side_px: max_side, max_pixels, .. } = *limits;
            CodecError::TooLarge { codec, width, height, max_side, max_pixels }
        }
    })
}

/// A decoded file: its pixels without padding, as stored in the file.
struct Decoded {
    size: Size,
    format: PixelFormat,
    pixels: PooledBuffer,
}

/// Decodes a PNG, JPEG or WebP file into an upright image.
///
/// # Errors
/// If the data is not such a file, is damaged or truncated, or if the image exceeds the limits.
pub fn decode(data: &[u8], limits: &Limits, pool: &Pool) -> Result<Image, CodecError> {
    decode_as(sniff(data)?, data, limits, pool)
}

/// Decodes a file whose codec is known, for example from its [`Header`].
///
/// # Errors
/// The same as those of [`decode`].
pub fn decode_as(
    codec: Codec,
    data: &[u8],
    limits: &Limits,
    pool: &Pool,
) -> Result<Image, CodecError> {
    let Decoded { size, format, pixels } = match codec {
        Codec::Png => png::decode(data, limits, pool),
        Codec::Jpeg => jpeg::decode(data, limits, pool),
        Codec::Webp => webp::decode(data, limits, pool),
    }?;
    let orientation = header::stated(codec, data)?.orientation();
    let (size, pixels) = orientation.apply(size, format, pixels, pool);
    Image::packed(size, format, pixels).map_err(|error| CodecError::damaged(codec, error))
}

fn sniff(data: &[u8]) -> Result<Codec, CodecError> {
    if data.is_empty() {
        return Err(CodecError::Empty);
    }
    Codec::sniff(data).ok_or(CodecError::NotAnImage)
}

/// Encodes an image as a file of at most `most` bytes. `quality` is from 1 to 100 and only applies
/// to JPEG.
///
/// # Errors
/// If the file format cannot hold an image of that size, if the quality is out of range, if the
/// file would be too large, or if the image is planar: no file holds NV12 or I420, so those are
/// converted to RGB first.
pub fn encode(
    image: &Image,
    codec: Codec,
    quality: u8,
    most: usize,
    pool: &Pool,
) -> Result<Bytes, CodecError> {
    let side = image.size().width().max(image.size().height());
    if side > codec.max_side() as usize {
        return Err(CodecError::TooLargeToEncode { codec, side, max_side: codec.max_side() });
    }
    if image.format().is_planar() {
        return Err(CodecError::Planar { codec, format: image.format() });
    }
    let mut file = Bounded::new(image.shape().bytes() / 4 + 1024, most);
    let written = match codec {
        Codec::Png => png::encode(image, pool, &mut file),
        Codec::Jpeg => jpeg::encode(image, quality, pool, &mut file),
        Codec::Webp => webp::encode(image, pool, &mut file),
    };
    if file.is_full() {
        return Err(CodecError::ResultTooLarge { codec, most });
    }
    written.map(|()| file.into_bytes())
}

/// The most bytes of memory that it takes to decode a file of `data_len` bytes with that header:
/// the pixels, and what the decoder keeps meanwhile, rather too many than too few. The file itself
/// is not among them.
#[must_use]
pub fn decode_bytes(header: &Header, data_len: usize) -> usize {
    /// Tables, and input and output of the decompressor.
    const TABLES: usize = 1 << 20;
    let pixels = header.shape().bytes();
    // To turn the image takes as much again.
    let images = if header.orientation == Orientation::Upright { 1 } else { 2 };
    // A chunk and a copy of it.
    images * pixels + header.scratch + 2 * data_len + TABLES
}

/// The most bytes of memory that it takes to encode an image of that shape as a file of at most
/// `most` bytes: the file, and what the encoder keeps meanwhile. The image itself is not among
/// them.
#[must_use]
pub fn encode_bytes(shape: Shape, codec: Codec, most: usize) -> usize {
    const TABLES: usize = 1 << 20;
    let rgb = if shape.format.is_planar() { 3 * shape.size.pixels() } else { shape.bytes() };
    // Rows without padding, or RGB instead of a planar layout.
    let packed = rgb;
    let meanwhile = match codec {
        // Some rows. The file grows by doubling, and the memory that it was in counts.
        Codec::Png => 16 * shape.row_bytes(),
        Codec::Jpeg => 512 * shape.size.width(),
        Codec::Webp => 8 * shape.size.pixels() + 4 * rgb,
    };
    packed + meanwhile + most.min(2 * rgb + TABLES) + TABLES
}

/// Zeroed memory for the pixels. If a decoder skips pixels of a malformed file, they must not show
/// an earlier image. Clearing the memory takes about 2 % of the time of a decode.
fn blank(size: Size, format: PixelFormat, pool: &Pool) -> PooledBuffer {
    let mut pixels = pool.take(size.pixels() * format.channels());
    pixels.fill(0);
    pixels
}
