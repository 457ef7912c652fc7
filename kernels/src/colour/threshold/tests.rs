//! Against the definition.

use proptest::prelude::*;

use super::{Fixed, Mode, Otsu, otsu};
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{PixelFormat, Pool, Table};

fn reference(mode: &str, sample: u8, threshold: u8, max_value: u8) -> u8 {
    let above = sample > threshold;
    match mode {
        "binary" => [0, max_value][usize::from(above)],
        "binary_inverse" => [max_value, 0][usize::from(above)],
        "truncate" => sample.min(threshold),
        "to_zero" => sample * u8::from(above),
        _ => sample * u8::from(!above),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_mode_on_every_level(
        image in any_image(50),
        name in proptest::sample::select(Mode::NAMES.to_vec()),
        (threshold, max_value) in any::<(u8, u8)>(),
    ) {
        let mode = Mode::of(name);
        let table = Table::new(|sample| mode.apply(sample, threshold, max_value));
        let channels = image.format().channels();
        let expected: Vec<u8> = image
            .rows()
            .flat_map(|row| row.iter().enumerate())
            .map(|(at, sample)| match at % channels {
                3 => *sample,
                _ => reference(name, *sample, threshold, max_value),
            })
            .collect();
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let result = run(&Fixed { table: table.clone() }, &cpu, &image);
            // One that changes nothing keeps the padding.
            let result = result.to_packed(cpu.pool());
            prop_assert_eq!(packed(&result), &expected[..], "{} {}", name, level.name());
        }
    }

    /// The variance within both parts, weighted, is least where that between them is greatest.
    #[test]
    fn otsu_parts_best(image in any_image(40)) {
        prop_assume!(image.format() == PixelFormat::Gray8);
        let samples: Vec<u8> = image.rows().flatten().copied().collect();
        let mut counts = [0; 256];
        samples.iter().for_each(|sample| counts[usize::from(*sample)] += 1);
        let threshold = otsu::threshold(&counts);
        let within = |threshold: u8| {
            let (low, high): (Vec<u8>, Vec<u8>) = samples.iter().partition(|s| **s <= threshold);
            let spread = |part: &[u8]| {
                let sum: f64 = part.iter().copied().map(f64::from).sum();
                let mean = sum / part.len().max(1) as f64;
                part.iter().map(|sample| (f64::from(*sample) - mean).powi(2)).sum::<f64>()
            };
            spread(&low) + spread(&high)
        };
        let least = (0..=255).map(within).fold(f64::INFINITY, f64::min);
        prop_assert!(within(threshold) <= least * (1.0 + 1e-9) + 1e-6);
        let expected: Vec<u8> =
            samples.iter().map(|sample| reference("to_zero", *sample, threshold, 0)).collect();
        let otsu = Otsu { mode: Mode::ToZero, max_value: 0 };
        let result = run(&otsu, &Cpu::new(Pool::new(1 << 20)), &image);
        prop_assert_eq!(packed(&result), &expected[..]);
    }
}
