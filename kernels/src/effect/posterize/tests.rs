//! Against the definition, in exact fractions.

use super::nearest;

#[test]
fn each_value_becomes_the_nearest_level() {
    for levels in 2..=256_u32 {
        let of = |index: u32| f64::from(index) * 255.0 / f64::from(levels - 1);
        for value in 0..=255_u8 {
            let is = f64::from(nearest(value, levels));
            let best = (0..levels).map(|index| (of(index) - f64::from(value)).abs());
            let best = best.fold(f64::INFINITY, f64::min);
            // The level itself is rounded to a whole number.
            assert!((is - f64::from(value)).abs() <= best + 0.5, "{value} of {levels}: {is}");
        }
    }
}

#[test]
fn there_are_so_many_levels_with_black_and_white() {
    for levels in 2..=256_u32 {
        let mut all: Vec<u8> = (0..=255).map(|value| nearest(value, levels)).collect();
        assert!(all.is_sorted());
        all.dedup();
        assert_eq!(all.len(), levels as usize);
        assert_eq!((all.first(), all.last()), (Some(&0), Some(&255)));
    }
}

#[test]
fn two_levels_are_a_threshold_in_the_middle_and_256_change_nothing() {
    for value in 0..=255 {
        assert_eq!(nearest(value, 2), if value < 128 { 0 } else { 255 });
        assert_eq!(nearest(value, 256), value);
    }
}
