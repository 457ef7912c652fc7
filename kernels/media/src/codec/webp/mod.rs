//! WebP: read and written by the `image-webp` crate.

mod bits;
mod lossless;
mod prefix;

use std::io::{Cursor, ErrorKind};

use image_webp::{ColorType, DecodingError, WebPDecoder, WebPEncoder};

use super::bounded::Bounded;
use super::header::Stated;
use super::{Codec, CodecError, Decoded, blank, check_size};
use crate::{Image, Limits, PixelFormat, Pool, Size};

const TRUNCATED: CodecError = CodecError::Truncated(Codec::Webp);
const ANIMATION: CodecError = CodecError::Unsupported { codec: Codec::Webp, feature: "animation" };

pub(super) fn decode(data: &[u8], limits: &Limits, pool: &Pool) -> Result<Decoded, CodecError> {
    let (data, size) = read_structure(data, limits)?;
    let mut decoder = WebPDecoder::new(Cursor::new(data)).map_err(|e| error(&e))?;
    // No chunk can be larger than the file, whatever its length field states.
    decoder.set_memory_limit(data.len());
    let (width, height) = decoder.dimensions();
    if (width as usize, height as usize) != (size.width(), size.height()) {
        return Err(CodecError::damaged(Codec::Webp, "two headers state different sizes"));
    }
    let format = if decoder.has_alpha() { PixelFormat::Rgba8 } else { PixelFormat::Rgb8 };
    let mut pixels = blank(size, format, pool);
    decoder.read_image(&mut pixels).map_err(|e| error(&e))?;
    Ok(Decoded { size, format, pixels })
}

/// Checks the chunks. All of them must be complete, and none may hold an image of another size than
/// the first chunk states, because the decoder takes memory before it compares them.
fn read_structure<'a>(data: &'a [u8], limits: &Limits) -> Result<(&'a [u8], Size), CodecError> {
    let length = data.get(4..8).and_then(le).ok_or(TRUNCATED)?;
    let file = data.get(..length as usize + 8).ok_or(TRUNCATED)?;
    let mut rest = file.get(12..).ok_or(TRUNCATED)?;
    let mut canvas = None;
    while let Some((name, chunk)) = next_chunk(&mut rest)? {
        let sides = match name {
            b"VP8X" if canvas.is_none() => extended_size(chunk)?,
            b"VP8L" if canvas.is_none() => lossless_size(chunk)?,
            b"VP8 " => lossy_size(chunk)?,
            // The decoder would take alpha or an image from within a frame that it finds.
            b"ANMF" => return Err(ANIMATION),
            _ => continue,
        };
        match canvas {
            None => canvas = Some((sides, check_size(Codec::Webp, sides.0, sides.1, limits)?)),
            Some((known, _)) if known == sides => {}
            Some(_) => {
                return Err(CodecError::damaged(Codec::Webp, "the image does not fill its canvas"));
            }
        }
    }
    let (_, size) =
        canvas.ok_or_else(|| CodecError::damaged(Codec::Webp, "no chunk holds an image"))?;
    check_codes(file, size)?;
    Ok((file, size))
}

/// Refuses lossless images and alpha whose prefix codes take too much memory.
fn check_codes(file: &[u8], size: Size) -> Result<(), CodecError> {
    let most = lossless::most_bytes(file.len(), size.pixels());
    let mut rest = file.get(12..).ok_or(TRUNCATED)?;
    while let Some((name, chunk)) = next_chunk(&mut rest)? {
        let data = match (name, chunk) {
            (b"VP8L", _) => chunk.get(5..),
            // The lowest two bits are the way in which alpha is compressed.
            (b"ALPH", [flags, data @ ..]) if flags & 3 == 1 => Some(data),
            _ => continue,
        };
        let bytes = data
            .and_then(|data| lossless::code_bytes(data, size.width(), size.height(), most))
            .ok_or_else(|| CodecError::damaged(Codec::Webp, "invalid prefix codes"))?;
        if bytes > most {
            let feature = "more prefix codes than an image of its size needs";
            return Err(CodecError::Unsupported { codec: Codec::Webp, feature });
        }
    }
    Ok(())
}

/// The name and the data of a chunk.
type Chunk<'a> = (&'a [u8], &'a [u8]);

/// Takes the next chunk from the start of `rest`, or returns `None` after the last one.
fn next_chunk<'a>(rest: &mut &'a [u8]) -> Result<Option<Chunk<'a>>, CodecError> {
    let Some((name, length)) = rest.get(..4).zip(rest.get(4..8).and_then(le)) else {
        return Ok(None);
    };
    let end = 8 + length as usize;
    let chunk = rest.get(8..end).ok_or(TRUNCATED)?;
    // Chunks are padded to an even length.
    *rest = rest.get(end + end % 2..).unwrap_or_default();
    Ok(Some((name, chunk)))
}

/// Reads the first chunk, and looks for EXIF data if that chunk announces it.
pub(super) fn header(data: &[u8]) -> Result<Stated<'_>, CodecError> {
    let (name, chunk) = data.get(12..16).zip(data.get(20..)).ok_or(TRUNCATED)?;
    let flag = |index: usize, bit: u8| chunk.get(index).is_some_and(|flags| flags & bit != 0);
    let ((width, height), alpha, has_exif) = match name {
        b"VP8X" => (extended_size(chunk)?, flag(0, 0x10), flag(0, 0x08)),
        b"VP8L" => (lossless_size(chunk)?, flag(4, 0x10), false),
        b"VP8 " => (lossy_size(chunk)?, false, false),
        _ => return Err(CodecError::damaged(Codec::Webp, "the first chunk is not an image")),
    };
    let format = if alpha { PixelFormat::Rgba8 } else { PixelFormat::Rgb8 };
    let exif = if has_exif { exif(data) } else { None };
    // Alpha may be lossless as well.
    let codes = if name == b"VP8 " {
        0
    } else {
        let file = data.get(4..8).and_then(le).ok_or(TRUNCATED)? as usize + 8;
        lossless::most_bytes(file, width as usize * height as usize)
    };
    // Lossy: luma and chroma, and alpha. Lossless: four bytes a pixel, and the parameters of its
    // transforms.
    let scratch =
        8 * (width as usize + 32) * (height as usize + 32) + 1024 * width as usize + codes;
    Ok(Stated { width, height, format, exif, scratch })
}

fn exif(data: &[u8]) -> Option<&[u8]> {
    let mut rest = data.get(12..)?;
    while let Ok(Some((name, chunk))) = next_chunk(&mut rest) {
        if name == b"EXIF" {
            return Some(chunk);
        }
    }
    None
}

/// A little-endian number of up to 4 bytes.
fn le(bytes: &[u8]) -> Option<u32> {
    (bytes.len() <= 4).then(|| bytes.iter().rev().fold(0, |sum, b| sum << 8 | u32::from(*b)))
}

fn extended_size(chunk: &[u8]) -> Result<(u32, u32), CodecError> {
    let &[flags, _, _, _, w0, w1, w2, h0, h1, h2, ..] = chunk else {
        return Err(TRUNCATED);
    };
    if flags & 0x02 != 0 {
        return Err(ANIMATION);
    }
    let side = |bytes: [u8; 3]| le(&bytes).unwrap_or(0) + 1;
    Ok((side([w0, w1, w2]), side([h0, h1, h2])))
}

fn lossless_size(chunk: &[u8]) -> Result<(u32, u32), CodecError> {
    let bits = chunk.get(1..5).and_then(le).ok_or(TRUNCATED)?;
    Ok(((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1))
}

fn lossy_size(chunk: &[u8]) -> Result<(u32, u32), CodecError> {
    let bits = chunk.get(6..10).and_then(le).ok_or(TRUNCATED)?;
    Ok((bits & 0x3FFF, (bits >> 16) & 0x3FFF))
}

fn error(error: &DecodingError) -> CodecError {
    match error {
        DecodingError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => TRUNCATED,
        other => CodecError::damaged(Codec::Webp, other),
    }
}

pub(super) fn encode(image: &Image, pool: &Pool, file: &mut Bounded) -> Result<(), CodecError> {
    let pixels = image.to_packed(pool).into_data();
    let color = match image.format() {
        PixelFormat::Gray8 => ColorType::L8,
        // Planar layouts have been refused before.
        PixelFormat::Rgb8 | PixelFormat::Nv12 | PixelFormat::I420 => ColorType::Rgb8,
        PixelFormat::Rgba8 => ColorType::Rgba8,
    };
    // Sides of more than 14 bits have been refused before.
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let (width, height) = (side(image.size().width()), side(image.size().height()));
    WebPEncoder::new(file)
        .encode(&pixels, width, height, color)
        .map_err(|e| CodecError::encode(Codec::Webp, e))
}
