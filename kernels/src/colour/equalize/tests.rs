//! Against the definition.

use proptest::prelude::*;

use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, filled, packed, run};
use crate::{PixelFormat, Pool};

/// Of samples, as OpenCV's documentation has it: the cumulative histogram, stretched.
fn reference(samples: &[u8]) -> Vec<u8> {
    let count = |level: u8| samples.iter().filter(|sample| **sample <= level).count();
    let darkest = count(*samples.iter().min().unwrap());
    if darkest == samples.len() {
        return samples.to_vec();
    }
    let scale = 255.0 / (samples.len() - darkest) as f32;
    let stretch = |level: u8| ((count(level) - darkest) as f32 * scale).round_ties_even() as u8;
    samples.iter().map(|sample| stretch(*sample)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_level_gives_the_exact_result(image in any_image(60)) {
        let cpu = Cpu::new(Pool::new(1 << 20));
        let mut results = Level::all().into_iter().map(|level| {
            run(&super::Equalize, &cpu.clone().with_level(level), &image)
        });
        let first = results.next().unwrap();
        prop_assert!(results.all(|other| other == first));
        if image.format() == PixelFormat::Gray8 {
            let samples: Vec<u8> = image.rows().flatten().copied().collect();
            prop_assert_eq!(packed(&first), &reference(&samples)[..]);
        }
    }
}

#[test]
fn a_flat_image_and_alpha_stay() {
    let cpu = Cpu::new(Pool::new(1 << 20));
    for format in PixelFormat::INTERLEAVED {
        let flat = filled(format, 7, 5, 93);
        assert_eq!(run(&super::Equalize, &cpu, &flat), flat, "{format:?}");
    }
}
