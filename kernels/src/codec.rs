//! PNG, JPEG and WebP files to images and back: the codecs of `ocelli-media`, and an [`encode`] that
//! takes planar images too.

use bytes::Bytes;

pub use ocelli_media::codec::{
    Codec, CodecError, Header, Orientation, decode, decode_as, decode_bytes, encode_bytes,
};

use crate::{Image, PixelFormat, Pool, convert};

/// Encodes an image as a file of at most `most` bytes. `quality` is from 1 to 100 and only matters for JPEG. No file holds
/// NV12 or I420, so those are converted to RGB.
///
/// # Errors
/// If the file format cannot hold an image of that size, if the quality is out of range, or if the
/// file would be too large.
pub fn encode(
    image: &Image,
    codec: Codec,
    quality: u8,
    most: usize,
    pool: &Pool,
) -> Result<Bytes, CodecError> {
    if !image.format().is_planar() {
        return ocelli_media::codec::encode(image, codec, quality, most, pool);
    }
    let rgb = convert::to_format(image, PixelFormat::Rgb8, pool)
        .map_err(|error| CodecError::Encode { codec, detail: error.to_string() })?;
    ocelli_media::codec::encode(&rgb, codec, quality, most, pool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_images;

    #[test]
    fn planar_images_are_written_as_rgb() {
        let pool = Pool::new(0);
        for format in [PixelFormat::Nv12, PixelFormat::I420] {
            let image = test_images::filled(PixelFormat::Rgb8, 6, 4, 90);
            let image = convert::to_format(&image, format, &pool).unwrap();
            let rgb = convert::to_format(&image, PixelFormat::Rgb8, &pool).unwrap();
            for codec in Codec::ALL {
                let [a, b] = [&image, &rgb]
                    .map(|image| encode(image, codec, 90, usize::MAX, &pool).unwrap());
                assert_eq!(a, b, "{codec} {format:?}");
            }
        }
    }
}
