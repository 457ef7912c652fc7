//! Images to files and back.

use bytes::Bytes;
use ocelli_media::codec::{Codec, CodecError, decode, encode};
use ocelli_media::{Image, Limits, PixelFormat, Size};

use crate::fixtures::{gradient, jpeg, pool, psnr, read};

fn flat(format: PixelFormat, pixel: &[u8]) -> Image {
    let data = pixel.repeat(16 * 16);
    Image::new(Size::new(16, 16).unwrap(), format, 16 * pixel.len(), data.into()).unwrap()
}

#[test]
fn png_is_exact() {
    for format in PixelFormat::INTERLEAVED {
        for (width, height) in [(1, 1), (1, 9), (7, 5), (301, 203)] {
            let image = gradient(width, height, format);
            let file = encode(&image, Codec::Png, 90, usize::MAX, &pool()).unwrap();
            assert_eq!(Codec::sniff(&file), Some(Codec::Png));
            assert_eq!(read(&file).unwrap(), image, "{width} × {height} {format:?}");
        }
    }
}

#[test]
fn webp_is_exact_and_makes_grey_rgb() {
    for format in PixelFormat::INTERLEAVED {
        for (width, height) in [(1, 1), (1, 9), (7, 5), (301, 203)] {
            let image = gradient(width, height, format);
            let file = encode(&image, Codec::Webp, 90, usize::MAX, &pool()).unwrap();
            assert_eq!(Codec::sniff(&file), Some(Codec::Webp));
            let back = read(&file).unwrap();
            assert_eq!(back.size(), image.size());
            if format == PixelFormat::Gray8 {
                let tripled: Vec<u8> = image.data().iter().flat_map(|v| [*v; 3]).collect();
                assert_eq!((back.format(), back.data()), (PixelFormat::Rgb8, &tripled[..]));
            } else {
                assert_eq!(back, image, "{width} × {height} {format:?}");
            }
        }
    }
}

#[test]
fn jpeg_is_close_and_closer_with_more_quality() {
    for format in [PixelFormat::Gray8, PixelFormat::Rgb8] {
        for (width, height) in [(1, 1), (1, 9), (17, 5), (301, 203)] {
            let image = gradient(width, height, format);
            let [low, high] = [40, 95].map(|quality| {
                let file = encode(&image, Codec::Jpeg, quality, usize::MAX, &pool()).unwrap();
                assert_eq!(Codec::sniff(&file), Some(Codec::Jpeg));
                let back = read(&file).unwrap();
                assert_eq!((back.size(), back.format()), (image.size(), format));
                (psnr(back.data(), image.data()), file.len())
            });
            let what = format!("{width} × {height} {format:?}: {low:?} {high:?}");
            assert!(high.0 > 38.0 && low.0 > 27.0, "{what}");
            assert!(width < 100 || (high.0 > low.0 + 3.0 && high.1 > low.1), "{what}");
        }
    }
}

#[test]
fn jpeg_halves_the_chroma_both_ways_at_any_quality() {
    let image = gradient(20, 20, PixelFormat::Rgb8);
    for quality in [1, 89, 90, 100] {
        let file = encode(&image, Codec::Jpeg, quality, usize::MAX, &pool()).unwrap();
        let frame = file.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
        let factors = [11, 14, 17].map(|offset| file[frame + offset]);
        assert_eq!(factors, [0x22, 0x11, 0x11], "quality {quality}");
    }
}

#[test]
fn jpeg_composes_over_white() {
    for (rgba, expected) in [
        ([10, 20, 30, 0], [255, 255, 255]),
        ([10, 20, 30, 255], [10, 20, 30]),
        ([0, 0, 0, 128], [127, 127, 127]),
        ([255, 0, 100, 51], [255, 204, 224]),
    ] {
        let image = flat(PixelFormat::Rgba8, &rgba);
        let back = read(&encode(&image, Codec::Jpeg, 100, usize::MAX, &pool()).unwrap()).unwrap();
        assert_eq!(back.format(), PixelFormat::Rgb8);
        for pixel in back.data().chunks(3) {
            let off = pixel.iter().zip(expected).map(|(is, must)| is.abs_diff(must)).max();
            assert!(off.unwrap() <= 2, "{rgba:?} became {pixel:?}");
        }
    }
}

#[test]
fn padding_between_rows_stays_out() {
    for format in PixelFormat::INTERLEAVED {
        let plain = gradient(13, 6, format);
        let padded: Vec<u8> = plain.rows().flat_map(|row| [row, &[0xEE; 5]].concat()).collect();
        let stride = plain.row_bytes() + 5;
        let padded = Image::new(plain.size(), format, stride, Bytes::from(padded)).unwrap();
        for codec in Codec::ALL {
            let [a, b] =
                [&plain, &padded].map(|i| encode(i, codec, 90, usize::MAX, &pool()).unwrap());
            assert_eq!(a, b, "{codec} {format:?}");
        }
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    let long = |side| gradient(side, 1, PixelFormat::Gray8);
    for (codec, side) in [(Codec::Jpeg, 65_535), (Codec::Webp, 16_383)] {
        let file = encode(&long(side), codec, 90, usize::MAX, &pool()).unwrap();
        let wide = Limits { max_side_px: side, max_pixels: 1 << 20, ..Limits::default() };
        assert_eq!(decode(&file, &wide, &pool()).unwrap().size().width(), side as usize);
        let error = encode(&long(side + 1), codec, 90, usize::MAX, &pool()).unwrap_err();
        let must = format!("{codec} allows at most {side} pixels per side, not {}", side + 1);
        assert_eq!(error.to_string(), must);
    }
    for quality in [0, 101] {
        let error = encode(&long(1), Codec::Jpeg, quality, usize::MAX, &pool()).unwrap_err();
        assert_eq!(error, CodecError::Quality(quality));
    }
}

#[test]
fn pixels_come_from_the_pool_and_return_to_it() {
    let file = jpeg(&gradient(64, 48, PixelFormat::Rgb8), |_| ());
    let (pool, limits) = (pool(), crate::fixtures::LIMITS);
    let first = decode(&file, &limits, &pool).unwrap();
    let address = first.data().as_ptr();
    drop(first);
    assert_eq!(pool.free_bytes(), 64 * 48 * 3);
    assert_eq!(decode(&file, &limits, &pool).unwrap().data().as_ptr(), address);
}
