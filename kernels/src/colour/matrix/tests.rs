//! Against sums of one sample at a time, and against the exact matrix.

use proptest::prelude::*;

use super::{Matrix, Recolour};
use crate::colour::color_matrix;
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::test_images::{any_image, filled, packed, run};
use crate::{Image, PixelFormat, Pointwise as _, Pool};

/// The exact result, rounded; how far off the nearest level it is.
fn reference(weights: [[f64; 3]; 3], offsets: [f64; 3], input: &Image) -> Vec<f64> {
    let mut result = Vec::new();
    for pixel in input.rows().flat_map(|row| row.chunks_exact(input.format().channels())) {
        for (weights, offset) in weights.iter().zip(offsets) {
            let sum: f64 = weights.iter().zip(pixel).map(|(w, s)| w * f64::from(*s)).sum();
            result.push((sum + offset).clamp(0.0, 255.0));
        }
        result.extend(pixel.get(3).map(|alpha| f64::from(*alpha)));
    }
    result
}

fn any_weights() -> impl Strategy<Value = ([[f64; 3]; 3], [f64; 3])> {
    let range = prop_oneof![Just(1.9), Just(3.9), Just(7.9), Just(255.9)];
    let parts = (proptest::array::uniform9(-1.0..1.0_f64), proptest::array::uniform3(-1.0..1.0));
    (range, parts).prop_map(|(range, (weights, offsets)): (f64, ([f64; 9], [f64; 3]))| {
        let [a, b, c, d, e, f, g, h, i] = weights.map(|weight| weight * range);
        ([[a, b, c], [d, e, f], [g, h, i]], offsets.map(|offset| offset * 255.9))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_level_gives_the_rounded_sums(
        image in any_image(70),
        (weights, offsets) in any_weights(),
    ) {
        prop_assume!(image.format() != PixelFormat::Gray8);
        let pool = Pool::new(1 << 20);
        let matrix = Matrix::new(weights, offsets);
        let recolour = Recolour { definition: color_matrix::ENTRY.definition, matrix };
        let exact = reference(weights, offsets, &image);
        // Half a unit of the last bit for each product, and the rounding.
        let tolerance = 0.5 + 3.1 * 255.0 * 0.5 / f64::from(1 << matrix.bits);
        let mut results = Vec::new();
        for level in Level::all() {
            let result = run(&recolour, &Cpu::new(pool.clone()).with_level(level), &image);
            for (is, exact) in packed(&result).iter().zip(&exact) {
                let off = (f64::from(*is) - exact).abs();
                prop_assert!(off <= tolerance, "{is} for {exact} {}", level.name());
            }
            results.push(packed(&result).to_vec());
        }
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

/// Also those that this CPU's widest level does not choose.
#[cfg(target_arch = "x86_64")]
#[test]
#[allow(unsafe_code, reason = "instructions that were just detected")]
fn all_sets_of_instructions_give_the_same() {
    use super::x86::{avx2, avx512, vnni};

    let matrix =
        Matrix::new([[0.7, 0.3, -0.2], [-1.1, 0.4, 0.9], [0.1, 1.7, 0.6]], [9.0, -7.0, 0.3]);
    let of = (&matrix, matrix.narrow.unwrap());
    let wide = is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl");
    for format in [PixelFormat::Rgb8, PixelFormat::Rgba8] {
        for pixels in [16, 63, 64, 65, 131, 1000] {
            let image = filled_with_all(format, pixels);
            let mut expected = vec![0; image.len()];
            let recolour = Recolour { definition: color_matrix::ENTRY.definition, matrix };
            recolour.pixels(Level::all()[0], format, &image, &mut expected);
            let mut is = vec![0; image.len()];
            let mut check = |name: &str, sums: &dyn Fn(&[u8], &mut [u8]) -> usize| {
                is.fill(0);
                let done = sums(&image, &mut is);
                assert!(done > 0 || pixels < 64, "{name} {format:?} {pixels}");
                assert_eq!(is[..done], expected[..done], "{name} {format:?} {pixels}");
            };
            let alpha = format == PixelFormat::Rgba8;
            if is_x86_feature_detected!("avx2") {
                let sums = if alpha { avx2::<true> } else { avx2::<false> };
                // SAFETY: just detected.
                check("avx2", &|from, to| unsafe { sums(of, from, to) });
            }
            if wide {
                let sums = if alpha { avx512::<true, false> } else { avx512::<false, false> };
                // SAFETY: just detected.
                check("avx512", &|from, to| unsafe { sums(of, from, to, [&[]; 2]) });
            }
            if wide && is_x86_feature_detected!("avx512vnni") {
                let sums = if alpha { vnni::<true, false> } else { vnni::<false, false> };
                // SAFETY: just detected.
                check("vnni", &|from, to| unsafe { sums(of, from, to, [&[]; 2]) });
            }
        }
    }
}

/// So many pixels, of all values.
#[cfg(target_arch = "x86_64")]
fn filled_with_all(format: PixelFormat, pixels: usize) -> Vec<u8> {
    (0..pixels * format.channels()).map(|at| (at * 37 + at / 7) as u8).collect()
}

#[test]
fn asking_for_other_bytes_changes_nothing() {
    let matrix = Matrix::new([[0.5, 0.3, 0.2]; 3], [3.0; 3]);
    let recolour = Recolour { definition: color_matrix::ENTRY.definition, matrix };
    let from: Vec<u8> = (0..=255).cycle().take(3 * 101).collect();
    let other = vec![9; 2 * from.len()];
    for level in Level::all() {
        let (mut expected, mut is) = (vec![0; from.len()], vec![1; from.len()]);
        recolour.pixels(level, PixelFormat::Rgb8, &from, &mut expected);
        for soon in [[&other[..], &other[..70]], [&[], &other[..1]]] {
            recolour.pixels_asking(level, PixelFormat::Rgb8, &from, &mut is, soon);
            assert_eq!(is, expected, "{}", level.name());
        }
    }
}

#[test]
fn the_identity_and_the_greatest_sums() {
    let pool = Pool::new(1 << 20);
    let one = |part: f64| Matrix::between(part, [[256.0; 3]; 3]);
    assert!(Matrix::new(one(0.0), [0.0; 3]).is_identity());
    assert!(!Matrix::new(one(0.0), [0.0, 0.5, 0.0]).is_identity());
    for (factor, becomes) in [(1.0, 255), (-1.0, 0)] {
        let matrix = Matrix::new([[256.0 * factor; 3]; 3], [256.0 * factor; 3]);
        let recolour = Recolour { definition: color_matrix::ENTRY.definition, matrix };
        for level in Level::all() {
            let cpu = Cpu::new(pool.clone()).with_level(level);
            let image = filled(PixelFormat::Rgb8, 33, 2, 255);
            assert_eq!(run(&recolour, &cpu, &image), filled(PixelFormat::Rgb8, 33, 2, becomes));
        }
    }
}
