//! JPEG: read by `zune-jpeg`, written by `jpeg-encoder`.

use std::io::BufRead;

use bytes::Bytes;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::bounded::Bounded;
use super::header::Stated;
use super::orientation::EXIF_MARK;
use super::{Codec, CodecError, Decoded, blank, check_size};
use crate::{Image, Limits, PixelFormat, Pool};

/// The most segments of a file. Cameras write about ten, large profiles and depth maps one for each
/// 64 KiB, and progressive files two for each scan. The decoder's effort grows with the square of
/// the number.
const MAX_SEGMENTS: usize = 1024;

pub(super) fn decode(data: &[u8], limits: &Limits, pool: &Pool) -> Result<Decoded, CodecError> {
    let frame = read_structure(data)?;
    let size = check_size(Codec::Jpeg, frame.width.into(), frame.height.into(), limits)?;
    let (format, color) = frame.layout();
    let options = DecoderOptions::new_fast()
        // By default the decoder fills missing data with grey.
        .set_strict_mode(true)
        .set_max_width(size.width())
        .set_max_height(size.height())
        .jpeg_set_out_colorspace(color);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    let mut pixels = blank(size, format, pool);
    decoder.decode_into(&mut pixels).map_err(damaged)?;
    if decoder.dimensions() != Some((size.width(), size.height())) {
        return Err(damaged("the decoder found a different size"));
    }
    Ok(Decoded { size, format, pixels })
}

struct FrameHeader {
    width: u16,
    height: u16,
    components: u8,
    progressive: bool,
    /// Blocks of each component: across and down a unit of the image, all together and at most.
    blocks: usize,
    most: (usize, usize),
}

impl FrameHeader {
    /// The bytes that the decoder takes beside the pixels: some rows, and of a progressive image the
    /// coefficients of all blocks, two bytes for each.
    fn scratch(&self) -> usize {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let rows = 1024 * (width + 64);
        if !self.progressive {
            return rows;
        }
        let units = width.div_ceil(8 * self.most.0) * height.div_ceil(8 * self.most.1);
        rows + 2 * 64 * units * self.blocks
    }

    /// The layout of the decoded pixels, for images and for the decoder.
    const fn layout(&self) -> (PixelFormat, ColorSpace) {
        match self.components {
            1 => (PixelFormat::Gray8, ColorSpace::Luma),
            _ => (PixelFormat::Rgb8, ColorSpace::RGB),
        }
    }
}

/// Checks all markers up to the end of the image, which must be present, and refuses files that the
/// decoder would silently misread.
fn read_structure(data: &[u8]) -> Result<FrameHeader, CodecError> {
    let mut rest = data.get(2..).ok_or(TRUNCATED)?;
    let mut frame = None;
    let mut scans = 0;
    let mut segments = 0;
    loop {
        let (code, segment) = next_segment(&mut rest)?;
        if code == END {
            return frame.filter(|_| scans > 0).ok_or_else(|| damaged("it ends before a scan"));
        }
        segments += 1;
        if segments > MAX_SEGMENTS {
            return Err(TOO_MANY_SEGMENTS);
        }
        // The decoder takes these segments for the end of the image even if rows are missing.
        if scans > 0 && frame.as_ref().is_some_and(|frame| !frame.progressive) {
            return Err(unsupported("segments after the image data"));
        }
        match code {
            // Huffman tables, the reserved code and arithmetic conditioning are not frame headers.
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xC2 if frame.is_none() => frame = Some(parse_frame(code, segment)?),
            0xC0..=0xC2 => return Err(damaged("two frame headers")),
            0xC3 | 0xC5..=0xCF => return Err(OTHER_CODING),
            0xDA => {
                let frame = frame.as_ref().ok_or_else(|| damaged("a scan without a frame"))?;
                // The decoder drops rows of images whose components have separate scans.
                if !frame.progressive && segment.first() != Some(&frame.components) {
                    return Err(unsupported("a separate scan for each colour component"));
                }
                scans += 1;
            }
            _ => {}
        }
    }
}

/// Reads up to the first scan, which the frame header comes before. If the file ends before the
/// scan, that is not this function's concern.
pub(super) fn header(data: &[u8]) -> Result<Stated<'_>, CodecError> {
    let mut rest = data.get(2..).ok_or(TRUNCATED)?;
    let (mut exif, mut frame) = (None, None);
    for _ in 0..MAX_SEGMENTS {
        let next = match (next_segment(&mut rest), &frame) {
            // The rest of the file may be missing.
            (Err(_), Some(frame)) => return Ok(stated(frame, exif)),
            (next, _) => next?,
        };
        match (next, &frame) {
            ((END | 0xDA, _), Some(frame)) => return Ok(stated(frame, exif)),
            ((code, segment), _) => match (code, segment) {
                (code @ 0xC0..=0xC2, segment) => {
                    frame.get_or_insert(parse_frame(code, segment)?);
                }
                (0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF, _) => return Err(OTHER_CODING),
                (0xE1, segment) if segment.starts_with(EXIF_MARK) => exif = Some(segment),
                (END | 0xDA, _) => {
                    return Err(damaged("there is no frame header before the image data"));
                }
                _ => {}
            },
        }
    }
    Err(TOO_MANY_SEGMENTS)
}

fn stated<'a>(frame: &FrameHeader, exif: Option<&'a [u8]>) -> Stated<'a> {
    let (width, height) = (frame.width.into(), frame.height.into());
    Stated { width, height, format: frame.layout().0, exif, scratch: frame.scratch() }
}

const OTHER_CODING: CodecError = unsupported("lossless, hierarchical or arithmetic coding");
const TOO_MANY_SEGMENTS: CodecError = unsupported("more than 1024 segments");
const TRUNCATED: CodecError = CodecError::Truncated(Codec::Jpeg);
/// The marker for the end of the image, which has no data.
const END: u8 = 0xD9;

/// Takes the next marker that is not a restart, and its data, from the start of `rest`.
fn next_segment<'a>(rest: &mut &'a [u8]) -> Result<(u8, &'a [u8]), CodecError> {
    loop {
        // Within a scan, 0xFF is followed by 0 or a restart, so this finds the marker after the
        // scan.
        rest.skip_until(0xFF).map_err(damaged)?;
        let fill = rest.iter().take_while(|byte| **byte == 0xFF).count();
        let Some([code, after @ ..]) = rest.get(fill..) else {
            return Err(TRUNCATED);
        };
        *rest = after;
        if matches!(code, 0x00 | 0x01 | 0xD0..=0xD8) {
            continue;
        }
        if *code == END {
            return Ok((END, &[]));
        }
        let [high, low, ..] = after else {
            return Err(TRUNCATED);
        };
        let length = usize::from(u16::from_be_bytes([*high, *low])).max(2);
        let segment = after.get(2..length).ok_or(TRUNCATED)?;
        *rest = after.get(length..).ok_or(TRUNCATED)?;
        return Ok((*code, segment));
    }
}

fn parse_frame(code: u8, segment: &[u8]) -> Result<FrameHeader, CodecError> {
    let &[precision, h1, h0, w1, w0, components, ..] = segment else {
        return Err(damaged("the frame header is too short"));
    };
    if precision != 8 {
        return Err(unsupported("samples of other than 8 bits"));
    }
    if !matches!(components, 1 | 3 | 4) {
        return Err(unsupported("a number of colour components other than 1, 3 or 4"));
    }
    let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    let factors = segment.get(6..).unwrap_or_default().chunks_exact(3).take(components.into());
    let factors = factors.filter_map(|component| component.get(1)).map(|factors| {
        (usize::from(factors >> 4).clamp(1, 4), usize::from(factors & 15).clamp(1, 4))
    });
    let blocks = factors.clone().map(|(across, down)| across * down).sum();
    let most = factors.fold((1, 1), |most, (across, down)| (most.0.max(across), most.1.max(down)));
    Ok(FrameHeader { width, height, components, progressive: code == 0xC2, blocks, most })
}

const fn unsupported(feature: &'static str) -> CodecError {
    CodecError::Unsupported { codec: Codec::Jpeg, feature }
}

fn damaged(detail: impl ToString) -> CodecError {
    CodecError::damaged(Codec::Jpeg, detail)
}

pub(super) fn encode(
    image: &Image,
    quality: u8,
    pool: &Pool,
    file: &mut Bounded,
) -> Result<(), CodecError> {
    if !(1..=100).contains(&quality) {
        return Err(CodecError::Quality(quality));
    }
    let (pixels, color) = match image.format() {
        PixelFormat::Gray8 => (image.to_packed(pool).into_data(), ColorType::Luma),
        // Planar layouts have been refused before.
        PixelFormat::Rgb8 | PixelFormat::Nv12 | PixelFormat::I420 => {
            (image.to_packed(pool).into_data(), ColorType::Rgb)
        }
        PixelFormat::Rgba8 => (over_white(image, pool), ColorType::Rgb),
    };
    // Sides that exceed `u16` have been refused before.
    let side = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
    let (width, height) = (side(image.size().width()), side(image.size().height()));
    let mut encoder = Encoder::new(file, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(&pixels, width, height, color).map_err(|e| CodecError::encode(Codec::Jpeg, e))
}

/// The image in RGB, composed over white.
fn over_white(image: &Image, pool: &Pool) -> Bytes {
    let mut out = pool.take(image.size().pixels() * 3);
    let (targets, _) = out.as_chunks_mut::<3>();
    let sources = image.rows().flat_map(|row| row.as_chunks::<4>().0);
    for (to, &[r, g, b, alpha]) in targets.iter_mut().zip(sources) {
        *to = [r, g, b].map(|value| {
            let (value, alpha) = (u16::from(value), u16::from(alpha));
            let sum = value * alpha + 255 * (255 - alpha) + 128;
            // This is sum / 255, rounded.
            ((sum + (sum >> 8)) >> 8) as u8
        });
    }
    out.freeze()
}
