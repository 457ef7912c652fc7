//! Against the definition of each filter, one pixel after the other in double precision.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::taps::Filter;
use super::{ENTRY, resized};
use crate::simd::Level;
use crate::test_images::{any_image, filled, packed};
use crate::{Cpu, Image, Parameters, PixelFormat, Pool, Shape, Size};

/// The pixels of the input that one of the result is made of, along one axis, and how much each
/// counts.
fn weights(filter: Filter, from: usize, to: usize, at: usize) -> Vec<(usize, f64)> {
    let scale = from as f64 / to as f64;
    let place = (at as f64 + 0.5) * scale - 0.5;
    let inside = |pixel: f64| pixel.clamp(0.0, from as f64 - 1.0) as usize;
    let list: Vec<(usize, f64)> = match filter {
        // OpenCV's scale, which may miss a whole number by a hair.
        Filter::Nearest => {
            let pixel = at as f64 * (1.0 / (to as f64 / from as f64));
            vec![((pixel as usize).min(from - 1), 1.0)]
        }
        Filter::Bilinear => (-1..=2)
            .map(|tap| place.floor() + f64::from(tap))
            .map(|pixel| (inside(pixel), (1.0 - (pixel - place).abs()).max(0.0)))
            .collect(),
        Filter::Bicubic => (-1..=2)
            .map(|tap| place.floor() + f64::from(tap))
            .map(|pixel| (inside(pixel), keys((pixel - place).abs())))
            .collect(),
        Filter::Lanczos3 => {
            let stretch = scale.max(1.0);
            let near = |pixel: &usize| (*pixel as f64 - place).abs() <= 3.0 * stretch;
            let pixels = (0..from).filter(near);
            pixels.map(|pixel| (pixel, lanczos((pixel as f64 - place) / stretch))).collect()
        }
        Filter::Area => (0..from)
            .map(|pixel| {
                let (start, end) = (at as f64 * scale, (at + 1) as f64 * scale);
                (pixel, (end.min(pixel as f64 + 1.0) - start.max(pixel as f64)).max(0.0))
            })
            .collect(),
    };
    let sum: f64 = list.iter().map(|(_, weight)| weight).sum();
    list.into_iter().map(|(pixel, weight)| (pixel, weight / sum)).collect()
}

fn keys(x: f64) -> f64 {
    match x {
        x if x <= 1.0 => (1.25 * x - 2.25) * x * x + 1.0,
        x if x < 2.0 => ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0,
        _ => 0.0,
    }
}

fn lanczos(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    match x.abs() {
        0.0 => 1.0,
        x if x < 3.0 => 3.0 * angle.sin() * (angle / 3.0).sin() / (angle * angle),
        _ => 0.0,
    }
}

fn reference(filter: Filter, image: &Image, size: Size) -> Vec<f64> {
    let mut result = Vec::new();
    let channels = image.format().channels();
    for y in 0..size.height() {
        let rows = weights(filter, image.size().height(), size.height(), y);
        for x in 0..size.width() {
            let columns = weights(filter, image.size().width(), size.width(), x);
            for channel in 0..channels {
                let mut sum = 0.0;
                for (row, down) in &rows {
                    for (column, across) in &columns {
                        sum +=
                            down * across * f64::from(image.row(*row)[column * channels + channel]);
                    }
                }
                result.push(sum.clamp(0.0, 255.0));
            }
        }
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_level_is_as_close_as_rounding_allows(
        image in any_image(60),
        (width, height) in (1..90_u32, 1..30_u32),
        filter in proptest::sample::select(Filter::NAMES.to_vec()).prop_map(Filter::of),
    ) {
        let size = Size::new(width, height).unwrap();
        // To enlarge, area is something of OpenCV's own, which only OpenCV can tell.
        let larger = size.width() > image.size().width() || size.height() > image.size().height();
        prop_assume!(!(filter == Filter::Area && larger));
        let expected = reference(filter, &image, size);
        let mut scalar = None;
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 22)).with_level(level);
            let result = resized(&cpu, filter, &image, size);
            let result = result.to_packed(cpu.pool());
            for (at, (is, must)) in packed(&result).iter().zip(&expected).enumerate() {
                let off = (f64::from(*is) - must).abs();
                prop_assert!(off < 1.3, "{filter:?} {is} for {must} at {at}, {}", level.name());
            }
            let scalar = scalar.get_or_insert_with(|| result.clone());
            prop_assert_eq!(&*scalar, &result, "{}", level.name());
        }
    }
}

#[test]
fn one_colour_stays_that_colour() {
    let cpu = Cpu::new(Pool::new(1 << 22));
    for format in PixelFormat::INTERLEAVED {
        for sample in [0, 1, 127, 254, 255] {
            let image = filled(format, 301, 203, sample);
            for filter in Filter::NAMES.map(Filter::of) {
                for (width, height) in [(17, 9), (300, 202), (450, 700), (150, 20), (1, 1)] {
                    let size = Size::new(width, height).unwrap();
                    let must = filled(format, width, height, sample);
                    assert_eq!(resized(&cpu, filter, &image, size), must, "{filter:?} {size:?}");
                }
            }
        }
    }
}

fn target(given: &[(&str, &str)], width: u32, height: u32) -> Result<(usize, usize), String> {
    let given: BTreeMap<String, String> =
        given.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let parameters = Parameters::parse(ENTRY.definition, &given).map_err(|e| e.message)?;
    let operation = (ENTRY.build)(&parameters).map_err(|e| e.message)?;
    let shape = Shape::new(Size::new(width, height).unwrap(), PixelFormat::Gray8);
    let size = operation.output(shape).map_err(|e| format!("{} {:?}", e.message, e.allowed))?.size;
    Ok((size.width(), size.height()))
}

#[test]
fn a_side_that_is_not_given_keeps_the_aspect_ratio() {
    assert_eq!(target(&[("width", "640")], 1920, 1080), Ok((640, 360)));
    assert_eq!(target(&[("width", "0"), ("height", "100")], 300, 200), Ok((150, 100)));
    assert_eq!(target(&[("width", "2")], 500, 3), Ok((2, 1)));
    let neither = target(&[("width", "0"), ("height", "0")], 5, 5).unwrap_err();
    assert!(neither.contains("must not both be 0"), "{neither}");
    let large = target(&[("width", "5000")], 10, 100).unwrap_err();
    assert!(large.contains("16384") && large.contains("1..=1638"), "{large}");
}

#[test]
fn memory_is_taken_from_the_pool_and_goes_back() {
    let pool = Pool::new(1 << 22);
    let cpu = Cpu::new(pool.clone());
    let image = filled(PixelFormat::Rgb8, 200, 100, 9);
    for filter in Filter::NAMES.map(Filter::of) {
        let run = || {
            drop(resized(&cpu, filter, &image, Size::new(90, 120).unwrap()));
            pool.free_bytes()
        };
        let after_the_first = run();
        assert_eq!((0..5).map(|_| run()).max(), Some(after_the_first));
    }
}

/// Wider than what is put in order at a time, and than a vector.
#[test]
fn wide_images_are_the_same_at_every_level() {
    let size = |(width, height)| Size::new(width, height).unwrap();
    let ends = [((1536, 12), (512, 4)), ((1536, 12), (768, 3)), ((1536, 12), (1030, 9))];
    let larger = [((700, 6), (1501, 14)), ((1537, 11), (96, 5))];
    for format in PixelFormat::INTERLEAVED {
        for (from, to) in ends.into_iter().chain(larger) {
            let row = size(from).width() * format.channels();
            let noise = (0..row * size(from).height()).map(|at| (at * at / 7 + at * 13) as u8);
            let data = bytes::Bytes::from(noise.collect::<Vec<u8>>());
            let image = Image::new(size(from), format, row, data).unwrap();
            for filter in Filter::NAMES.map(Filter::of) {
                let mut levels = Level::all().into_iter().map(|level| {
                    let cpu = Cpu::new(Pool::new(1 << 22)).with_level(level);
                    (level, resized(&cpu, filter, &image, size(to)))
                });
                let (_, scalar) = levels.next().unwrap();
                for (level, result) in levels {
                    assert_eq!(scalar, result, "{filter:?} {format:?} {to:?} {}", level.name());
                }
            }
        }
    }
}
