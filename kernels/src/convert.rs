//! Pixel layouts that operations do not work on, to and from those that they do.
//!
//! YUV follows ITU-R BT.601 in limited range (luma 16–235), as cameras and video decoders deliver
//! it; colours are rounded to nearest. Chroma samples are not interpolated: each counts for its
//! two by two pixels.

use crate::colour::grayscale;
use crate::simd::{Level, simd_levels};
use crate::{
    Cpu, CpuWork, Family, FilterDefinition, Image, ImageError, Operation, PixelFormat, Pool,
    Refusal, Shape, Size, Whole,
};

/// Interleaved blue, green, red to [`PixelFormat::Rgb8`].
///
/// # Errors
/// If the stride is less than a row, or the length is not stride × height.
pub fn bgr8_to_rgb8(
    size: Size,
    stride: usize,
    data: &[u8],
    pool: &Pool,
) -> Result<Image, ImageError> {
    let row = size.width() * 3;
    check(size.height(), row, stride, data)?;
    let mut buffer = pool.take(row * size.height());
    for (from, to) in data.chunks_exact(stride).zip(buffer.chunks_exact_mut(row)) {
        swap_ends(Level::best(), from, to);
    }
    Image::packed(size, PixelFormat::Rgb8, buffer)
}

/// Interleaved blue, green, red, from any of our layouts; no padding.
///
/// # Errors
/// If the result is not an image, which is a bug.
pub fn to_bgr8(image: &Image, pool: &Pool) -> Result<Image, ImageError> {
    let rgb = to_format(image, PixelFormat::Rgb8, pool)?;
    bgr8_to_rgb8(rgb.size(), rgb.stride(), rgb.data(), pool)
}

/// A plane of luma, then one of interleaved U and V at half the width and height, rounded up, to
/// [`PixelFormat::Rgb8`]. Both planes have the same stride.
///
/// # Errors
/// If the stride is less than a row, or the length is not stride × (height + chroma rows).
pub fn nv12_to_rgb8(
    size: Size,
    stride: usize,
    data: &[u8],
    pool: &Pool,
) -> Result<Image, ImageError> {
    let (width, height) = (size.width(), size.height());
    // A row of chroma has two bytes for each pair of pixels: one more than luma of odd width.
    check(height + height.div_ceil(2), width.next_multiple_of(2), stride, data)?;
    let (luma, chroma) = data.split_at_checked(stride * height).unwrap_or_default();
    let mut buffer = pool.take(size.pixels() * 3);
    for (y, to) in buffer.chunks_exact_mut(width * 3).enumerate() {
        let luma = row_of(luma, stride, y, width);
        let chroma = row_of(chroma, stride, y / 2, width.next_multiple_of(2));
        let pairs = chroma.as_chunks::<2>().0.iter().map(|&[u, v]| (u, v));
        yuv_row(luma, pairs, to);
    }
    Image::packed(size, PixelFormat::Rgb8, buffer)
}

/// A plane of luma, then one of U and one of V at half the width and height, rounded up, to
/// [`PixelFormat::Rgb8`]. The chroma planes have half the stride of luma, rounded up.
///
/// # Errors
/// If the stride is less than a row, or the length does not fit.
pub fn i420_to_rgb8(
    size: Size,
    stride: usize,
    data: &[u8],
    pool: &Pool,
) -> Result<Image, ImageError> {
    let (width, height) = (size.width(), size.height());
    if stride < width {
        return Err(ImageError::Stride { stride, row: width });
    }
    let (half_width, half_stride) = (width.div_ceil(2), stride.div_ceil(2));
    let luma_bytes = stride.saturating_mul(height);
    let plane = half_stride.saturating_mul(height.div_ceil(2));
    let must = luma_bytes.saturating_add(plane.saturating_mul(2));
    if data.len() != must {
        return Err(ImageError::Length { is: data.len(), must });
    }
    let (luma, chroma) = data.split_at_checked(luma_bytes).unwrap_or_default();
    let (u, v) = chroma.split_at_checked(plane).unwrap_or_default();
    let mut buffer = pool.take(size.pixels() * 3);
    for (y, to) in buffer.chunks_exact_mut(width * 3).enumerate() {
        let luma = row_of(luma, stride, y, width);
        let u = row_of(u, half_stride, y / 2, half_width).iter().copied();
        let v = row_of(v, half_stride, y / 2, half_width).iter().copied();
        yuv_row(luma, u.zip(v), to);
    }
    Image::packed(size, PixelFormat::Rgb8, buffer)
}

/// In that layout. Grey comes from colours by BT.601; transparency is dropped, or made opaque.
/// Planar layouts are read, not written.
///
/// # Errors
/// If the result is planar, or is not an image, which is a bug.
pub fn to_format(image: &Image, format: PixelFormat, pool: &Pool) -> Result<Image, ImageError> {
    use PixelFormat::{Gray8, I420, Nv12, Rgb8, Rgba8};
    let row: fn(Level, &[u8], &mut [u8]) = match (image.format(), format) {
        (is, must) if is == must => return Ok(image.clone()),
        (Nv12 | I420, _) => return to_format(&planar_to_rgb8(image, pool)?, format, pool),
        (_, Nv12 | I420) => return Err(ImageError::Planar),
        (Rgba8, Gray8) => {
            let rgb = to_format(image, Rgb8, pool)?;
            return to_format(&rgb, Gray8, pool);
        }
        (Rgb8, Gray8) => grayscale::bt601,
        (Gray8, Rgb8) => gray_to_rgb,
        (Gray8, Rgba8) => gray_to_rgba,
        (Rgb8, Rgba8) => rgb_to_rgba,
        (_, Gray8 | Rgb8 | Rgba8) => rgba_to_rgb,
    };
    let size = image.size();
    let row_bytes = size.width() * format.channels();
    let mut buffer = pool.take(row_bytes * size.height());
    for (from, to) in image.rows().zip(buffer.chunks_exact_mut(row_bytes)) {
        row(Level::best(), from, to);
    }
    Image::packed(size, format, buffer)
}

fn planar_to_rgb8(image: &Image, pool: &Pool) -> Result<Image, ImageError> {
    let from = if image.format() == PixelFormat::Nv12 { nv12_to_rgb8 } else { i420_to_rgb8 };
    from(image.size(), image.stride(), image.data(), pool)
}

/// From a planar layout, before a step that takes none.
pub(crate) static TO_RGB: ToRgb = ToRgb;

/// From a planar layout to [`PixelFormat::Rgb8`].
#[derive(Debug)]
pub(crate) struct ToRgb;

static DEFINITION: FilterDefinition = FilterDefinition {
    id: "to_rgb",
    name: "To RGB",
    description: "From a planar layout to RGB.",
    family: Family::Colour,
    parameters: &[],
    formats: &[PixelFormat::Nv12, PixelFormat::I420],
    cuda: false,
    tolerance: 0,
    notes: "",
};

impl Operation for ToRgb {
    fn definition(&self) -> &'static FilterDefinition {
        &DEFINITION
    }

    fn output(&self, input: Shape) -> Result<Shape, Refusal> {
        Ok(input.with_format(PixelFormat::Rgb8))
    }

    fn cpu(&self, _: Shape) -> CpuWork<'_> {
        CpuWork::Whole(self)
    }
}

impl Whole for ToRgb {
    fn run(&self, cpu: &Cpu, input: &Image) -> Result<Image, ImageError> {
        planar_to_rgb8(input, cpu.pool())
    }
}

fn check(rows: usize, row: usize, stride: usize, data: &[u8]) -> Result<(), ImageError> {
    if stride < row {
        return Err(ImageError::Stride { stride, row });
    }
    let must = stride.saturating_mul(rows);
    if data.len() == must { Ok(()) } else { Err(ImageError::Length { is: data.len(), must }) }
}

fn row_of(plane: &[u8], stride: usize, y: usize, len: usize) -> &[u8] {
    plane.get(y * stride..y * stride + len).unwrap_or_default()
}

fn yuv_row(luma: &[u8], chroma: impl Iterator<Item = (u8, u8)>, to: &mut [u8]) {
    let pixels = luma.chunks(2).zip(to.chunks_mut(6));
    for ((luma, to), (u, v)) in pixels.zip(chroma) {
        // In 1/2^16, with the half that makes the shift round to nearest.
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        let red = 104_597 * v + (1 << 15);
        let green = -25_675 * u - 53_279 * v + (1 << 15);
        let blue = 132_201 * u + (1 << 15);
        for (luma, to) in luma.iter().zip(to.as_chunks_mut::<3>().0) {
            let y = 76_309 * (i32::from(*luma) - 16);
            *to = [red, green, blue].map(|part| ((y + part) >> 16).clamp(0, 255) as u8);
        }
    }
}

simd_levels! {
    fn swap_ends(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<3>().0.iter().zip(to.as_chunks_mut::<3>().0);
        for (&[first, second, third], to) in pixels {
            *to = [third, second, first];
        }
    }
}

simd_levels! {
    fn gray_to_rgb(from: &[u8], to: &mut [u8]) {
        for (grey, to) in from.iter().zip(to.as_chunks_mut::<3>().0) {
            *to = [*grey; 3];
        }
    }
}

simd_levels! {
    fn gray_to_rgba(from: &[u8], to: &mut [u8]) {
        for (grey, to) in from.iter().zip(to.as_chunks_mut::<4>().0) {
            *to = [*grey, *grey, *grey, u8::MAX];
        }
    }
}

simd_levels! {
    fn rgb_to_rgba(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<3>().0.iter().zip(to.as_chunks_mut::<4>().0);
        for (&[red, green, blue], to) in pixels {
            *to = [red, green, blue, u8::MAX];
        }
    }
}

simd_levels! {
    fn rgba_to_rgb(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<3>().0);
        for (&[red, green, blue, _], to) in pixels {
            *to = [red, green, blue];
        }
    }
}
