//! Against a sum over nine neighbours with the published kernels.

use proptest::prelude::*;

use super::{Border, DIRECTIONS, Emboss, offsets};
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, filled, packed, run};
use crate::{Image, PixelFormat, Pool};

const KERNELS: [[i32; 9]; 8] = [
    [-1, -2, -1, 0, 0, 0, 1, 2, 1],
    [0, -1, -2, 1, 0, -1, 2, 1, 0],
    [1, 0, -1, 2, 0, -2, 1, 0, -1],
    [2, 1, 0, 1, 0, -1, 0, -1, -2],
    [1, 2, 1, 0, 0, 0, -1, -2, -1],
    [0, 1, 2, -1, 0, 1, -2, -1, 0],
    [-1, 0, 1, -2, 0, 2, -1, 0, 1],
    [-2, -1, 0, -1, 0, 1, 0, 1, 2],
];

const BORDERS: [Border; 5] =
    [Border::Replicate, Border::Reflect, Border::Reflect101, Border::Wrap, Border::Constant];

fn reference(image: &Image, kernel: [i32; 9], strength: i32, border: Border) -> Vec<u8> {
    let (width, height) = (image.size().width(), image.size().height());
    let channels = image.format().channels();
    let sample = |x: isize, y: isize, channel: usize| {
        let (x, y) = (border.index(x, width), border.index(y, height));
        x.zip(y).map_or(0, |(x, y)| i32::from(image.row(y)[x * channels + channel]))
    };
    let mut result = Vec::new();
    for y in 0..height as isize {
        for x in 0..width as isize {
            for channel in 0..channels {
                if channel == 3 {
                    result.push(sample(x, y, 3) as u8);
                    continue;
                }
                let taps = (0..9).map(|at| {
                    kernel[at as usize] * sample(x + at % 3 - 1, y + at / 3 - 1, channel)
                });
                result.push((128 + strength * taps.sum::<i32>()).clamp(0, 255) as u8);
            }
        }
    }
    result
}

proptest! {
    #[test]
    fn it_is_the_kernel_on_every_level(
        image in any_image(70),
        direction in 0..8_usize,
        strength in 1..=10_i16,
        border in proptest::sample::select(BORDERS.to_vec()),
    ) {
        let emboss = Emboss { offsets: offsets(DIRECTIONS[direction]), strength, border };
        let expected = reference(&image, KERNELS[direction], i32::from(strength), border);
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let result = run(&emboss, &cpu, &image);
            prop_assert_eq!(packed(&result), &expected[..], "{} {:?}", level.name(), emboss);
        }
    }
}

#[test]
fn a_flat_image_is_medium_grey() {
    let emboss = Emboss { offsets: offsets("left"), strength: 3, border: Border::Reflect };
    let result = run(&emboss, &Cpu::new(Pool::new(0)), &filled(PixelFormat::Gray8, 9, 9, 17));
    assert_eq!(packed(&result), [128; 81]);
}
