//! Against sums written down as plainly as can be.

use proptest::prelude::*;

use super::MotionBlur;
use super::kernel::line;
use crate::blur::reference::{any_border, each_sample, sample};
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Cpu, Pool};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_level_gives_the_weighted_sum(
        image in any_image(40),
        (half, angle, border) in (1..20_usize, -360.0..360.0_f64, any_border()),
    ) {
        prop_assume!(angle % 90.0 != 0.0);
        let pool = Pool::new(1 << 20);
        let taps = line(2 * half + 1, angle);
        let expected = each_sample(&image, |x, y, channel| {
            let sum: i32 = taps.iter().map(|tap| {
                let (x, y) = (x + i64::from(tap.across), y + i64::from(tap.down));
                i32::from(sample(&image, x, y, channel, border)) * i32::from(tap.weight)
            }).sum();
            ((sum + (1 << 14)) >> 15) as u8
        });
        for level in Level::all() {
            let cpu = Cpu::new(pool.clone()).with_level(level);
            let result = run(&MotionBlur::new(2 * half + 1, angle, border), &cpu, &image);
            prop_assert_eq!(packed(&result), &expected[..], "{}", level.name());
        }
    }
}

#[test]
fn weights_sum_up_to_one_and_lie_on_the_line() {
    for length in (3..=101_usize).step_by(14) {
        for angle in (1..360).filter(|angle| angle % 90 != 0) {
            let taps = line(length, f64::from(angle));
            let sum: i32 = taps.iter().map(|tap| i32::from(tap.weight)).sum();
            assert_eq!(sum, 1 << 15, "{length} {angle}");
            let (sine, cosine) = f64::from(angle).to_radians().sin_cos();
            for tap in taps {
                let beside = f64::from(tap.across) * sine + f64::from(tap.down) * cosine;
                assert!(beside.abs() < 1.5, "{length} {angle} {tap:?}");
            }
        }
    }
}

#[test]
fn the_same_line_has_many_angles() {
    let close = |a: f64, b: f64| {
        let (a, b) = (line(15, a), line(15, b));
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert_eq!((a.across, a.down), (b.across, b.down));
            assert!((a.weight - b.weight).abs() <= 1, "{a:?} {b:?}");
        }
    };
    close(30.0, 210.0);
    close(30.0, -150.0);
    // Against the clock: up on the right side.
    assert!(line(15, 30.0).iter().all(|tap| i32::from(tap.across) * i32::from(tap.down) <= 4));
    assert!(line(15, 30.0).iter().any(|tap| tap.across == 6 && tap.down < 0));
}
