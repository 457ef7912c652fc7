//! Against the mean of each block, counted pixel by pixel.

use proptest::prelude::*;

use super::Pixelate;
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Image, Pool};

fn reference(image: &Image, side: usize) -> Vec<u8> {
    let (width, height) = (image.size().width(), image.size().height());
    let channels = image.format().channels();
    let mut result = Vec::new();
    for y in 0..height {
        for at in 0..width * channels {
            let (x, channel) = (at / channels, at % channels);
            let (left, top) = (x / side * side, y / side * side);
            let (right, bottom) = ((left + side).min(width), (top + side).min(height));
            let area = (right - left) * (bottom - top);
            let sum: usize = (top..bottom)
                .flat_map(|y| (left..right).map(move |x| (x, y)))
                .map(|(x, y)| usize::from(image.row(y)[x * channels + channel]))
                .sum();
            result.push(((2 * sum + area) / (2 * area)) as u8);
        }
    }
    result
}

proptest! {
    #[test]
    fn blocks_are_means_on_every_level(image in any_image(70), side in 2..40_usize) {
        let expected = reference(&image, side);
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let result = run(&Pixelate { side }, &cpu, &image);
            prop_assert_eq!(packed(&result), &expected[..], "{} {}", side, level.name());
        }
    }
}
