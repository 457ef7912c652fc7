//! Against the definition in fractions.

use proptest::prelude::*;

use super::WhiteBalance;
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, filled, packed, run};
use crate::{Image, PixelFormat, Pool};

fn reference(strength: u16, image: &Image) -> Vec<u8> {
    let channels = image.format().channels();
    let pixels = || image.rows().flat_map(|row| row.chunks_exact(channels));
    let sums = [0, 1, 2].map(|at| pixels().map(|pixel| u128::from(pixel[at])).sum::<u128>());
    let total: u128 = sums.iter().sum();
    let (part, rest) = (u128::from(strength), 256 - u128::from(strength));
    let balanced = |at: usize, sample: u8| match sums.get(at) {
        None | Some(0) => sample,
        Some(sum) => {
            let (above, below) = (rest * 3 * sum + part * total, 256 * 3 * sum);
            let rounded = (2 * u128::from(sample) * above + below) / (2 * below);
            rounded.min(255) as u8
        }
    };
    pixels()
        .flat_map(|pixel| pixel.iter().enumerate())
        .map(|(at, sample)| balanced(at, *sample))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_level_gives_the_exact_result(image in any_image(150), strength in 1..=256_u16) {
        prop_assume!(image.format() != PixelFormat::Gray8);
        let expected = reference(strength, &image);
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let result = run(&WhiteBalance { strength }, &cpu, &image);
            prop_assert_eq!(packed(&result), &expected[..], "{}", level.name());
        }
    }
}

#[test]
fn long_bright_rows_do_not_overflow() {
    let image = filled(PixelFormat::Rgba8, 40_000, 70, 255);
    let cpu = Cpu::new(Pool::new(1 << 20));
    assert_eq!(run(&WhiteBalance { strength: 256 }, &cpu, &image), image);
}
