//! Against sorting.

use proptest::prelude::*;

use super::Median;
use super::network::median_of_sorted_columns;
use crate::blur::reference::{each_sample, sample};
use crate::border::Border;
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Cpu, Image, Pool};

fn reference(radius: i64, input: &Image) -> Vec<u8> {
    each_sample(input, |x, y, channel| {
        let mut samples = Vec::new();
        for y in y - radius..=y + radius {
            for x in x - radius..=x + radius {
                samples.push(sample(input, x, y, channel, Border::Replicate));
            }
        }
        samples.sort_unstable();
        samples[samples.len() / 2]
    })
}

fn same(radius: usize, image: &Image) -> Result<(), TestCaseError> {
    let pool = Pool::new(1 << 20);
    let expected = reference(radius as i64, image);
    for level in Level::all() {
        let cpu = Cpu::new(pool.clone()).with_level(level);
        let result = run(&Median { radius }, &cpu, image);
        prop_assert_eq!(packed(&result), &expected[..], "{} {}", radius, level.name());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_level_gives_the_median(image in any_image(40), radius in 1..6_usize) {
        same(radius, &image)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn large_squares_too(image in any_image(20), radius in 6..128_usize) {
        same(radius, &image)?;
    }
}

fn wide(width: usize, height: usize) -> Image {
    let samples: Vec<u8> = (0..width * height).map(|at| (at * at / 7 % 251) as u8).collect();
    let size = crate::Size::new(width as u32, height as u32).unwrap();
    Image::new(size, crate::PixelFormat::Gray8, width, samples.into()).unwrap()
}

#[test]
fn stripes_fit_together() {
    same(3, &wide(1100, 3)).unwrap();
}

#[test]
fn blocks_fit_together() {
    for width in [1535, 1536, 1537, 1538, 1539, 3073] {
        same(1, &wide(width, 2)).unwrap();
        same(2, &wide(width, 2)).unwrap();
    }
}

/// A network that is right for all zeros and ones is right for all samples.
#[test]
fn the_network_is_right_for_all_sorted_columns() {
    for ones in 0..6_usize.pow(5) {
        let ones: [usize; 5] = std::array::from_fn(|column| ones / 6_usize.pow(column as u32) % 6);
        let rows = std::array::from_fn(|row| {
            std::array::from_fn(|column| u8::from(row + ones[column] >= 5))
        });
        let median = u8::from(ones.iter().sum::<usize>() >= 13);
        assert_eq!(median_of_sorted_columns(rows), median, "{ones:?}");
    }
}
