//! Conversions between pixel layouts.
//!
//! YUV follows ITU-R BT.601 in limited range (luma 16–235), as cameras and video decoders deliver
//! it, with OpenCV's numbers; luma below black counts as black, and colours are rounded to nearest.
//! Chroma samples are not interpolated: each applies to its two by two pixels, and is computed from
//! the upper left one of them.

mod chroma;
pub(crate) mod gpu;
pub(crate) mod interleaved;
pub(crate) mod planar;
pub(crate) mod planes;
mod to_rgb;
mod x86;

pub(crate) use to_rgb::TO_RGB;

use crate::colour::grayscale;
use crate::colour::spaces::Space;
use crate::colour::spaces::ycbcr::{BT601_LIMITED, BT601_LIMITED_GRAY};
use crate::simd::Level;
use crate::{Cpu, Image, ImageError, PixelFormat, Pool, Size};
use planar::Planar;

/// Converts interleaved blue, green and red to [`PixelFormat::Rgb8`].
///
/// # Errors
/// If the stride is shorter than a row, or the length is not stride × height.
pub fn bgr8_to_rgb8(
    size: Size,
    stride: usize,
    data: &[u8],
    pool: &Pool,
) -> Result<Image, ImageError> {
    let row = size.width() * 3;
    check(size, PixelFormat::Rgb8, stride, data)?;
    let mut buffer = pool.take(row * size.height());
    for (from, to) in data.chunks_exact(stride).zip(buffer.chunks_exact_mut(row)) {
        interleaved::swap_ends(Level::best(), from, to);
    }
    Image::packed(size, PixelFormat::Rgb8, buffer)
}

/// Converts any layout to interleaved blue, green and red without padding.
///
/// # Errors
/// If the result is not a valid image, which is a bug.
pub fn to_bgr8(image: &Image, pool: &Pool) -> Result<Image, ImageError> {
    let rgb = to_format(image, PixelFormat::Rgb8, pool)?;
    bgr8_to_rgb8(rgb.size(), rgb.stride(), rgb.data(), pool)
}

/// Converts NV12 to [`PixelFormat::Rgb8`]: a plane of luma, then a plane of interleaved U and V at
/// half the width and height, rounded up. Both planes have the same stride.
///
/// # Errors
/// If the stride is shorter than a row, or the length is not stride × (height + chroma rows).
pub fn nv12_to_rgb8(
    size: Size,
    stride: usize,
    data: &[u8],
    pool: &Pool,
) -> Result<Image, ImageError> {
    planar_to_rgb8(Planar { size, format: PixelFormat::Nv12, stride, data }, pool)
}

/// Converts I420 to [`PixelFormat::Rgb8`]: a plane of luma, then a plane of U and a plane of V at
/// half the width and height, rounded up. The chroma planes have half the stride of the luma plane,
/// rounded up.
///
/// # Errors
/// If the stride is shorter than a row, or the length does not match.
pub fn i420_to_rgb8(
    size: Size,
    stride: usize,
    data: &[u8],
    pool: &Pool,
) -> Result<Image, ImageError> {
    planar_to_rgb8(Planar { size, format: PixelFormat::I420, stride, data }, pool)
}

fn planar_to_rgb8(planar: Planar<'_>, pool: &Pool) -> Result<Image, ImageError> {
    check(planar.size, planar.format, planar.stride, planar.data)?;
    planar.read(&Cpu::new(pool.clone()), &BT601_LIMITED, Space::Rgb, &BT601_LIMITED)
}

/// Converts an image to that layout. Grey is computed from colours by BT.601, and from a planar
/// layout taken from its luma; transparency is dropped, or set to opaque.
///
/// # Errors
/// If the result is not a valid image, which is a bug.
pub fn to_format(image: &Image, format: PixelFormat, pool: &Pool) -> Result<Image, ImageError> {
    use PixelFormat::{Gray8, I420, Nv12, Rgb8, Rgba8};
    let cpu = || Cpu::new(pool.clone());
    let row: fn(Level, &[u8], &mut [u8]) = match (image.format(), format) {
        (is, must) if is == must => return Ok(image.clone()),
        (Nv12 | I420, Nv12 | I420) => return planes::rearrange(&cpu(), &Planar::of(image), format),
        (Nv12 | I420, Gray8) => return Planar::of(image).gray(&cpu(), &BT601_LIMITED_GRAY),
        (Nv12 | I420, Rgb8) => {
            return Planar::of(image).read(&cpu(), &BT601_LIMITED, Space::Rgb, &BT601_LIMITED);
        }
        (is, Nv12 | I420) => {
            let space = if is == Gray8 { Space::Gray } else { Space::Rgb };
            let space = (space, &BT601_LIMITED);
            return planes::write(&cpu(), image, space, format, &BT601_LIMITED);
        }
        (Nv12 | I420, Rgba8) | (Rgba8, Gray8) => {
            let rgb = to_format(image, Rgb8, pool)?;
            return to_format(&rgb, format, pool);
        }
        (Rgb8, Gray8) => grayscale::bt601,
        (Gray8, Rgb8) => interleaved::gray_to_rgb,
        (Gray8, Rgba8) => interleaved::gray_to_rgba,
        (Rgb8, Rgba8) => interleaved::rgb_to_rgba,
        (_, Gray8 | Rgb8 | Rgba8) => interleaved::rgba_to_rgb,
    };
    let size = image.size();
    let row_bytes = size.width() * format.channels();
    let mut buffer = pool.take(row_bytes * size.height());
    for (from, to) in image.rows().zip(buffer.chunks_exact_mut(row_bytes)) {
        row(Level::best(), from, to);
    }
    Image::packed(size, format, buffer)
}

fn check(size: Size, format: PixelFormat, stride: usize, data: &[u8]) -> Result<(), ImageError> {
    let row = format.row_bytes(size.width());
    if stride < row {
        return Err(ImageError::Stride { stride, row });
    }
    let must = format.bytes(size.height(), stride).unwrap_or(usize::MAX);
    if data.len() == must { Ok(()) } else { Err(ImageError::Length { is: data.len(), must }) }
}
