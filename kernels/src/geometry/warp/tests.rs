//! Against the definition in real numbers, and the positions of OpenCV written down plainly.

use proptest::prelude::*;

use super::affine::Warp;
use super::{AFFINE, Filter, Map, Sampling};
use crate::border::{self, Border};
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{Cpu, Image, Pool};

/// Positions in 32ths (or whole ones) of the pixels of an affine result, in 64 bits.
fn position(map: &Map, filter: Filter, x: i64, y: i64) -> (i64, i64) {
    let Map::Affine([a, b, c, d, e, f]) = map else { panic!("an affine map") };
    let (shift, half) = if filter == Filter::Nearest { (10, 512) } else { (5, 16) };
    let one = |across: f64, down: f64, start: f64| {
        let column = (across * x as f64 * 1024.0).round_ties_even() as i64;
        let row = ((down * y as f64 + start) * 1024.0).round_ties_even() as i64;
        (column + row + half) >> shift
    };
    (one(*a, *b, *c), one(*d, *e, *f))
}

fn reference(map: &Map, sampling: &Sampling, input: &Image) -> Vec<u8> {
    let (width, height) = (input.size().width(), input.size().height());
    let channels = input.format().channels();
    let color = crate::geometry::samples_of(sampling.color, channels);
    let sample = |x: i64, y: i64, channel: usize| {
        let index = |at: i64, length| sampling.border.index(at as isize, length);
        match (index(x, width), index(y, height)) {
            (Some(x), Some(y)) => i64::from(input.row(y)[x * channels + channel]),
            _ => i64::from(color[channel]),
        }
    };
    let mut result = Vec::new();
    for y in 0..height as i64 {
        for x in 0..width as i64 {
            let (px, py) = position(map, sampling.filter, x, y);
            let (left, top, fx, fy) = (px >> 5, py >> 5, px & 31, py & 31);
            for channel in 0..channels {
                result.push(match sampling.filter {
                    Filter::Nearest => sample(px, py, channel) as u8,
                    Filter::Linear => {
                        let mut sum = 512;
                        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                            let across = if dx == 0 { 32 - fx } else { fx };
                            let down = if dy == 0 { 32 - fy } else { fy };
                            sum += sample(left + dx, top + dy, channel) * across * down;
                        }
                        (sum >> 10) as u8
                    }
                    Filter::Cubic => {
                        let weights = super::cubic::table()[(fy * 32 + fx) as usize];
                        let mut sum = 1 << 14;
                        for (at, weight) in weights.into_iter().enumerate() {
                            let (dx, dy) = (at as i64 % 4 - 1, at as i64 / 4 - 1);
                            sum += sample(left + dx, top + dy, channel) * i64::from(weight);
                        }
                        (sum >> 15).clamp(0, 255) as u8
                    }
                });
            }
        }
    }
    result
}

fn any_sampling() -> impl Strategy<Value = Sampling> {
    let filter = proptest::sample::select(vec![Filter::Nearest, Filter::Linear, Filter::Cubic]);
    let border = proptest::sample::select(border::NAMES.to_vec()).prop_map(Border::of);
    (filter, border, any::<[u8; 4]>()).prop_map(|(filter, border, color)| Sampling {
        filter,
        border,
        color,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_level_gives_the_exact_result(
        image in any_image(70),
        sampling in any_sampling(),
        matrix in [-2.0..2.0_f64, -2.0..2.0, -50.0..50.0, -2.0..2.0, -2.0..2.0, -50.0..50.0],
        nearly_still: bool,
    ) {
        // Most random matrices show mostly what lies outside.
        let mut matrix = matrix;
        if nearly_still {
            let [a, b, c, d, e, f] = matrix;
            matrix = [1.0 + a / 20.0, b / 20.0, c / 20.0, d / 20.0, 1.0 + e / 20.0, f / 20.0];
        }
        let map = Map::Affine(matrix);
        let expected = reference(&map, &sampling, &image);
        let pool = Pool::new(1 << 20);
        for level in Level::all() {
            let cpu = Cpu::new(pool.clone()).with_level(level);
            let warp = Warp { definition: AFFINE.definition, map, size: [0, 0], sampling };
            let result = run(&warp, &cpu, &image);
            prop_assert_eq!(packed(&result), &expected[..], "{}", level.name());
        }
    }

    #[test]
    fn a_perspective_without_a_horizon_is_affine(
        image in any_image(40),
        sampling in any_sampling(),
        shift in (-9..9_i32, -9..9_i32),
    ) {
        // Whole numbers, so that both round alike.
        let (x, y) = (f64::from(shift.0), f64::from(shift.1));
        let affine = Map::affine(&[1.0, 0.0, x, 0.0, 1.0, y]).unwrap();
        let plane = Map::perspective(&[1.0, 0.0, x, 0.0, 1.0, y, 0.0, 0.0, 1.0]).unwrap();
        let cpu = Cpu::new(Pool::new(1 << 20));
        let [first, second] = [affine, plane].map(|map| {
            let warp = Warp { definition: AFFINE.definition, map, size: [0, 0], sampling };
            run(&warp, &cpu, &image)
        });
        prop_assert_eq!(first, second);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn vectors_are_used_from_avx2_on() {
    use super::sample::Source;

    let data = [7; 30 * 20];
    let (border, color) = (Border::Constant, [0; 4]);
    let source = Source { data: &data, stride: 30, width: 30, height: 20, border, color };
    let made = |level| {
        let mut to = [[0_u8]; 16];
        super::x86::row(level, Filter::Linear, &source, &[64; 16], &[64; 16], &mut to)
            && to == [[7]; 16]
    };
    let levels = Level::all().into_iter();
    let vectors: Vec<_> = levels.filter(|level| made(*level)).map(Level::name).collect();
    let wide = Level::all().into_iter().map(Level::name).filter(|name| name.starts_with("avx"));
    assert_eq!(vectors, wide.collect::<Vec<_>>());
}
