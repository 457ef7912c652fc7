//! Other layouts to ours and back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use ocelli_kernels::convert::{bgr8_to_rgb8, i420_to_rgb8, nv12_to_rgb8, to_bgr8, to_format};
use ocelli_kernels::{Image, ImageError, PixelFormat, Pool, Size};

/// BT.601 in limited range, as the standard writes it, but that luma below black is black.
fn reference(y: u8, u: u8, v: u8) -> [u8; 3] {
    let y = (f64::from(y) - 16.0).max(0.0) * 255.0 / 219.0;
    let (u, v) = ((f64::from(u) - 128.0) / 224.0, (f64::from(v) - 128.0) / 224.0);
    let (red, blue) = (1.402 * 255.0 * v, 1.772 * 255.0 * u);
    let green = -(0.114 * blue + 0.299 * red) / 0.587;
    [red, green, blue].map(|part| (y + part).round().clamp(0.0, 255.0) as u8)
}

fn close(ours: [u8; 3], exact: [u8; 3]) -> bool {
    ours.iter().zip(exact).all(|(a, b)| a.abs_diff(b) <= 1)
}

#[test]
fn every_luma_and_chroma_is_as_the_standard_says() {
    let pool = Pool::new(1 << 20);
    let size = Size::new(256, 2).unwrap();
    let (mut differ, mut all) = (0, 0);
    for u in (0..=255).step_by(15) {
        for v in (0..=255).step_by(5) {
            let luma = [(0..=255).collect::<Vec<u8>>(), (0..=255).collect()].concat();
            let data = [luma, [u, v].repeat(128)].concat();
            let image = nv12_to_rgb8(size, 256, &data, &pool).unwrap();
            for (y, pixel) in (0..=255).zip(image.row(1).as_chunks::<3>().0) {
                let exact = reference(y, u, v);
                assert!(close(*pixel, exact), "{y} {u} {v}: {pixel:?}, not {exact:?}");
                differ += usize::from(*pixel != exact);
                all += 1;
            }
        }
    }
    // OpenCV's numbers have three decimals: some round differently.
    assert!(differ * 3 < all, "{differ} of {all} differ");
}

#[test]
fn black_white_and_the_primaries() {
    let cases = [
        ([16, 128, 128], [0, 0, 0]),
        ([235, 128, 128], [255, 255, 255]),
        ([81, 90, 240], [254, 0, 0]),
        ([145, 54, 34], [0, 255, 1]),
        ([41, 240, 110], [0, 0, 255]),
    ];
    for ([y, u, v], rgb) in cases {
        let size = Size::new(1, 1).unwrap();
        let pool = Pool::new(0);
        // One pixel of NV12 still has a pair of chroma, so a row is two bytes wide.
        let nv12 = nv12_to_rgb8(size, 2, &[y, 99, u, v], &pool).unwrap();
        let i420 = i420_to_rgb8(size, 1, &[y, u, v], &pool).unwrap();
        assert!(close(nv12.data()[..].try_into().unwrap(), rgb), "{:?} {rgb:?}", nv12.data());
        assert_eq!(nv12, i420);
    }
}

#[test]
fn odd_sizes_and_strides_of_both_yuv_layouts_agree() {
    let pool = Pool::new(1 << 20);
    for (width, height, padding) in [(1, 3, 1), (5, 5, 3), (6, 4, 2), (7, 2, 5), (64, 3, 0)] {
        let size = Size::new(width, height).unwrap();
        let (width, height) = (size.width(), size.height());
        let stride = width.next_multiple_of(2) + padding;
        let (half, rows) = (stride.div_ceil(2), height.div_ceil(2));
        let luma: Vec<u8> = (0..stride * height).map(|at| (at * 37) as u8).collect();
        let u = |x: usize, y: usize| (x * 91 + y * 17) as u8;
        let v = |x: usize, y: usize| (x * 13 + y * 57 + 100) as u8;
        let mut chroma = vec![0; stride * rows];
        let (mut plane_u, mut plane_v) = (vec![0; half * rows], vec![0; half * rows]);
        for y in 0..rows {
            for x in 0..width.div_ceil(2) {
                chroma[y * stride + 2 * x] = u(x, y);
                chroma[y * stride + 2 * x + 1] = v(x, y);
                plane_u[y * half + x] = u(x, y);
                plane_v[y * half + x] = v(x, y);
            }
        }
        let nv12 = nv12_to_rgb8(size, stride, &[luma.clone(), chroma].concat(), &pool).unwrap();
        let planes = [luma.clone(), plane_u, plane_v].concat();
        assert_eq!(nv12, i420_to_rgb8(size, stride, &planes, &pool).unwrap());
        for y in 0..height {
            for x in 0..width {
                let exact = reference(luma[y * stride + x], u(x / 2, y / 2), v(x / 2, y / 2));
                let pixel = nv12.row(y)[x * 3..][..3].try_into().unwrap();
                assert!(close(pixel, exact), "{x} {y}: {pixel:?} {exact:?}");
            }
        }
    }
}

#[test]
fn wrong_lengths_and_strides_are_refused() {
    let pool = Pool::new(0);
    let size = Size::new(4, 3).unwrap();
    let stride = ImageError::Stride { stride: 11, row: 12 };
    assert_eq!(bgr8_to_rgb8(size, 11, &[0; 33], &pool).unwrap_err(), stride);
    let length = ImageError::Length { is: 35, must: 36 };
    assert_eq!(bgr8_to_rgb8(size, 12, &[0; 35], &pool).unwrap_err(), length);
    let stride = ImageError::Stride { stride: 3, row: 4 };
    assert_eq!(nv12_to_rgb8(size, 3, &[0; 15], &pool).unwrap_err(), stride);
    assert_eq!(i420_to_rgb8(size, 3, &[0; 15], &pool).unwrap_err(), stride);
    // Three rows of luma have two of chroma.
    let length = ImageError::Length { is: 18, must: 20 };
    assert_eq!(nv12_to_rgb8(size, 4, &[0; 18], &pool).unwrap_err(), length);
    assert_eq!(i420_to_rgb8(size, 4, &[0; 18], &pool).unwrap_err(), length);
    assert!(nv12_to_rgb8(size, usize::MAX, &[0; 18], &pool).is_err());
    assert!(i420_to_rgb8(size, usize::MAX, &[0; 18], &pool).is_err());
}

#[test]
fn between_our_layouts() {
    let pool = Pool::new(1 << 20);
    let size = Size::new(2, 2).unwrap();
    // A row is two pixels and one byte of padding.
    let data = [255, 0, 0, 7, 8, 9, 77, 1, 2, 3, 255, 255, 255, 77];
    let rgb = Image::new(size, PixelFormat::Rgb8, 7, Bytes::copy_from_slice(&data)).unwrap();
    let gray = to_format(&rgb, PixelFormat::Gray8, &pool).unwrap();
    assert_eq!(gray.data()[..], [76, 8, 2, 255]);
    let rgba = to_format(&rgb, PixelFormat::Rgba8, &pool).unwrap();
    assert_eq!(rgba.data()[..8], [255, 0, 0, 255, 7, 8, 9, 255]);
    assert_eq!(to_format(&rgba, PixelFormat::Gray8, &pool).unwrap(), gray);
    assert_eq!(to_format(&rgba, PixelFormat::Rgb8, &pool).unwrap(), rgb.to_packed(&pool));
    let spread = to_format(&gray, PixelFormat::Rgb8, &pool).unwrap();
    assert_eq!(spread.data()[..6], [76, 76, 76, 8, 8, 8]);
    let spread = to_format(&gray, PixelFormat::Rgba8, &pool).unwrap();
    assert_eq!(spread.data()[..8], [76, 76, 76, 255, 8, 8, 8, 255]);
    assert_eq!(to_format(&rgb, PixelFormat::Rgb8, &pool).unwrap(), rgb);
}

#[test]
fn blue_and_red_change_places() {
    let pool = Pool::new(1 << 20);
    let size = Size::new(41, 3).unwrap();
    let data: Vec<u8> = (0..130 * 3).map(|at| (at * 7) as u8).collect();
    let rgb = bgr8_to_rgb8(size, 130, &data, &pool).unwrap();
    for (row, from) in rgb.rows().zip(data.chunks(130)) {
        for (&[r, g, b], &[first, second, third]) in
            row.as_chunks::<3>().0.iter().zip(from.as_chunks::<3>().0)
        {
            assert_eq!([b, g, r], [first, second, third]);
        }
    }
    let back = to_bgr8(&rgb, &pool).unwrap();
    assert!(back.rows().zip(data.chunks(130)).all(|(row, from)| row == &from[..123]));
}
