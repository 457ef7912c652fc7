//! Against sums written down as plainly as can be.

use proptest::prelude::*;

use super::cpu::{Division, mean};
use super::{BoxBlur, Rectangle};
use crate::blur::reference::{any_border, each_sample, sample};
use crate::simd::Level;
use crate::test_images::{any_image, filled, run};
use crate::{Cpu, Image, PixelFormat, Pool};

fn reference(rectangle: Rectangle, input: &Image) -> Vec<u8> {
    let (beside, above) = (rectangle.across as i64 / 2, rectangle.down as i64 / 2);
    each_sample(input, |x, y, channel| {
        let mut sum = 0_u32;
        for down in -above..=above {
            for across in -beside..=beside {
                let at = sample(input, x + across, y + down, channel, rectangle.border);
                sum += u32::from(at);
            }
        }
        let inverse = (1.0 / f64::from((rectangle.across * rectangle.down) as u32)) as f32;
        (sum as f32 * inverse).round_ties_even() as u8
    })
}

fn any_rectangle() -> impl Strategy<Value = Rectangle> {
    let side = || prop_oneof![3 => 0..10_usize, 1 => 10..60_usize].prop_map(|half| 2 * half + 1);
    (side(), side(), any_border()).prop_map(|(across, down, border)| Rectangle {
        across,
        down,
        border,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_level_gives_the_mean(image in any_image(40), rectangle in any_rectangle()) {
        let pool = Pool::new(1 << 20);
        let expected = reference(rectangle, &image);
        for level in Level::all() {
            let cpu = Cpu::new(pool.clone()).with_level(level);
            let result = run(&BoxBlur(rectangle), &cpu, &image);
            // A box of one pixel gives the image itself, with its padding.
            let samples = result.rows().collect::<Vec<_>>().concat();
            prop_assert_eq!(&samples, &expected, "{}", level.name());
        }
    }
}

#[test]
fn small_sums_are_divided_exactly() {
    for side in (3..=15).step_by(2) {
        assert!(Division::by(side).is_some() && Division::by(side * side).is_some(), "{side}");
    }
    for divisor in (3..=255_usize).step_by(2) {
        let Some(division) = Division::by(divisor) else { continue };
        let inverse = (1.0 / divisor as f64) as f32;
        for sum in 0..=(255 * divisor) as u32 {
            let exact = (2 * sum + divisor as u32) / (2 * divisor as u32);
            assert_eq!(u32::from(division.of(sum as u16)), exact, "{sum}/{divisor}");
            assert_eq!(u32::from(mean(sum, inverse)), exact, "{sum}/{divisor}");
        }
    }
}

#[test]
fn a_flat_image_stays_flat() {
    let pool = Pool::new(1 << 20);
    for sample in [255, 1] {
        let image = filled(PixelFormat::Rgb8, 70, 9, sample);
        for side in [3, 15, 17, 255] {
            for level in Level::all() {
                let border = crate::border::Border::Reflect101;
                let square = BoxBlur(Rectangle { across: side, down: side, border });
                let cpu = Cpu::new(pool.clone()).with_level(level);
                assert_eq!(run(&square, &cpu, &image), image, "{side} {}", level.name());
            }
        }
    }
}
