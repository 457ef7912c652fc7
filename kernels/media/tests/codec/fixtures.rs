//! Images and files for the tests.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use ocelli_media::codec::{Codec, CodecError, decode, encode};
use ocelli_media::{Image, Limits, PixelFormat, Pool, Size};

use crate::png_file::PngFile;

/// A 9 × 7 gradient.
pub(crate) const LOSSY_WEBP: &[u8] = include_bytes!("../data/lossy.webp");
/// The same with alpha that falls from left to right.
pub(crate) const LOSSY_ALPHA_WEBP: &[u8] = include_bytes!("../data/lossy-alpha.webp");
/// A photograph beside a drawing, lossless, with groups of prefix codes.
pub(crate) const LOSSLESS_WEBP: &[u8] = include_bytes!("../data/lossless.webp");
/// The lossy gradient, then upside down.
pub(crate) const ANIMATED_WEBP: &[u8] = include_bytes!("../data/animated.webp");

pub(crate) const LIMITS: Limits = Limits {
    max_side_px: 16_384,
    max_pixels: 1 << 26,
    max_encoded_bytes: usize::MAX,
    max_steps: 0,
};

pub(crate) fn pool() -> Pool {
    Pool::new(1 << 30)
}

pub(crate) fn read(data: &[u8]) -> Result<Image, CodecError> {
    decode(data, &LIMITS, &pool())
}

/// A smooth image in which no row, column or channel equals another.
pub(crate) fn gradient(width: u32, height: u32, format: PixelFormat) -> Image {
    let size = Size::new(width, height).unwrap();
    let mut pixels = pool().take(size.pixels() * format.channels());
    let channels = format.channels();
    for (index, value) in pixels.iter_mut().enumerate() {
        let (pixel, channel) = (index / channels, index % channels);
        let (x, y) = (pixel % size.width(), pixel / size.width());
        let wave = (x as f32 / 11.0 + channel as f32).sin() + (y as f32 / 17.0).cos();
        *value = (128.0 + 60.0 * wave) as u8;
    }
    Image::packed(size, format, pixels).unwrap()
}

pub(crate) fn jpeg(image: &Image, change: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 90);
    change(&mut encoder);
    let color = match image.format() {
        PixelFormat::Gray8 => ColorType::Luma,
        PixelFormat::Rgb8 => ColorType::Rgb,
        PixelFormat::Rgba8 => ColorType::CmykAsYcck,
        PixelFormat::Nv12 | PixelFormat::I420 => panic!("no JPEG of {:?}", image.format()),
    };
    let size = image.size();
    encoder.encode(image.data(), size.width() as u16, size.height() as u16, color).unwrap();
    file
}

/// One small file of each kind, all whole.
pub(crate) fn files() -> Vec<(&'static str, Vec<u8>)> {
    let [gray, rgb, rgba] = PixelFormat::INTERLEAVED.map(|format| gradient(37, 21, format));
    let png = |image: &Image| encode(image, Codec::Png, 90, usize::MAX, &pool()).unwrap().to_vec();
    let webp =
        |image: &Image| encode(image, Codec::Webp, 90, usize::MAX, &pool()).unwrap().to_vec();
    let interlaced = PngFile {
        width: 9,
        height: 10,
        color_type: 4,
        depth: 16,
        interlaced: true,
        extra: vec![(b"eXIf", exif(6))],
        sample: &|x, y, channel| (x * 7001 + y * 503 + channel * 90) as u16,
    };
    vec![
        ("grey PNG", png(&gray)),
        ("RGB PNG", png(&rgb)),
        ("RGBA PNG", png(&rgba)),
        ("interlaced PNG with EXIF", interlaced.bytes()),
        ("grey JPEG", jpeg(&gray, |_| ())),
        ("4:4:4 JPEG", jpeg(&rgb, |e| e.set_sampling_factor(SamplingFactor::F_1_1))),
        ("4:2:0 JPEG", jpeg(&rgb, |e| e.set_sampling_factor(SamplingFactor::F_2_2))),
        ("JPEG with restarts", jpeg(&rgb, |e| e.set_restart_interval(2))),
        ("JPEG with EXIF", jpeg(&rgb, |e| e.add_exif_metadata(&exif(6)).unwrap())),
        ("progressive JPEG", jpeg(&rgb, |e| e.set_progressive(true))),
        ("YCCK JPEG", jpeg(&rgba, |_| ())),
        ("grey WebP", webp(&gray)),
        ("lossless WebP", webp(&rgba)),
        ("lossy WebP", LOSSY_WEBP.to_vec()),
        ("lossless WebP with several groups of codes", LOSSLESS_WEBP.to_vec()),
        ("lossy WebP with alpha", LOSSY_ALPHA_WEBP.to_vec()),
    ]
}

/// EXIF data that holds nothing but the orientation.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let mut data = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    data.extend([0, orientation, 0, 0, 0, 0, 0, 0]);
    data
}

/// Peak signal to noise ratio in dB.
pub(crate) fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0_f64.powi(2) * a.len() as f64 / squares).log10()
}
