//! PNG: read and written by the `png` crate.

use std::io::{Cursor, ErrorKind, Write as _};

use png::{ColorType, Compression, Decoder, DecodingError, Transformations};

use super::bounded::Bounded;
use super::header::Stated;
use super::{Codec, CodecError, Decoded, blank, check_size};
use crate::{Image, Limits, PixelFormat, Pool};

/// The memory that the decoder may take for rows and for chunks such as EXIF. Pixels do not count.
const WORKING_BYTES: usize = 16 << 20;

/// The bytes of a chunk of pixels that is written.
const CHUNK_BYTES: usize = 64 << 10;

/// The most chunks that [`header`] steps over: some for every row.
const MAX_CHUNKS: usize = 1 << 17;

pub(super) fn decode(data: &[u8], limits: &Limits, pool: &Pool) -> Result<Decoded, CodecError> {
    let limited = png::Limits { bytes: WORKING_BYTES };
    let mut decoder = Decoder::new_with_limits(Cursor::new(data), limited);
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(|e| error(&e))?;
    let size = check_size(Codec::Png, header.width, header.height, limits)?;

    let mut reader = decoder.read_info().map_err(|e| error(&e))?;
    let (color, _) = reader.output_color_type();
    let format = match color {
        ColorType::Grayscale => PixelFormat::Gray8,
        ColorType::Rgb => PixelFormat::Rgb8,
        ColorType::GrayscaleAlpha | ColorType::Rgba => PixelFormat::Rgba8,
        ColorType::Indexed => {
            return Err(CodecError::damaged(Codec::Png, "the palette was not expanded"));
        }
    };
    let mut pixels = blank(size, format, pool);
    let frame = reader.next_frame(&mut pixels).map_err(|e| error(&e))?;
    if (frame.width as usize, frame.height as usize) != (size.width(), size.height()) {
        return Err(CodecError::damaged(Codec::Png, "the frame is not as large as the image"));
    }
    // The pixels are complete, but a file without its last chunk is truncated.
    reader.finish().map_err(|e| error(&e))?;
    if color == ColorType::GrayscaleAlpha {
        gray_alpha_to_rgba(&mut pixels);
    }
    Ok(Decoded { size, format, pixels })
}

/// Reads the first chunk, which has a fixed position, and looks for transparency before the pixels
/// and for EXIF data.
pub(super) fn header(data: &[u8]) -> Result<Stated<'_>, CodecError> {
    let chunk = data.get(12..26).ok_or(CodecError::Truncated(Codec::Png))?;
    let &[b'I', b'H', b'D', b'R', w3, w2, w1, w0, h3, h2, h1, h0, _, color] = chunk else {
        return Err(CodecError::damaged(Codec::Png, "the first chunk is not its header"));
    };
    let (mut transparent, mut exif, mut pixels) = (false, None, false);
    let mut rest = data.get(33..).unwrap_or_default();
    for _ in 0..MAX_CHUNKS {
        let [l3, l2, l1, l0, name @ ..] = rest else { break };
        let length = u32::from_be_bytes([*l3, *l2, *l1, *l0]) as usize;
        match name.get(..4) {
            Some(b"tRNS") => transparent |= !pixels,
            Some(b"eXIf") if exif.is_none() => exif = rest.get(8..8 + length),
            Some(b"IDAT") => pixels = true,
            Some(b"IEND") | None => break,
            Some(_) => {}
        }
        // The data is followed by a checksum of four bytes.
        rest = rest.get(12 + length..).unwrap_or_default();
    }
    let format = match color {
        0 | 2 | 3 if transparent => PixelFormat::Rgba8,
        0 => PixelFormat::Gray8,
        2 | 3 => PixelFormat::Rgb8,
        4 | 6 => PixelFormat::Rgba8,
        other => return Err(CodecError::damaged(Codec::Png, format!("colour type {other}"))),
    };
    let width = u32::from_be_bytes([w3, w2, w1, w0]);
    let height = u32::from_be_bytes([h3, h2, h1, h0]);
    // Some rows before and after they are expanded, of up to eight bytes a pixel.
    let scratch = 64 * width as usize + (512 << 10);
    Ok(Stated { width, height, format, exif, scratch })
}

/// Expands the pairs of grey and alpha in the first half of the buffer to RGBA in all of it. It
/// goes from back to front, so that nothing is overwritten before it is read.
fn gray_alpha_to_rgba(pixels: &mut [u8]) {
    let count = pixels.len() / 4;
    for index in (0..count).rev() {
        let pair = pixels.get(2 * index..2 * index + 2);
        let Some(&[gray, alpha]) = pair else { continue };
        if let Some(pixel) = pixels.get_mut(4 * index..4 * index + 4) {
            pixel.copy_from_slice(&[gray, gray, gray, alpha]);
        }
    }
}

fn error(error: &DecodingError) -> CodecError {
    match error {
        DecodingError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => {
            CodecError::Truncated(Codec::Png)
        }
        DecodingError::LimitsExceeded => {
            CodecError::Unsupported { codec: Codec::Png, feature: "metadata of more than 16 MiB" }
        }
        other => CodecError::damaged(Codec::Png, other),
    }
}

pub(super) fn encode(image: &Image, pool: &Pool, file: &mut Bounded) -> Result<(), CodecError> {
    let pixels = image.to_packed(pool).into_data();
    let rows = pixels.len() + image.size().height();
    // Rows as they are, headers of blocks and chunks, and the chunks before and after.
    let stored = rows + rows / 512 + 1024;
    file.restart(stored);
    let mut written = write(image, &pixels, Compression::Fast, file);
    if file.is_full() && file.may_have(stored) {
        // Noise does not become smaller.
        file.restart(usize::MAX);
        written = write(image, &pixels, Compression::NoCompression, file);
    }
    written.map_err(|e| CodecError::encode(Codec::Png, e))
}

fn write(
    image: &Image,
    pixels: &[u8],
    compression: Compression,
    file: &mut Bounded,
) -> Result<(), png::EncodingError> {
    // Sides that exceed `u32` have been refused before.
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let (width, height) = (side(image.size().width()), side(image.size().height()));
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(match image.format() {
        PixelFormat::Gray8 => ColorType::Grayscale,
        // Planar layouts have been refused before.
        PixelFormat::Rgb8 | PixelFormat::Nv12 | PixelFormat::I420 => ColorType::Rgb,
        PixelFormat::Rgba8 => ColorType::Rgba,
    });
    encoder.set_compression(compression);
    let mut writer = encoder.write_header()?;
    // In pieces: `write_image_data` would hold all that is compressed.
    let mut stream = writer.stream_writer_with_size(CHUNK_BYTES)?;
    stream.write_all(pixels)?;
    stream.finish()?;
    writer.finish()
}
