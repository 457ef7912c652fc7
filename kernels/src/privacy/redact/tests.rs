//! Against a plain definition: of each pixel, what it becomes, and whether it is in a region.

use proptest::prelude::*;

use super::{Mode, Redact, region};
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, filled, packed, run};
use crate::{CpuWork, Image, Operation as _, PixelFormat, Pool};

fn redact(mode: Mode, side: usize, regions: &[f64]) -> Redact {
    let color = [10, 200, 30, 40];
    Redact { mode, regions: region::parse(regions).unwrap(), side, color }
}

/// The mean of the block of that number.
fn mean(image: &Image, side: usize, (across, down): (usize, usize), channel: usize) -> u64 {
    let (width, height) = (image.size().width(), image.size().height());
    let channels = image.format().channels();
    let (mut sum, mut area) = (0, 0);
    for y in down * side..((down + 1) * side).min(height) {
        for x in across * side..((across + 1) * side).min(width) {
            sum += u64::from(image.row(y)[x * channels + channel]);
            area += 1;
        }
    }
    (2 * sum + area) / (2 * area)
}

/// Two neighbouring centres of blocks, and the weight of the second in 2048ths.
fn centres(at: usize, side: usize, length: usize) -> (usize, usize, u64) {
    let last = length.div_ceil(side) as f64 - 1.0;
    let position = (at as f64 + 0.5) / side as f64 - 0.5;
    let before = position.floor();
    let weight = ((position - before) * 2048.0 + 0.5).floor() as u64;
    (before.clamp(0.0, last) as usize, (before + 1.0).clamp(0.0, last) as usize, weight)
}

fn expected(redact: &Redact, image: &Image, regions: &[f64]) -> Vec<u8> {
    let (width, height) = (image.size().width(), image.size().height());
    let channels = image.format().channels();
    let side = redact.side;
    let mut result = Vec::new();
    for y in 0..height {
        for at in 0..width * channels {
            let (x, channel) = (at / channels, at % channels);
            let hidden = regions.chunks(4).any(|region| {
                let touches = |at: usize, from: f64, length: f64| {
                    length > 0.0 && (at as f64) < from + length && (at + 1) as f64 > from
                };
                touches(x, region[0], region[2]) && touches(y, region[1], region[3])
            });
            result.push(match redact.mode {
                _ if !hidden => image.row(y)[at],
                // The luma of the colour in grey: 0.299, 0.587, 0.114.
                Mode::Fill if channels == 1 => 124,
                Mode::Fill => redact.color[channel],
                Mode::Pixelate => mean(image, side, (x / side, y / side), channel) as u8,
                Mode::Blur => {
                    let (left, right, wx) = centres(x, side, width);
                    let (top, bottom, wy) = centres(y, side, height);
                    let row = |row: usize| {
                        mean(image, side, (left, row), channel) * (2048 - wx)
                            + mean(image, side, (right, row), channel) * wx
                    };
                    let sum = row(top) * (2048 - wy) + row(bottom) * wy;
                    ((sum + (1 << 21)) >> 22) as u8
                }
            });
        }
    }
    result
}

proptest! {
    #[test]
    fn regions_are_hidden_and_nothing_else_changes(
        image in any_image(60),
        mode in proptest::sample::select(vec![Mode::Blur, Mode::Pixelate, Mode::Fill]),
        side in 2..24_usize,
        regions in proptest::collection::vec(
            (-20.0..70.0_f64, -20.0..70.0_f64, 0.0..40.0_f64, 0.0..40.0_f64), 0..4),
    ) {
        let regions: Vec<f64> =
            regions.into_iter().flat_map(|(x, y, width, height)| [x, y, width, height]).collect();
        let redact = redact(mode, side, &regions);
        let expected = expected(&redact, &image, &regions);
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let result = run(&redact, &cpu, &image).to_packed(&Pool::new(0));
            prop_assert_eq!(packed(&result), &expected[..], "{} {:?}", level.name(), redact);
        }
    }
}

#[test]
fn a_region_at_the_edge_is_clipped_and_one_outside_is_no_work() {
    let image = filled(PixelFormat::Gray8, 8, 8, 200);
    let corner = redact(Mode::Fill, 2, &[-5.0, -5.0, 7.0, 6.0]);
    let result = run(&corner, &Cpu::new(Pool::new(0)), &image);
    let hidden = packed(&result).iter().filter(|sample| **sample != 200).count();
    assert_eq!(hidden, 2, "two pixels of the first row");
    for regions in [[-5.0, 0.0, 5.0, 8.0], [8.0, 0.0, 5.0, 5.0], [3.0, 3.0, 0.0, 9.0]] {
        let outside = redact(Mode::Blur, 2, &regions);
        assert!(matches!(outside.cpu(image.shape()), CpuWork::Nothing), "{regions:?}");
    }
}

#[test]
fn a_negative_length_is_refused() {
    let error = region::parse(&[0.0, 0.0, 5.0, 5.0, 1.0, 2.0, 3.0, -4.0]).unwrap_err();
    assert_eq!(error.parameter, "regions");
    assert_eq!(error.message, "the height of region 2 of regions must not be negative, it is -4");
    assert!(region::parse(&[0.0, 0.0, -0.5, 5.0]).is_err());
}
