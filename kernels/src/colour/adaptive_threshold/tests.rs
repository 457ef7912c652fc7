//! Against plain averages.

use proptest::prelude::*;

use super::{AdaptiveThreshold, Rule, gaussian};
use crate::border::Border;
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Image, PixelFormat, Pool};

/// The average around a pixel, of weights that sum up to 1.
fn average(image: &Image, x: usize, y: usize, weights: &[f64]) -> f64 {
    let radius = weights.len() as isize - 1;
    let (width, height) = (image.size().width(), image.size().height());
    let inside = |at: isize, len: usize| Border::Replicate.index(at, len).unwrap();
    let mut sum = 0.0;
    for down in -radius..=radius {
        let row = image.row(inside(y as isize + down, height));
        for across in -radius..=radius {
            let sample = f64::from(row[inside(x as isize + across, width)]);
            sum += sample * weights[down.unsigned_abs()] * weights[across.unsigned_abs()];
        }
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn every_level_gives_the_exact_result(
        image in any_image(40),
        radius in 1..9_usize,
        offset in -20..20_i32,
        gaussian in any::<bool>(),
    ) {
        let size = 2 * radius + 1;
        let operation = AdaptiveThreshold {
            size,
            rule: Rule { offset, above: 200, below: 3 },
            weights: gaussian.then(|| gaussian::weights(size)),
        };
        if image.format() != PixelFormat::Gray8 {
            return Ok(());
        }
        let weights: Vec<f64> = match &operation.weights {
            Some(weights) => weights.iter().copied().map(f64::from).collect(),
            None => vec![1.0 / size as f64; radius + 1],
        };
        let pool = Pool::new(1 << 20);
        for level in Level::all() {
            let result = run(&operation, &Cpu::new(pool.clone()).with_level(level), &image);
            for (at, sample) in packed(&result).iter().enumerate() {
                let (x, y) = (at % image.size().width(), at / image.size().width());
                let mean = average(&image, x, y, &weights);
                // In floats, one near a half may be rounded either way.
                if (mean.fract() - 0.5).abs() < 1e-3 && gaussian {
                    continue;
                }
                let above = f64::from(image.row(y)[x]) > mean.round() - f64::from(offset);
                prop_assert_eq!(*sample, if above { 200 } else { 3 }, "{} {}", x, y);
            }
        }
    }
}

#[test]
fn weights_sum_up_to_one() {
    for size in (3..=101).step_by(2) {
        let weights = gaussian::weights(size);
        let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
        assert_eq!(weights.len(), size / 2 + 1);
        assert!((sum - 1.0).abs() < 1e-6, "{size}: {sum}");
    }
}
