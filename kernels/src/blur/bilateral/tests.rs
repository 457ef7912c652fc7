//! Against the definition, in double precision.

use proptest::prelude::*;

use super::Bilateral;
use super::weight::Weights;
use crate::blur::reference::{any_border, sample};
use crate::border::Border;
use crate::simd::Level;
use crate::test_images::{any_image, filled, packed, run};
use crate::{Cpu, Image, PixelFormat, Pool};

fn reference(radius: i64, sigmas: [f64; 2], border: Border, input: &Image) -> Vec<f64> {
    let channels = input.format().channels();
    let colours = channels.min(3);
    let mut result = Vec::new();
    for y in 0..input.size().height() as i64 {
        for x in 0..input.size().width() as i64 {
            let pixel = |x, y| -> Vec<f64> {
                (0..colours).map(|c| f64::from(sample(input, x, y, c, border))).collect()
            };
            let here = pixel(x, y);
            let mut sums = vec![0.0; colours + 1];
            for down in -radius..=radius {
                for across in -radius..=radius {
                    let squared = (across * across + down * down) as f64;
                    if squared > (radius * radius) as f64 {
                        continue;
                    }
                    let near = pixel(x + across, y + down);
                    let colour: f64 = here.iter().zip(&near).map(|(a, b)| (a - b).abs()).sum();
                    let of = |squared: f64, sigma: f64| (-squared / (2.0 * sigma * sigma)).exp();
                    let weight = of(squared, sigmas[1]) * of(colour * colour, sigmas[0]);
                    near.iter().zip(&mut sums).for_each(|(near, sum)| *sum += weight * near);
                    sums[colours] += weight;
                }
            }
            result.extend(sums[..colours].iter().map(|sum| sum / sums[colours]));
            if channels == 4 {
                result.push(f64::from(sample(input, x, y, 3, border)));
            }
        }
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_level_gives_the_same_and_it_is_right(
        image in any_image(30),
        (radius, color, space) in (1..6_usize, 0.1..200.0_f64, 0.1..20.0_f64),
        border in any_border(),
    ) {
        let pool = Pool::new(1 << 20);
        let filter = Bilateral::new(radius, border, Weights::new(radius, color, space));
        let plain = run(&filter, &Cpu::new(pool.clone()).with_level(Level::all()[0]), &image);
        let expected = reference(radius as i64, [color, space], border, &image);
        for (is, must) in packed(&plain).iter().zip(&expected) {
            prop_assert!((f64::from(*is) - must).abs() < 0.8, "{is} {must}");
        }
        for level in Level::all() {
            let result = run(&filter, &Cpu::new(pool.clone()).with_level(level), &image);
            prop_assert_eq!(packed(&result), packed(&plain), "{}", level.name());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Of rows that vectors do at once, and discs small and large.
    #[test]
    fn every_level_gives_the_same_for_wide_images(
        image in any_image(200),
        (radius, color, space) in (1..9_usize, 0.1..200.0_f64, 0.1..20.0_f64),
        border in any_border(),
    ) {
        let pool = Pool::new(1 << 20);
        let filter = Bilateral::new(radius, border, Weights::new(radius, color, space));
        let plain = run(&filter, &Cpu::new(pool.clone()).with_level(Level::all()[0]), &image);
        for level in Level::all() {
            let result = run(&filter, &Cpu::new(pool.clone()).with_level(level), &image);
            prop_assert_eq!(packed(&result), packed(&plain), "{}", level.name());
        }
    }
}

#[test]
fn edges_and_flat_images_stay() {
    let pool = Pool::new(1 << 20);
    let filter = Bilateral::new(4, Border::Constant, Weights::new(4, 10.0, 5.0));
    for sample in [0, 200, 255] {
        let image = filled(PixelFormat::Rgba8, 300, 5, sample);
        assert_eq!(run(&filter, &Cpu::new(pool.clone()), &image), image);
    }
}
