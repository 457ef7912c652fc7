//! Every kind of file that others write.

use image_webp::{ColorType, WebPEncoder};
use jpeg_encoder::SamplingFactor;
use ocelli_media::codec::{Codec, CodecError, Header, Orientation, decode, encode};
use ocelli_media::{Image, Limits, PixelFormat};

use crate::fixtures::{
    ANIMATED_WEBP, LIMITS, LOSSY_ALPHA_WEBP, LOSSY_WEBP, exif, files, gradient, jpeg, pool, psnr,
    read,
};
use crate::png_file::PngFile;

#[test]
fn every_colour_type_depth_and_interlacing_of_png() {
    let kinds = [(0, vec![1, 2, 4, 8, 16]), (2, vec![8, 16]), (4, vec![8, 16]), (6, vec![8, 16])];
    for (color_type, depth) in kinds.iter().flat_map(|(c, d)| d.iter().map(move |d| (*c, *d))) {
        for (width, height) in [(1, 1), (3, 2), (5, 9), (17, 10)] {
            for interlaced in [false, true] {
                let max = u32::from(u16::MAX >> (16 - depth));
                let sample = |x: usize, y: usize, channel: usize| {
                    let (x, y, channel) = (x as u32, y as u32, channel as u32);
                    ((x * 40_503 + y * 2_749 + channel * 977) % (max + 1)) as u16
                };
                let extra = vec![];
                let file = PngFile {
                    width,
                    height,
                    color_type,
                    depth,
                    interlaced,
                    extra,
                    sample: &sample,
                };
                let image = read(&file.bytes()).unwrap();
                let eight = |x, y, channel| match depth {
                    16 => (sample(x, y, channel) >> 8) as u8,
                    _ => (u32::from(sample(x, y, channel)) * 255 / max) as u8,
                };
                let (format, sources) = match color_type {
                    0 => (PixelFormat::Gray8, vec![0]),
                    2 => (PixelFormat::Rgb8, vec![0, 1, 2]),
                    4 => (PixelFormat::Rgba8, vec![0, 0, 0, 1]),
                    _ => (PixelFormat::Rgba8, vec![0, 1, 2, 3]),
                };
                let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
                let must: Vec<u8> = pixels
                    .flat_map(|(x, y)| sources.iter().map(move |c| eight(x, y, *c)))
                    .collect();
                let what = format!("type {color_type}, {depth} bits, {width} × {height}");
                assert_eq!((image.size().width(), image.format()), (width, format), "{what}");
                assert_eq!(image.data(), must, "{what}, interlaced: {interlaced}");
            }
        }
    }
}

#[test]
fn png_palettes_with_and_without_transparency() {
    let palette: Vec<u8> = (0..16).flat_map(|i| [i * 3, 255 - i, i * 16]).collect();
    for (depth, interlaced) in [(1, false), (2, true), (4, false), (8, true)] {
        let index = |x: usize, y: usize, _| ((x + 2 * y) % (1 << depth.min(4))) as u16;
        // Entries after the last one that is given are opaque.
        let alpha = vec![0, 77];
        for (transparency, format) in [(None, PixelFormat::Rgb8), (Some(alpha), PixelFormat::Rgba8)]
        {
            let entries = 3 << depth.min(4);
            let mut extra = vec![(b"PLTE", palette[..entries].to_vec())];
            extra.extend(transparency.map(|alpha| (b"tRNS", alpha)));
            let (width, height, color_type) = (7, 5, 3);
            let file =
                PngFile { width, height, color_type, depth, interlaced, extra, sample: &index };
            let image = read(&file.bytes()).unwrap();
            assert_eq!(image.format(), format);
            for (pixel, i) in image.data().chunks(format.channels()).zip(0..) {
                let entry = usize::from(index(i % width, i / width, 0));
                let must = &palette[3 * entry..3 * entry + 3];
                let alpha = [0, 77].get(entry).copied().unwrap_or(255);
                assert_eq!(pixel, &[must, &[alpha]].concat()[..pixel.len()]);
            }
        }
    }
}

#[test]
fn png_with_one_transparent_colour() {
    // Only the sample that equals the key in all 16 bits is transparent.
    let sample = |x: usize, _, channel: usize| 0x1200 + (x + channel) as u16;
    for (color_type, key, must) in [
        (0, vec![0x12, 0x01], [[0x12, 0x12, 0x12, 255], [0x12, 0x12, 0x12, 0]]),
        (2, vec![0x12, 1, 0x12, 2, 0x12, 3], [[0x12, 0x12, 0x12, 255], [0x12, 0x12, 0x12, 0]]),
    ] {
        let (width, height, depth, interlaced) = (2, 1, 16, false);
        let extra = vec![(b"tRNS", key)];
        let file = PngFile { width, height, color_type, depth, interlaced, extra, sample: &sample };
        let image = read(&file.bytes()).unwrap();
        assert_eq!((image.format(), image.data()), (PixelFormat::Rgba8, must.as_flattened()));
    }
}

#[test]
fn jpegs_of_every_kind_come_close_to_what_was_written() {
    for (width, height) in [(1, 1), (8, 8), (17, 33), (150, 101)] {
        let gray = gradient(width, height, PixelFormat::Gray8);
        let rgb = gradient(width, height, PixelFormat::Rgb8);
        for progressive in [false, true] {
            let back = read(&jpeg(&gray, |e| e.set_progressive(progressive))).unwrap();
            assert_eq!((back.size(), back.format()), (gray.size(), PixelFormat::Gray8));
            assert!(psnr(back.data(), gray.data()) > 38.0);
            for sampling in [
                SamplingFactor::F_1_1,
                SamplingFactor::F_2_1,
                SamplingFactor::F_1_2,
                SamplingFactor::F_2_2,
            ] {
                for restarts in [0, 3] {
                    let back = read(&jpeg(&rgb, |e| {
                        e.set_sampling_factor(sampling);
                        e.set_progressive(progressive);
                        e.set_restart_interval(restarts);
                    }));
                    let back = back.unwrap();
                    assert_eq!((back.size(), back.format()), (rgb.size(), PixelFormat::Rgb8));
                    let close = psnr(back.data(), rgb.data());
                    assert!(close > 33.0, "{width} × {height} {sampling:?} {restarts}: {close}");
                }
            }
        }
    }
}

#[test]
fn inks_become_rgb() {
    // The encoder takes 255 for all of the ink, and writes it inverted as Adobe does.
    let inks = gradient(40, 24, PixelFormat::Rgba8);
    let without = |ink: u8| u32::from(255 - ink);
    let must: Vec<u8> = (inks.data().chunks(4))
        .flat_map(|p| [p[0], p[1], p[2]].map(|ink| (without(ink) * without(p[3]) / 255) as u8))
        .collect();
    let back = read(&jpeg(&inks, |e| e.set_sampling_factor(SamplingFactor::F_1_1))).unwrap();
    assert_eq!(back.format(), PixelFormat::Rgb8);
    assert!(psnr(back.data(), &must) > 40.0, "{}", psnr(back.data(), &must));
}

#[test]
fn sampling_factors_of_a_grey_jpeg_mean_nothing() {
    let plain = jpeg(&gradient(45, 37, PixelFormat::Gray8), |_| ());
    let at = plain.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap() + 11;
    assert_eq!(plain[at], 0x11);
    for factors in [0x12, 0x21, 0x22] {
        let mut file = plain.clone();
        file[at] = factors;
        assert_eq!(read(&file), read(&plain), "{factors:x}");
    }
}

#[test]
fn lossy_webp() {
    let channel = |i: usize, c: usize| [i % 9 * 28, i / 9 * 40, (i % 9 + i / 9) * 16][c] as u8;
    let must: Vec<u8> = (0..63).flat_map(|i| [0, 1, 2].map(|c| channel(i, c))).collect();
    let image = read(LOSSY_WEBP).unwrap();
    assert_eq!((image.size().width(), image.size().height()), (9, 7));
    assert_eq!(image.format(), PixelFormat::Rgb8);
    assert!(psnr(image.data(), &must) > 28.0, "{}", psnr(image.data(), &must));

    let image = read(LOSSY_ALPHA_WEBP).unwrap();
    assert_eq!(image.format(), PixelFormat::Rgba8);
    for (pixel, i) in image.data().chunks(4).zip(0..) {
        assert_eq!(pixel[3], 255 - (i % 9) * 20);
    }
}

#[test]
fn animated_webp_is_unsupported() {
    let error = read(ANIMATED_WEBP).unwrap_err();
    assert_eq!(error, CodecError::Unsupported { codec: Codec::Webp, feature: "animation" });
    assert_eq!(error.to_string(), "the WebP image uses animation, which is not supported");
}

#[test]
fn bytes_after_the_image_do_no_harm() {
    for (name, file) in files() {
        let must = read(&file).unwrap();
        for tail in [&[0][..], &[0xFF; 7], &file] {
            assert_eq!(read(&[&file[..], tail].concat()).as_ref(), Ok(&must), "{name}");
        }
    }
}

/// The letters A to F as a 3 × 2 image, seen upright.
const UPRIGHT: [(u8, usize, &str); 9] = [
    (0, 3, "ABCDEF"),
    (1, 3, "ABCDEF"),
    (2, 3, "CBAFED"),
    (3, 3, "FEDCBA"),
    (4, 3, "DEFABC"),
    (5, 2, "ADBECF"),
    (6, 2, "DAEBFC"),
    (7, 2, "FCEBDA"),
    (8, 2, "CFBEAD"),
];

#[test]
fn png_and_webp_stand_upright() {
    for (orientation, width, letters) in UPRIGHT {
        let png = PngFile {
            width: 3,
            height: 2,
            color_type: 2,
            depth: 8,
            interlaced: false,
            extra: vec![(b"eXIf", exif(orientation))],
            sample: &|x, y, _| u16::from(b"ABCDEF"[3 * y + x]),
        };
        let mut webp = Vec::new();
        let mut encoder = WebPEncoder::new(&mut webp);
        encoder.set_exif_metadata([b"Exif\0\0", &exif(orientation)[..]].concat());
        let rgb: Vec<u8> = b"ABCDEF".iter().flat_map(|letter| [*letter; 3]).collect();
        encoder.encode(&rgb, 3, 2, ColorType::Rgb8).unwrap();
        for file in [png.bytes(), webp] {
            let image = read(&file).unwrap();
            assert_eq!((image.size().width(), image.format()), (width, PixelFormat::Rgb8));
            let is: Vec<u8> = image.data().chunks(3).map(|pixel| pixel[1]).collect();
            assert_eq!(String::from_utf8(is).unwrap(), letters, "orientation {orientation}");
        }
    }
}

#[test]
fn jpeg_stands_upright() {
    // Letters of 8 × 8 pixels each, so that lossy coding leaves them as they are.
    let gray: Vec<u8> = (0..24 * 16).map(|i| b"ABCDEF"[i / (24 * 8) * 3 + i % 24 / 8]).collect();
    let upright = gradient(24, 16, PixelFormat::Gray8);
    let image = Image::new(upright.size(), upright.format(), 24, gray.into()).unwrap();
    for (orientation, width, letters) in UPRIGHT {
        let file = jpeg(&image, |e| {
            e.set_quality(100);
            e.add_exif_metadata(&exif(orientation)).unwrap();
        });
        let image = read(&file).unwrap();
        assert_eq!(image.size().width(), width * 8);
        let rows = image.rows().skip(4).step_by(8);
        let is: Vec<u8> = rows.flat_map(|r| r.iter().skip(4).step_by(8).copied()).collect();
        assert_eq!(String::from_utf8(is).unwrap(), letters, "orientation {orientation}");
    }
}

#[test]
fn damaged_exif_means_upright() {
    let image = gradient(24, 16, PixelFormat::Rgb8);
    let plain = read(&jpeg(&image, |_| ())).unwrap();
    for data in [&b"MM"[..], &exif(6)[..11], &[0xFF; 40], &exif(9), &exif(255)] {
        let file = jpeg(&image, |e| e.add_exif_metadata(data).unwrap());
        assert_eq!(read(&file).as_ref(), Ok(&plain));
    }
}

#[test]
fn an_image_as_large_as_the_limits_is_read() {
    let image = gradient(120, 100, PixelFormat::Rgb8);
    for codec in Codec::ALL {
        let file = encode(&image, codec, 90, usize::MAX, &pool()).unwrap();
        let exact = Limits { max_side_px: 120, max_pixels: 12_000, ..Limits::default() };
        assert!(decode(&file, &exact, &pool()).is_ok());
        for limits in
            [Limits { max_side_px: 119, ..LIMITS }, Limits { max_pixels: 11_999, ..LIMITS }]
        {
            let error = decode(&file, &limits, &pool()).unwrap_err();
            assert!(matches!(error, CodecError::TooLarge { width: 120, height: 100, .. }));
        }
    }
}

fn header(data: &[u8]) -> Result<Header, CodecError> {
    Header::read(data, &LIMITS)
}

#[test]
fn the_header_says_what_the_image_will_be() {
    for (what, file) in files() {
        let image = read(&file).unwrap();
        let header = header(&file).unwrap();
        assert_eq!(header.shape(), image.shape(), "{what}");
        assert_eq!(Some(header.codec), Codec::sniff(&file), "{what}");
        // What is stored lies on its side.
        let turned = what.contains("EXIF");
        assert_eq!(header.orientation == Orientation::TurnRight, turned, "{what}");
        let stored = if turned { image.size().transposed() } else { image.size() };
        assert_eq!(header.size, stored, "{what}");
    }
}

#[test]
fn the_header_knows_transparency_and_exif_data_that_come_before_the_pixels() {
    let file = |color_type, extra| PngFile {
        width: 2,
        height: 1,
        color_type,
        depth: 8,
        interlaced: false,
        extra,
        sample: &|_, _, _| 0,
    };
    for (color_type, key) in [(0, vec![0, 9]), (2, vec![0, 9, 0, 9, 0, 9])] {
        let data = file(color_type, vec![(b"tRNS", key), (b"eXIf", exif(8))]).bytes();
        let header = header(&data).unwrap();
        assert_eq!(header.format, PixelFormat::Rgba8);
        assert_eq!(header.orientation, Orientation::TurnLeft);
        assert_eq!(header.shape(), read(&data).unwrap().shape());
    }
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new(&mut webp);
    encoder.set_exif_metadata(exif(6));
    encoder.encode(&[0; 9], 3, 1, ColorType::Rgb8).unwrap();
    let header = header(&webp).unwrap();
    assert_eq!(header.orientation, Orientation::TurnRight);
    assert_eq!(header.shape(), read(&webp).unwrap().shape());
}

#[test]
fn a_header_over_the_limits_is_refused() {
    let file = encode(&gradient(120, 100, PixelFormat::Rgb8), Codec::Jpeg, 90, usize::MAX, &pool())
        .unwrap();
    let small = Limits { max_side_px: 119, ..LIMITS };
    let error = Header::read(&file, &small).unwrap_err();
    assert_eq!(error, decode(&file, &small, &pool()).unwrap_err());
    assert!(matches!(error, CodecError::TooLarge { width: 120, height: 100, .. }));
}

#[test]
fn a_header_that_is_cut_off_or_damaged_is_an_error() {
    assert_eq!(header(b""), Err(CodecError::Empty));
    assert_eq!(header(b"no image"), Err(CodecError::NotAnImage));
    for (what, file) in files() {
        // The shortest header is that of a lossless WebP: 25 bytes.
        for length in 12..25 {
            let result = header(&file[..length]);
            assert!(matches!(result, Err(CodecError::Truncated(_))), "{what}: {result:?}");
        }
    }
    let mut png = files()[0].1.clone();
    png[16..20].fill(0);
    assert!(matches!(header(&png), Err(CodecError::Damaged { .. })));
    png[12] = b'i';
    assert!(matches!(header(&png), Err(CodecError::Damaged { .. })));
    let scan_first = [0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 0xFF, 0xD9];
    assert!(matches!(header(&scan_first), Err(CodecError::Damaged { .. })));
}

#[test]
fn variants_that_are_not_supported_are_named_from_the_header_alone() {
    assert_eq!(header(ANIMATED_WEBP).unwrap_err(), read(ANIMATED_WEBP).unwrap_err());
    let file = jpeg(&gradient(9, 9, PixelFormat::Rgb8), |_| ());
    let at = file.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    for (offset, value) in [(1, 0xC3), (1, 0xC9), (4, 12), (9, 2)] {
        let mut file = file.clone();
        file[at + offset] = value;
        let error = header(&file).unwrap_err();
        assert!(matches!(error, CodecError::Unsupported { .. }), "{error}");
        assert_eq!(error, read(&file).unwrap_err());
    }
}

#[test]
fn a_planar_image_has_to_be_converted_before_it_is_written() {
    let (codec, format) = (Codec::Png, PixelFormat::Nv12);
    let size = ocelli_media::Size::new(2, 2).unwrap();
    let image = Image::packed(size, format, pool().take(6)).unwrap();
    let error = encode(&image, codec, 90, usize::MAX, &pool()).unwrap_err();
    assert_eq!(error, CodecError::Planar { codec, format });
}
