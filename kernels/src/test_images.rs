//! Images for tests.

use bytes::Bytes;
use proptest::prelude::*;

use crate::{Image, PixelFormat, Size};

/// Random pixels of any layout, up to that many pixels a side, with or without padding.
pub(crate) fn any_image(side: u32) -> impl Strategy<Value = Image> {
    let format = proptest::sample::select(PixelFormat::ALL.to_vec());
    // One pixel wide or high is what goes wrong most easily.
    let length = || prop_oneof![1 => Just(1_u32), 6 => 1..=side];
    let padding = prop_oneof![Just(0_usize), 1..9_usize];
    let shape = (format, length(), length(), padding, any::<u32>());
    shape.prop_map(|(format, width, height, padding, mut state)| {
        let size = Size::new(width, height).unwrap();
        let stride = size.width() * format.channels() + padding;
        // Not a strategy for each sample: those take longer than what is tested.
        let noise = (0..stride * size.height()).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 16 & 7 {
                0 => 0,
                1 => 255,
                _ => (state >> 24) as u8,
            }
        });
        Image::new(size, format, stride, Bytes::from_iter(noise)).unwrap()
    })
}

/// All samples the same.
pub(crate) fn filled(format: PixelFormat, width: u32, height: u32, sample: u8) -> Image {
    let size = Size::new(width, height).unwrap();
    let row = size.width() * format.channels();
    Image::new(size, format, row, Bytes::from(vec![sample; row * size.height()])).unwrap()
}

/// The bytes of an image without padding.
pub(crate) fn packed(image: &Image) -> &[u8] {
    assert!(image.is_packed(), "results have no padding");
    image.data()
}
