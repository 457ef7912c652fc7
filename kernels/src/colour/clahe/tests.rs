//! Against a plain version of the algorithm.

use proptest::prelude::*;

use super::{Clahe, Tiles};
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Image, PixelFormat, Pool};

/// What level a pixel of a grey image becomes, straight from the definition.
fn reference(image: &Image, clahe: &Clahe, x: usize, y: usize) -> u8 {
    let tiles = Tiles::new(image.size(), clahe.tiles, clahe.clip_limit);
    let mirrored = |at: usize, len: usize| {
        let period = (2 * len - 2).max(1);
        let rest = at % period;
        rest.min(period - rest).min(len - 1)
    };
    let lut = |column: usize, row: usize, level: u8| {
        let mut counts = [0_u32; 256];
        for down in 0..tiles.height {
            for across in 0..tiles.width {
                let x = mirrored(column * tiles.width + across, image.size().width());
                let y = mirrored(row * tiles.height + down, image.size().height());
                counts[usize::from(image.row(y)[x])] += 1;
            }
        }
        if tiles.limit > 0 {
            let beyond: u32 = counts.iter().map(|count| count.saturating_sub(tiles.limit)).sum();
            counts.iter_mut().for_each(|count| *count = (*count).min(tiles.limit) + beyond / 256);
            let (mut rest, mut at) = (beyond % 256, 0);
            let step = (256 / rest.max(1)).max(1) as usize;
            while at < 256 && rest > 0 {
                counts[at] += 1;
                (rest, at) = (rest - 1, at + step);
            }
        }
        let sum: u32 = counts[..=usize::from(level)].iter().sum();
        (sum as f32 * (255.0 / (tiles.width * tiles.height) as f32)).round_ties_even()
    };
    let between = |at: usize, tile: usize, tiles: usize| {
        let place = at as f32 * (1.0 / tile as f32) - 0.5;
        let first = place.floor();
        let inside = |tile: f32| tile.clamp(0.0, tiles as f32 - 1.0) as usize;
        (inside(first), inside(first + 1.0), place - first)
    };
    let level = image.row(y)[x];
    let (left, right, h) = between(x, tiles.width, tiles.across);
    let (upper, lower, v) = between(y, tiles.height, tiles.down);
    let row = |row: usize| lut(left, row, level) * (1.0 - h) + lut(right, row, level) * h;
    (row(upper) * (1.0 - v) + row(lower) * v).round_ties_even() as u8
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_level_gives_the_exact_result(
        image in any_image(24),
        clip_limit in prop_oneof![Just(0.0), 0.5..60.0_f64],
        tiles in (1..5_usize, 1..5_usize),
    ) {
        let clahe = Clahe { clip_limit, tiles };
        let cpu = Cpu::new(Pool::new(1 << 20));
        let mut results =
            Level::all().into_iter().map(|level| run(&clahe, &cpu.clone().with_level(level), &image));
        let first = results.next().unwrap();
        prop_assert!(results.all(|other| other == first));
        if image.format() == PixelFormat::Gray8 {
            for (at, sample) in packed(&first).iter().enumerate() {
                let (x, y) = (at % image.size().width(), at / image.size().width());
                prop_assert_eq!(*sample, reference(&image, &clahe, x, y), "{} {}", x, y);
            }
        }
    }
}
