//! Against Canny's algorithm, one pixel at a time.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Canny, STRONG, WEAK, cpu, trace};
use crate::edges::kernels::Kernels;
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Cpu, Image, Parameters, PixelFormat, Pool, Size};

/// The gradient of a pixel along `x` and `y`, and how steep it is.
type Slope = (i64, i64, i64);

fn slopes(input: &Image, taps: usize, squared: bool) -> Vec<Vec<Slope>> {
    let (smooth, derive): (&[i64], &[i64]) = match taps {
        3 => (&[1, 2, 1], &[-1, 0, 1]),
        5 => (&[1, 4, 6, 4, 1], &[-1, -2, 0, 2, 1]),
        _ => (&[1, 6, 15, 20, 15, 6, 1], &[-1, -4, -5, 0, 5, 4, 1]),
    };
    let (width, height) = (input.size().width() as i64, input.size().height() as i64);
    let channels = input.format().channels();
    let clamp = |at: i64, length: i64| at.clamp(0, length - 1) as usize;
    let radius = taps as i64 / 2;
    let slope = |x: i64, y: i64, channel: usize| {
        let (mut along_x, mut along_y) = (0, 0);
        for (down, row) in (y - radius..).zip(0..taps) {
            for (across, column) in (x - radius..).zip(0..taps) {
                let at = clamp(across, width) * channels + channel;
                let sample = i64::from(input.row(clamp(down, height))[at]);
                along_x += sample * smooth[row] * derive[column];
                along_y += sample * derive[row] * smooth[column];
            }
        }
        if taps == 7 {
            let over = |value: i64| (value as f64 / 16.0).round_ties_even() as i64;
            (along_x, along_y) = (over(along_x), over(along_y));
        }
        let steep =
            if squared { along_x.pow(2) + along_y.pow(2) } else { along_x.abs() + along_y.abs() };
        (along_x, along_y, steep)
    };
    let steepest = |x, y| {
        let all: Vec<Slope> = (0..channels.min(3)).map(|channel| slope(x, y, channel)).collect();
        let most = all.iter().map(|slope| slope.2).max().unwrap();
        *all.iter().find(|slope| slope.2 == most).unwrap()
    };
    (0..height).map(|y| (0..width).map(|x| steepest(x, y)).collect()).collect()
}

fn reference(input: &Image, taps: usize, squared: bool, low: i64, high: i64) -> Vec<u8> {
    let slopes = slopes(input, taps, squared);
    let (width, height) = (slopes[0].len() as i64, slopes.len() as i64);
    let inside = |x: i64, y: i64| (0..width).contains(&x) && (0..height).contains(&y);
    let steep = |x: i64, y: i64| match inside(x, y) {
        true => slopes[y as usize][x as usize].2,
        false => 0,
    };
    let kind = |x: i64, y: i64| {
        let (along_x, along_y, here) = slopes[y as usize][x as usize];
        let (u, v) = (along_x.abs(), along_y.abs() << 15);
        let ridge = if v < u * 13573 {
            here > steep(x - 1, y) && here >= steep(x + 1, y)
        } else if v > u * 13573 + (u << 16) {
            here > steep(x, y - 1) && here >= steep(x, y + 1)
        } else {
            let side = if (along_x < 0) == (along_y < 0) { 1 } else { -1 };
            here > steep(x - side, y - 1) && here > steep(x + side, y + 1)
        };
        match ridge && here > low {
            true if here > high => 2,
            true => 1,
            false => 0,
        }
    };
    let mut map: Vec<i32> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| kind(x, y))
        .collect();
    // Again and again, until nothing changes.
    loop {
        let before = map.clone();
        for y in 0..height {
            for x in 0..width {
                let near = (y - 1..=y + 1).flat_map(|v| (x - 1..=x + 1).map(move |u| (u, v)));
                let strong = near
                    .filter(|(u, v)| inside(*u, *v))
                    .any(|(u, v)| map[(v * width + u) as usize] == 2);
                let here = &mut map[(y * width + x) as usize];
                if *here == 1 && strong {
                    *here = 2;
                }
            }
        }
        if map == before {
            return map.into_iter().map(|kind| if kind == 2 { 255 } else { 0 }).collect();
        }
    }
}

fn canny(taps: u8, squared: bool, low: i32, high: i32) -> Canny {
    Canny { kernels: Kernels::Sobel(taps), squared, thresholds: (low, high) }
}

/// Noise, made softer so that edges are longer than a pixel.
fn softer(image: &Image) -> Image {
    let (channels, rows) = (image.format().channels(), image.size().height());
    let mut data = Vec::new();
    for y in 0..rows {
        for at in 0..image.row_bytes() {
            let sample = |y: usize, at: usize| u32::from(image.row(y.min(rows - 1))[at]);
            let next = if at + channels < image.row_bytes() { at + channels } else { at };
            let sum = sample(y, at) + sample(y, next) + sample(y + 1, at) + sample(y + 1, next);
            data.push((sum / 4) as u8);
        }
    }
    Image::new(image.size(), image.format(), image.row_bytes(), data.into()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_level_and_any_bands_give_the_exact_result(
        image in any_image(60),
        soft in any::<bool>(),
        taps in proptest::sample::select(vec![3_u8, 5, 7]),
        squared in any::<bool>(),
        (low, more) in (0..600_i32, 0..900_i32),
        band in 1..9_usize,
        room in proptest::sample::select(vec![1_usize, 2, 3, 1 << 19]),
    ) {
        let image = if soft { softer(&image) } else { image };
        let (mut low, mut high) = (low, low + more);
        if taps > 3 {
            (low, high) = (low * 8, high * 8);
        }
        if squared {
            (low, high) = (low * low, high * high);
        }
        let expected = reference(&image, taps.into(), squared, low.into(), high.into());
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let result = run(&canny(taps, squared, low, high), &cpu, &image);
            prop_assert_eq!(packed(&result), &expected[..], "{}", level.name());
            let kernels = Kernels::Sobel(taps);
            let result = match squared {
                true => cpu::edges_in_bands(&cpu, &image, kernels, (low, high), band, room).unwrap(),
                false => {
                    let thresholds = (low as i16, high as i16);
                    cpu::edges_in_bands(&cpu, &image, kernels, thresholds, band, room).unwrap()
                }
            };
            prop_assert_eq!(packed(&result), &expected[..], "bands of {}, room for {}", band, room);
        }
    }
}

/// An edge that winds through all bands; its right half is weak.
#[test]
fn edges_are_followed_back_and_forth_across_seams() {
    let (width, height) = (64_usize, 64_usize);
    let pixel = |at: usize| {
        let (x, y) = ((at % width) as f64, (at / width) as f64);
        let (middle, slope) = (32.0 + 24.0 * (x / 8.0).sin(), 3.0 * (x / 8.0).cos());
        // Softly from one side of the edge to the other.
        let distance = (y - middle) / (1.0 + slope * slope).sqrt();
        let contrast = 200.0 - 2.0 * x;
        (20.0 + contrast / (1.0 + (-2.0 * distance).exp())) as u8
    };
    let size = Size::new(64, 64).unwrap();
    let data = Bytes::from_iter((0..width * height).map(pixel));
    let image = Image::new(size, PixelFormat::Gray8, width, data).unwrap();
    let (low, high) = (60, 550);
    let expected = reference(&image, 3, false, low.into(), high.into());
    let strong = reference(&image, 3, false, high.into(), high.into());
    assert!(strong.chunks(width).all(|row| row[40..].iter().all(|pixel| *pixel == 0)));
    // It goes to the other end.
    assert!(expected[..].chunks(width).any(|row| row[58..].contains(&255)), "too short");
    for (band, room) in [1, 2, 3, 7, 64].into_iter().flat_map(|band| [(band, 1), (band, 4096)]) {
        let cpu = Cpu::new(Pool::new(1 << 20));
        let thresholds = (low as i16, high as i16);
        let result = cpu::edges_in_bands(&cpu, &image, Kernels::Sobel(3), thresholds, band, room);
        assert_eq!(packed(&result.unwrap()), expected, "bands of {band}, room for {room}");
    }
}

/// A stack that has no room for all the neighbours says so, and further rounds find the rest, each
/// pixel once.
#[test]
fn what_does_not_fit_on_the_stack_is_found_in_further_rounds() {
    let (width, height) = (40_usize, 40_usize);
    let stride = width + 1;
    // Everything is weak apart from one strong pixel and the columns of zeros, and one row that
    // cuts off the last three.
    let mut map = vec![WEAK; stride * height];
    map.iter_mut().skip(width).step_by(stride).for_each(|guard| *guard = 0);
    map[36 * stride..37 * stride].fill(0);
    map[20 * stride + 20] = STRONG;
    let cpu = Cpu::new(Pool::new(0));
    for room in [1, 7, 8, width * height] {
        let (mut map, mut stack) = (map.clone(), vec![0_u64; room]);
        let (mut rounds, mut found) = (0, vec![0_u8; map.len()]);
        loop {
            rounds += 1;
            let mut watch = cpu.watch_every(trace::STEPS);
            let see = |at: usize| found[at] += 1;
            if trace::follow(&mut map, stride, 0..height, &mut stack, &mut watch, see) {
                break;
            }
            assert!(rounds < 100, "it goes on for ever with room for {room}");
        }
        assert_eq!(rounds > 1, room < width * height, "room for {room}: {rounds} rounds");
        assert!(map[..36 * stride].iter().all(|pixel| *pixel != WEAK), "room for {room}");
        assert!(map[37 * stride..].iter().all(|pixel| *pixel != STRONG), "room for {room}");
        let once = found.iter().filter(|times| **times == 1).count();
        assert_eq!((once, found.iter().max()), (36 * width - 1, Some(&1)), "room for {room}");
    }
}

#[test]
fn thresholds_the_wrong_way_round_are_refused() {
    let given = [("low", "80"), ("high", "79.5")];
    let given: BTreeMap<String, String> =
        given.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let parameters = Parameters::parse(&super::DEFINITION, &given).unwrap();
    let error = (super::ENTRY.build)(&parameters).unwrap_err();
    assert_eq!(error.parameter, "low");
    assert_eq!(error.message, "low must be at most high, 80 is more than 79.5");
}
