//! Small pictures, and requests that send them. Where a test does not choose the pixels, they are a
//! gradient, so that a filter changes them.

use anyhow::Result;
use bytes::Bytes;
use ocelli_messages::v1;

/// A raw grey frame of a gradient.
#[must_use]
pub fn grey(width: u32, height: u32) -> v1::Frame {
    raw(width, height, v1::PixelFormat::Gray8, pixels(width, height, 1))
}

/// A raw RGB frame of a gradient.
#[must_use]
pub fn rgb(width: u32, height: u32) -> v1::Frame {
    raw(width, height, v1::PixelFormat::Rgb8, pixels(width, height, 3))
}

/// A raw grey frame of these pixels, row by row.
#[must_use]
pub fn grey_pixels(width: u32, height: u32, pixels: impl AsRef<[u8]>) -> v1::Frame {
    raw(width, height, v1::PixelFormat::Gray8, pixels)
}

/// A raw frame of these bytes, without padding between its rows.
#[must_use]
pub fn raw(width: u32, height: u32, format: v1::PixelFormat, data: impl AsRef<[u8]>) -> v1::Frame {
    let (format, data) = (format.into(), Bytes::copy_from_slice(data.as_ref()));
    let raw = v1::RawImage { width, height, stride: 0, format, data };
    v1::Frame { payload: Some(v1::frame::Payload::Raw(raw)), ..v1::Frame::default() }
}

/// A frame that holds an image file; its codec is left for the receiver to find out.
#[must_use]
pub fn encoded(file: impl AsRef<[u8]>) -> v1::Frame {
    let file = v1::EncodedImage { codec: 0, data: Bytes::copy_from_slice(file.as_ref()) };
    v1::Frame { payload: Some(v1::frame::Payload::Encoded(file)), ..v1::Frame::default() }
}

/// An RGB image as a PNG file.
///
/// # Errors
/// If the encoder refuses the size, such as zero.
pub fn png(width: u32, height: u32) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels(width, height, 3))?;
    writer.finish()?;
    Ok(file)
}

/// A step of a pipeline: a filter with these parameters, and its defaults for the others.
#[must_use]
pub fn step(filter: &str, parameters: &[(&str, &str)]) -> v1::Step {
    let pairs = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let step = v1::FilterStep { id: filter.into(), parameters: pairs.collect() };
    v1::Step { kind: Some(v1::step::Kind::Filter(step)) }
}

/// A request to process a frame in these steps, with the defaults for everything else.
#[must_use]
pub fn request(frame: v1::Frame, steps: Vec<v1::Step>) -> v1::ProcessRequest {
    let pipeline = v1::Pipeline { steps, ..v1::Pipeline::default() };
    v1::ProcessRequest { frame: Some(frame), pipeline: Some(pipeline) }
}

/// A diagonal gradient that differs between the channels, row by row without padding.
fn pixels(width: u32, height: u32, channels: u32) -> Vec<u8> {
    let row = |y| (0..width * channels).map(move |x| x.wrapping_mul(3).wrapping_add(y * 5));
    #[allow(clippy::cast_possible_truncation, reason = "the gradient starts over at 256")]
    (0..height).flat_map(row).map(|value| value as u8).collect()
}

#[cfg(test)]
mod tests {
    use ocelli_messages::sniff_codec;

    use super::*;

    #[test]
    fn every_frame_holds_the_bytes_that_its_size_needs() {
        for (frame, bytes) in [(grey(7, 5), 35), (rgb(7, 5), 105)] {
            let Some(v1::frame::Payload::Raw(raw)) = frame.payload else { panic!("not raw") };
            assert_eq!((raw.width, raw.height, raw.data.len()), (7, 5, bytes));
        }
    }

    #[test]
    fn files_are_of_the_codec_that_their_name_says() {
        assert_eq!(sniff_codec(&png(7, 5).unwrap()), Some(v1::ImageCodec::Png));
    }
}
