//! Reading and writing files takes no more memory than is stated before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "how close the bounds are")]
#![allow(unsafe_code, reason = "an allocator that counts")]

mod counting;
#[path = "codec/fixtures.rs"]
#[allow(dead_code, reason = "only some of it is needed here")]
mod fixtures;
#[path = "codec/png_file.rs"]
#[allow(dead_code, reason = "only some of it is needed here")]
mod png_file;
#[path = "codec/webp_file.rs"]
mod webp_file;

use std::io::Cursor;

use image_webp::WebPDecoder;
use jpeg_encoder::SamplingFactor;
use ocelli_media::codec::{Codec, CodecError, Header, decode, decode_bytes, encode, encode_bytes};
use ocelli_media::{Image, PixelFormat, Pool, Size};

use counting::peak;
use fixtures::{LIMITS, LOSSY_WEBP, exif, files, gradient, jpeg};
use png_file::PngFile;
use webp_file::{alpha_of_groups, colour_of_groups, hidden_alpha_of_groups};

fn noise(width: u32, height: u32, format: PixelFormat) -> Image {
    let size = Size::new(width, height).unwrap();
    let mut pixels = Pool::new(0).take(size.pixels() * format.channels());
    let mut state = 7_u32;
    for byte in pixels.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    Image::packed(size, format, pixels).unwrap()
}

/// Larger files than those of other tests, of every kind that makes a decoder take memory.
fn large_files() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    // Buffers of less than two megabytes, which the allocator sees.
    for (width, height) in [(700, 500), (5000, 90), (90, 5000)] {
        let [gray, rgb, rgba] =
            PixelFormat::INTERLEAVED.map(|format| gradient(width, height, format));
        let noise = noise(width, height, PixelFormat::Rgb8);
        let mut add = |what: &str, data: Vec<u8>| {
            all.push((format!("{what} {width}x{height}"), data));
        };
        for (what, image) in [("grey", &gray), ("RGB", &rgb), ("RGBA", &rgba), ("noise", &noise)] {
            for codec in [Codec::Png, Codec::Webp] {
                let file = encode(image, codec, 90, usize::MAX, &Pool::new(0)).unwrap();
                add(&format!("{what} {codec}"), file.to_vec());
            }
            for progressive in [false, true] {
                add(
                    &format!("{what} JPEG {progressive}"),
                    jpeg(image, |e| e.set_progressive(progressive)),
                );
                for sampling in [
                    SamplingFactor::F_1_1,
                    SamplingFactor::F_2_1,
                    SamplingFactor::F_1_2,
                    SamplingFactor::F_2_2,
                    SamplingFactor::F_4_1,
                    SamplingFactor::F_4_2,
                    SamplingFactor::F_1_4,
                    SamplingFactor::F_2_4,
                ] {
                    add(
                        &format!("{what} JPEG {progressive} {sampling:?}"),
                        jpeg(image, |e| {
                            e.set_progressive(progressive);
                            e.set_sampling_factor(sampling);
                        }),
                    );
                }
            }
        }
        add("turned JPEG", jpeg(&rgb, |e| e.add_exif_metadata(&exif(6)).unwrap()));
        for (color_type, depth) in [(0, 1), (0, 16), (2, 16), (4, 16), (6, 16), (6, 8), (3, 4)] {
            for interlaced in [false, true] {
                let palette = (0..48).collect();
                let extra = match color_type {
                    3 => vec![(b"PLTE", palette)],
                    _ => vec![(b"eXIf", exif(3))],
                };
                let (width, height) = (width as usize, height as usize);
                let sample =
                    |x: usize, y: usize, channel: usize| (x * 31 + y * 7 + channel) as u16 & 15;
                let file = PngFile {
                    width,
                    height,
                    color_type,
                    depth,
                    interlaced,
                    extra,
                    sample: &sample,
                };
                add(&format!("PNG {color_type} {depth} {interlaced}"), file.bytes());
            }
        }
    }
    all
}

/// One test, so that no other thread takes memory meanwhile.
#[test]
fn files_take_no_more_memory_than_is_stated() {
    let mut wrong = Vec::new();
    let mut closest = 0.0_f64;
    let small = files().into_iter().map(|(what, data)| (what.to_owned(), data));
    for (what, data) in small.chain(large_files()) {
        let header = Header::read(&data, &LIMITS).unwrap();
        let stated = decode_bytes(&header, data.len());
        let (took, result) = peak(|| decode(&data, &LIMITS, &Pool::new(0)));
        match result {
            Ok(image) => assert_eq!(image.shape(), header.shape(), "{what}"),
            // Some sampling factors make the encoder write a scan for each colour.
            Err(CodecError::Unsupported { .. }) => assert!(what.contains("JPEG"), "{what}"),
            Err(error) => panic!("{what}: {error:?}"),
        }
        closest = closest.max(took as f64 / stated as f64);
        if took > stated {
            wrong.push(format!("{what}: {took} bytes to read, {stated} were stated"));
        }
    }
    println!("reading takes up to {closest:.2} of what is stated");
    let mut closest = 0.0_f64;
    for (width, height) in [(37, 21), (700, 500), (5000, 90), (90, 5000)] {
        for format in PixelFormat::INTERLEAVED {
            for image in [gradient(width, height, format), noise(width, height, format)] {
                for codec in Codec::ALL {
                    for most in [usize::MAX, 1000] {
                        let stated = encode_bytes(image.shape(), codec, most);
                        let (took, file) = peak(|| encode(&image, codec, 100, most, &Pool::new(0)));
                        let fits = file.as_ref().is_ok_and(|file| file.len() <= most);
                        let what = format!("{format:?} {width}x{height} {codec} {most}");
                        let refused = file == Err(CodecError::ResultTooLarge { codec, most });
                        assert!(fits || (most == 1000 && refused), "{what}");
                        closest = closest.max(took as f64 / stated as f64);
                        if took > stated {
                            wrong.push(format!(
                                "{what}: {took} bytes to write, {stated} were stated"
                            ));
                        }
                    }
                }
            }
        }
    }
    println!("writing takes up to {closest:.2} of what is stated");
    prefix_codes_take_no_more_memory_than_is_stated();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Small files that say that they have very many prefix codes.
fn prefix_codes_take_no_more_memory_than_is_stated() {
    for groups in [1, 25, 1000] {
        for (what, data) in [
            ("colour", colour_of_groups(groups)),
            ("alpha", alpha_of_groups(groups, LOSSY_WEBP)),
            ("hidden", hidden_alpha_of_groups(groups, LOSSY_WEBP)),
        ] {
            let what = format!("{groups} groups of codes of {what}");
            let (unchecked, pixels) = peak(|| {
                let mut decoder = WebPDecoder::new(Cursor::new(&data)).unwrap();
                let mut pixels = vec![0; 9 * 7 * 4];
                decoder.read_image(&mut pixels[..decoder.output_buffer_size().unwrap()]).unwrap();
                pixels
            });
            assert!(pixels.iter().any(|sample| *sample != 1), "{what}");
            // The files are what they claim to be.
            assert!(unchecked > groups * 69_000, "{what}: {unchecked}");
            let stated = decode_bytes(&Header::read(&data, &LIMITS).unwrap(), data.len());
            let (took, result) = peak(|| decode(&data, &LIMITS, &Pool::new(0)));
            println!("{what}: {} bytes of file, {unchecked}, {took} of {stated}", data.len());
            assert!(took <= stated, "{what}: {took} bytes to read, {stated} were stated");
            if groups < 1000 && !what.contains("hidden") {
                assert!(unchecked <= stated, "{what}: {unchecked} bytes, {stated} were stated");
                assert!(result.is_ok(), "{what}: {result:?}");
            } else {
                assert!(matches!(result, Err(CodecError::Unsupported { .. })), "{what}");
            }
        }
    }
}
