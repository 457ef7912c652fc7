//! Files that are cut off, damaged, hostile or none at all.

use ocelli_media::codec::{Codec, CodecError, decode};
use ocelli_media::{Image, Limits, PixelFormat, Pool};
use proptest::prelude::*;

use crate::fixtures::{files, gradient, jpeg, pool, read};
use crate::png_file::{put_chunk, reseal};

#[test]
fn a_file_that_is_cut_off_anywhere_is_an_error() {
    for (name, file) in files() {
        let codec = Codec::sniff(&file).unwrap();
        assert!(read(&file).is_ok(), "{name}");
        for end in 0..file.len() {
            let error = read(&file[..end]).expect_err(&format!("{name} cut to {end} bytes"));
            let must = match () {
                () if end == 0 => CodecError::Empty,
                () if Codec::sniff(&file[..end]).is_none() => CodecError::NotAnImage,
                () => CodecError::Truncated(codec),
            };
            assert_eq!(error, must, "{name} cut to {end} of {} bytes", file.len());
        }
    }
}

#[test]
fn nonsense_within_a_jpeg_is_an_error_and_not_a_grey_rest() {
    let image = gradient(200, 150, PixelFormat::Rgb8);
    for progressive in [false, true] {
        let mut file = jpeg(&image, |e| e.set_progressive(progressive));
        // No Huffman code consists of ones alone. A scan is the longest stretch without marker, so
        // the middle of the file lies in one.
        let middle = file.len() / 2;
        file.splice(middle..middle + 8, [0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0]);
        let error = read(&file).unwrap_err();
        assert_eq!(error.to_string(), "the JPEG data is damaged");
    }
}

#[test]
fn the_texts_say_what_is_wrong() {
    let (_, png) = &files()[0];
    let error = |data: &[u8]| read(data).unwrap_err().to_string();
    assert_eq!(error(&png[..100]), "the PNG data ends before the image does");
    assert_eq!(error(b""), "there is no image data; send a PNG, JPEG or WebP image");
    for data in [&b"GIF89a"[..], b"hello", &[0; 5000], b"RIFF\x24\0\0\0WAVEfmt ", &[0xFF; 9]] {
        assert_eq!(error(data), "the data is not a PNG, JPEG or WebP image");
    }
    let mut damaged = png.clone();
    damaged[60] ^= 0xFF;
    assert_eq!(error(&damaged), "the PNG data is damaged");
}

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    put_chunk(&mut file, b"IHDR", &[&sides[..], &[8, 6, 0, 0, 0]].concat());
    put_chunk(&mut file, b"IDAT", &[0x78, 0x01, 0, 0, 0]);
    file
}

fn jpeg_header(width: u16, height: u16) -> Vec<u8> {
    let (_, mut file) = files().swap_remove(5);
    let at = file.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}

fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend_from_slice(*name);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF", &(body.len() as u32).to_le_bytes(), &body[..]].concat()
}

const VP8L_16384: &[u8] = &[0x2F, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0, 0, 0, 0];
const VP8_16383: &[u8] = &[0x10, 0, 0, 0x9D, 0x01, 0x2A, 0xFF, 0x3F, 0xFF, 0x3F, 0, 0];
const VP8X_10: &[u8] = &[0, 0, 0, 0, 9, 0, 0, 9, 0, 0];
const VP8X_MAX: &[u8] = &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

#[test]
fn a_header_that_claims_too_much_costs_no_memory() {
    let limits = Limits { max_side_px: 65_535, max_pixels: 64_000_000, ..Limits::default() };
    for (file, side) in [
        (png_header(60_000, 60_000), 60_000),
        (png_header(0x7FFF_FFFF, 0x7FFF_FFFF), 0x7FFF_FFFF),
        (jpeg_header(65_500, 65_500), 65_500),
        (webp(&[(b"VP8L", VP8L_16384)]), 16_384),
        (webp(&[(b"VP8 ", VP8_16383)]), 16_383),
        (webp(&[(b"VP8X", VP8X_MAX), (b"VP8 ", VP8_16383)]), 1 << 24),
    ] {
        let pool = pool();
        let error = decode(&file, &limits, &pool).unwrap_err();
        let must = format!(
            "the {} image has {side}×{side} pixels; at most 65535 per side and 64000000 in all \
             are allowed",
            Codec::sniff(&file).unwrap()
        );
        assert_eq!(error.to_string(), must);
        assert_eq!(pool.free_bytes(), 0, "a buffer was taken");
    }
}

#[test]
fn an_image_larger_than_its_webp_canvas_costs_no_memory() {
    // Said before the decoder has seen it: that would take the memory first.
    let detail = "the image does not fill its canvas".to_owned();
    let file = webp(&[(b"VP8X", VP8X_10), (b"VP8 ", VP8_16383)]);
    assert_eq!(read(&file).unwrap_err(), CodecError::Damaged { codec: Codec::Webp, detail });
    let file = webp(&[(b"VP8X", VP8X_10), (b"VP8L", VP8L_16384)]);
    assert!(matches!(read(&file).unwrap_err(), CodecError::Damaged { .. }));
}

#[test]
fn a_webp_chunk_larger_than_the_file_is_an_error() {
    let mut file = webp(&[(b"VP8X", VP8X_10), (b"EXIF", &[0; 8]), (b"VP8 ", VP8_16383)]);
    let at = file.windows(4).position(|name| name == b"EXIF").unwrap() + 4;
    file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&file).unwrap_err(), CodecError::Truncated(Codec::Webp));
}

#[test]
fn a_side_of_0_is_damage() {
    for file in [png_header(0, 5), png_header(5, 0), jpeg_header(0, 5), jpeg_header(5, 0)] {
        assert!(matches!(read(&file).unwrap_err(), CodecError::Damaged { .. }));
    }
}

#[test]
fn jpeg_variants_that_are_not_understood_are_named() {
    let unsupported = |feature| CodecError::Unsupported { codec: Codec::Jpeg, feature };
    let (_, whole) = files().swap_remove(5);
    let at = whole.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    for (offset, value, feature) in [
        (1, 0xC3, "lossless, hierarchical or arithmetic coding"),
        (1, 0xC9, "lossless, hierarchical or arithmetic coding"),
        (4, 12, "samples of other than 8 bits"),
        (9, 2, "a number of colour components other than 1, 3 or 4"),
    ] {
        let mut file = whole.clone();
        file[at + offset] = value;
        assert_eq!(read(&file).unwrap_err(), unsupported(feature));
    }
    // Comments of no text.
    let comments = [0xFF, 0xFE, 0, 2].repeat(1024);
    let many = [&whole[..2], &comments, &whole[2..]].concat();
    assert_eq!(read(&many).unwrap_err(), unsupported("more than 1024 segments"));
    let behind = [&whole[..whole.len() - 2], &comments[..4], &[0xFF, 0xD9]].concat();
    assert_eq!(read(&behind).unwrap_err(), unsupported("segments after the image data"));
    let image = gradient(37, 21, PixelFormat::Rgb8);
    let apart = jpeg(&image, |e| e.set_optimized_huffman_tables(true));
    let feature = "a separate scan for each colour component";
    assert_eq!(read(&apart).unwrap_err(), unsupported(feature));
}

/// Decodes out of memory in which that byte stood everywhere.
fn read_over(byte: u8, data: &[u8], limits: &Limits) -> Result<Image, CodecError> {
    let pool = Pool::new(1 << 24);
    let mut used = pool.take(1 << 18);
    used.fill(byte);
    drop(used);
    decode(data, limits, &pool)
}

/// Whatever the data: no panic, nothing over the limits, and no trace of what stood in the memory.
fn survives(data: &[u8]) -> Result<(), TestCaseError> {
    let limits = Limits { max_side_px: 512, max_pixels: 1 << 16, ..Limits::default() };
    let first = read_over(0x55, data, &limits);
    if let Ok(image) = &first {
        prop_assert!(image.size().width().max(image.size().height()) <= 512);
        prop_assert!(image.size().pixels() <= 1 << 16);
    }
    prop_assert_eq!(first, read_over(0xAA, data, &limits));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn random_bytes_do_not_panic(
        start in prop::sample::select(vec![
            &b""[..], b"\x89PNG\r\n\x1a\n", b"\xFF\xD8\xFF", b"\xFF\xD8\xFF\xDB\0\x43\0",
            b"RIFF\x40\0\0\0WEBPVP8 ", b"RIFF\x40\0\0\0WEBPVP8L\x30\0\0\0\x2F",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        survives(&[start, &rest[..]].concat())?;
    }

    #[test]
    fn damaged_files_do_not_panic(
        which in 0..15_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        sealed in any::<bool>(),
    ) {
        let (_, mut file) = files().swap_remove(which);
        for (at, value) in changes {
            let length = file.len();
            file[at.index(length)] = value;
        }
        if let Some(cut) = cut {
            let end = cut.index(file.len());
            file.drain(end..(end + 9).min(file.len()));
        }
        if sealed && file.starts_with(b"\x89PNG") {
            reseal(&mut file);
        }
        survives(&file)?;
    }
}
