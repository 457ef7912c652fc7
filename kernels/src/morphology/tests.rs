//! Against the definitions, one sample at a time.

use proptest::prelude::*;

use super::definitions::ENTRIES;
use super::element::{Element, Shape};
use super::{Extreme, Kind, Morphology, Outside};
use crate::border::{self, Border};
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, run};
use crate::{Image, Pool};

/// Rows of samples without padding.
type Grid = Vec<Vec<u8>>;

/// As `getStructuringElement` says which pixels belong.
fn belongs(shape: Shape, radius: i64, x: i64, y: i64) -> bool {
    match shape {
        Shape::Rect => true,
        Shape::Cross => x == 0 || y == 0,
        Shape::Ellipse => {
            let (r, dy) = (radius as f64, y as f64);
            let inverse = if radius > 0 { 1.0 / (r * r) } else { 0.0 };
            x.abs() <= (r * ((r * r - dy * dy) * inverse).sqrt()).round_ties_even() as i64
        }
    }
}

fn once(morphology: &Morphology, extreme: Extreme, channels: usize, from: &Grid) -> Grid {
    let radius = morphology.element.radius as i64;
    let (height, width) = (from.len(), from[0].len() / channels);
    let mut to = from.clone();
    for (y, row) in to.iter_mut().enumerate() {
        for (at, sample) in row.iter_mut().enumerate() {
            let (x, channel) = (at / channels, at % channels);
            let mut all = Vec::new();
            for down in -radius..=radius {
                for across in -radius..=radius {
                    if !belongs(morphology.element.shape, radius, across, down) {
                        continue;
                    }
                    let (y, x) = (y as i64 + down, x as i64 + across);
                    let (y, x) = match morphology.outside {
                        Outside::Ignore => (
                            usize::try_from(y).ok().filter(|y| *y < height),
                            usize::try_from(x).ok().filter(|x| *x < width),
                        ),
                        Outside::Border(border) => {
                            (border.index(y as isize, height), border.index(x as isize, width))
                        }
                    };
                    match (y, x, morphology.outside) {
                        (Some(y), Some(x), _) => all.push(from[y][x * channels + channel]),
                        (.., Outside::Border(_)) => all.push(0),
                        (.., Outside::Ignore) => {}
                    }
                }
            }
            *sample = match extreme {
                Extreme::Erode => all.iter().min().copied().unwrap(),
                Extreme::Dilate => all.iter().max().copied().unwrap(),
            };
        }
    }
    to
}

fn reference(morphology: &Morphology, image: &Image) -> Grid {
    let from: Grid = image.rows().map(<[u8]>::to_vec).collect();
    let channels = image.format().channels();
    let repeat = |steps: &[Extreme]| {
        let all = steps.iter().flat_map(|step| vec![*step; morphology.iterations]);
        all.fold(from.clone(), |grid, step| once(morphology, step, channels, &grid))
    };
    let minus = |a: &Grid, b: &Grid| -> Grid {
        let rows = a.iter().zip(b);
        rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.saturating_sub(*b)).collect()).collect()
    };
    use Extreme::{Dilate, Erode};
    match morphology.kind {
        Kind::Erode => repeat(&[Erode]),
        Kind::Dilate => repeat(&[Dilate]),
        Kind::Open => repeat(&[Erode, Dilate]),
        Kind::Close => repeat(&[Dilate, Erode]),
        Kind::Gradient => minus(&repeat(&[Dilate]), &repeat(&[Erode])),
        Kind::TopHat => minus(&from, &repeat(&[Erode, Dilate])),
        Kind::BlackHat => minus(&repeat(&[Dilate, Erode]), &from),
    }
}

fn any_morphology() -> impl Strategy<Value = Morphology> {
    use Kind::{BlackHat, Close, Dilate, Erode, Gradient, Open, TopHat};
    let kinds = vec![Erode, Dilate, Open, Close, Gradient, TopHat, BlackHat];
    let kind = proptest::sample::select(kinds);
    let shape = proptest::sample::select(vec![Shape::Rect, Shape::Cross, Shape::Ellipse]);
    let outside = prop_oneof![
        Just(Outside::Ignore),
        proptest::sample::select(border::NAMES.to_vec())
            .prop_map(|name| Outside::Border(Border::of(name))),
    ];
    let radius = prop_oneof![6 => 0..5_usize, 1 => 5..9_usize];
    let iterations = prop_oneof![3 => Just(1_usize), 1 => 2..4_usize];
    (kind, shape, radius, outside, iterations).prop_map(
        |(kind, shape, radius, outside, iterations)| {
            let element = Element { shape, radius };
            Morphology { definition: ENTRIES[0].definition, kind, element, outside, iterations }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_level_gives_the_exact_result(
        image in any_image(24),
        morphology in any_morphology(),
    ) {
        let expected = reference(&morphology, &image);
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 22)).with_level(level);
            let result = run(&morphology, &cpu, &image);
            let rows: Grid = result.rows().map(<[u8]>::to_vec).collect();
            prop_assert_eq!(&rows, &expected, "{}", level.name());
        }
    }
}

/// Several chunks of rows, and windows that are higher than a chunk.
#[test]
fn tall_images() {
    let mut state = 7_u32;
    let noise: Vec<u8> = (0..3 * 7000 * 150)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let size = crate::Size::new(7000, 150).unwrap();
    let format = crate::PixelFormat::Rgb8;
    let image = Image::new(size, format, 21000, noise.into()).unwrap();
    for (kind, shape, radius) in [
        (Kind::Open, Shape::Rect, 7),
        (Kind::BlackHat, Shape::Ellipse, 2),
        (Kind::Gradient, Shape::Cross, 6),
    ] {
        let element = Element { shape, radius };
        let outside = Outside::Border(Border::Reflect101);
        let definition = ENTRIES[0].definition;
        let morphology = Morphology { definition, kind, element, outside, iterations: 1 };
        let result = run(&morphology, &Cpu::new(Pool::new(1 << 22)), &image);
        // A part of it, with all that it depends on, on its own.
        let (left, width) = (3000, 60);
        let part: Vec<u8> =
            image.rows().flat_map(|row| row[3 * left..3 * (left + width)].to_vec()).collect();
        let size = crate::Size::new(width as u32, 150).unwrap();
        let part = Image::new(size, format, 3 * width, part.into()).unwrap();
        let expected = reference(&morphology, &part);
        for (row, expected) in result.rows().zip(&expected) {
            let inner = 3 * (left + 20)..3 * (left + width - 20);
            assert_eq!(&row[inner], &expected[60..3 * (width - 20)], "{morphology:?}");
        }
    }
}
