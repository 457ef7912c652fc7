//! What operations work on: neither flat nor noise, but like a photograph.

use ocelli_kernels::{Image, PixelFormat, Pool, Size};

/// In memory as that of decoded images, and as OpenCV's arrays: in large pages.
pub(crate) fn scene(size: (u32, u32), format: PixelFormat) -> Image {
    let size = Size::new(size.0, size.1).unwrap();
    let (row, rows) = (format.row_bytes(size.width()), size.height());
    let mut state = 7_u32;
    let mut data = Pool::new(0).take(format.bytes(rows, row).unwrap());
    for (y, line) in data.chunks_mut(row).enumerate() {
        for (x, sample) in line.iter_mut().enumerate() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let pixel = (x / format.channels()) as f32;
            let (u, v) = (pixel / size.width() as f32, y as f32 / rows as f32);
            let disc = ((u - 0.4).powi(2) + (v - 0.5).powi(2)).sqrt() < 0.25;
            let bars = ((u * 13.0 + v * 5.0) as u32).is_multiple_of(5);
            let tint = (x % format.channels()) as f32 * 23.0;
            let light = 40.0 + 110.0 * u + 40.0 * v + tint;
            let shade = 60.0 * f32::from(disc as u8) - 35.0 * f32::from(bars as u8);
            *sample = (light + shade + (state >> 28) as f32).clamp(0.0, 255.0) as u8;
        }
    }
    Image::new(size, format, row, data.freeze()).unwrap()
}

/// The same, in other memory.
pub(crate) fn copy(image: &Image) -> Image {
    let mut data = Pool::new(0).take(image.data().len());
    data.copy_from_slice(image.data());
    Image::packed(image.size(), image.format(), data).unwrap()
}
