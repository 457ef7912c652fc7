//! Against the definition of a Gaussian blur, written down as plainly as can be.

use proptest::prelude::*;

use super::Blur;
use super::weights::Kernel;
use crate::blur::reference::{any_border, each_sample, sample};
use crate::border::Border;
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Cpu, Image, Pool};

/// One sample at a time, in 64 bits.
fn reference(kernel: &Kernel, border: Border, input: &Image) -> Vec<u8> {
    let radius = kernel.radius() as i64;
    let weight = |tap: i64| u64::from(kernel.weights()[(tap + radius) as usize]);
    each_sample(input, |x, y, channel| {
        let mut sum = 0;
        for down in -radius..=radius {
            for across in -radius..=radius {
                let product = weight(down) * weight(across);
                sum += product * u64::from(sample(input, x + across, y + down, channel, border));
            }
        }
        ((sum + 32768) / 65536) as u8
    })
}

fn any_kernel() -> impl Strategy<Value = Kernel> {
    let sigma = prop_oneof![Just(0.0), 0.3..3.0_f64, 3.0..100.0_f64];
    (0..16_usize, sigma).prop_map(|(radius, sigma)| Kernel::gaussian(2 * radius + 1, sigma))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_level_and_both_ways_give_the_exact_result(
        image in any_image(40),
        kernel in any_kernel(),
        border in any_border(),
    ) {
        // A weight of a whole 256 does not fit the vector code; it never gets one.
        prop_assume!(!kernel.is_identity());
        let pool = Pool::new(1 << 20);
        let expected = reference(&kernel, border, &image);
        for level in Level::all() {
            let cpu = Cpu::new(pool.clone()).with_level(level);
            for separable in [true, false] {
                let result = run(&Blur { kernel, border, separable }, &cpu, &image);
                prop_assert_eq!(packed(&result), &expected[..], "{} {}", separable, level.name());
            }
        }
    }
}

#[test]
fn the_widest_sums_do_not_overflow() {
    let pool = Pool::new(1 << 20);
    let image = crate::test_images::filled(crate::PixelFormat::Rgba8, 70, 9, 255);
    for taps in (3..=31).step_by(2) {
        for sigma in [0.0, 0.5, 1.0, 100.0] {
            let kernel = Kernel::gaussian(taps, sigma);
            for level in Level::all() {
                let cpu = Cpu::new(pool.clone()).with_level(level);
                let blur = Blur { kernel, border: Border::Reflect, separable: true };
                assert_eq!(run(&blur, &cpu, &image), image, "{taps} {sigma} {}", level.name());
            }
        }
    }
}

#[test]
fn memory_is_taken_from_the_pool_and_goes_back() {
    let pool = Pool::new(1 << 20);
    let image = crate::test_images::filled(crate::PixelFormat::Rgb8, 64, 64, 9);
    let kernel = Kernel::gaussian(5, 1.0);
    let run = |separable: bool| {
        let blur = Blur { kernel, border: Border::Wrap, separable };
        drop(run(&blur, &Cpu::new(pool.clone()), &image));
        pool.free_bytes()
    };
    for separable in [true, false] {
        let after_the_first = run(separable);
        assert!(after_the_first > 64 * 64 * 3);
        assert_eq!((0..10).map(|_| run(separable)).max(), Some(after_the_first));
    }
}
