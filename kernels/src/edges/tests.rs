//! Against the definition of derivatives, written down as plainly as can be.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::derivative::Derivative;
use super::kernels::Kernels;
use super::passes::Combine;
use super::sobel::Edges;
use crate::border::{self, Border};
use crate::simd::Level;
use crate::test_images::{any_image, filled, packed, run};
use crate::{Backend as _, Catalog, Chain, Cpu, CpuBackend, Image, Parameters, PixelFormat, Pool};

const KERNELS: [Kernels; 9] = [
    Kernels::Sobel(1),
    Kernels::Sobel(3),
    Kernels::Sobel(5),
    Kernels::Sobel(7),
    Kernels::Scharr,
    Kernels::Laplacian(1),
    Kernels::Laplacian(3),
    Kernels::Laplacian(5),
    Kernels::Laplacian(7),
];

const COMBINED: [Combine; 5] =
    [Combine::X, Combine::Y, Combine::Sum, Combine::Root, Combine::Total];

/// What smooths, what takes differences; 1 is the kernel of one tap.
fn taps(kernels: Kernels) -> (Vec<i64>, Vec<i64>) {
    // Each binomial is the one before, added to itself one further.
    let binomial = |taps: usize| -> Vec<i64> {
        let mut row = vec![1];
        while row.len() < taps {
            let further = row.iter().copied().chain([0]);
            row = [0]
                .into_iter()
                .chain(row.iter().copied())
                .zip(further)
                .map(|(a, b)| a + b)
                .collect();
        }
        row
    };
    // A difference of a smaller binomial is that binomial between a step down and one up.
    let product = |a: &[i64], b: &[i64]| -> Vec<i64> {
        let mut all = vec![0; a.len() + b.len() - 1];
        for (i, a) in a.iter().enumerate() {
            b.iter().enumerate().for_each(|(j, b)| all[i + j] += a * b);
        }
        all
    };
    match kernels {
        Kernels::Scharr => (vec![3, 10, 3], vec![-1, 0, 1]),
        Kernels::Sobel(1) => (vec![0, 1, 0], vec![-1, 0, 1]),
        Kernels::Sobel(n) => (binomial(n.into()), product(&binomial(n as usize - 2), &[-1, 0, 1])),
        Kernels::Laplacian(1) => (vec![0, 1, 0], vec![1, -2, 1]),
        Kernels::Laplacian(n) => {
            (binomial(n.into()), product(&binomial(n as usize - 2), &[1, -2, 1]))
        }
    }
}

/// The derivatives of each sample, row by row.
fn derivatives(kernels: Kernels, border: Border, input: &Image) -> Vec<(i64, i64)> {
    let (smooth, derive) = taps(kernels);
    let radius = (smooth.len() / 2) as isize;
    let (width, height) = (input.size().width(), input.size().height());
    let channels = input.format().channels();
    let mut all = Vec::new();
    for y in 0..height as isize {
        for x in 0..width as isize {
            for channel in 0..channels {
                let mut sums = (0, 0);
                for down in 0..smooth.len() {
                    for across in 0..smooth.len() {
                        let row = border.index(y + down as isize - radius, height);
                        let column = border.index(x + across as isize - radius, width);
                        let (Some(row), Some(column)) = (row, column) else { continue };
                        let sample = i64::from(input.row(row)[column * channels + channel]);
                        sums.0 += sample * smooth[down] * derive[across];
                        sums.1 += sample * derive[down] * smooth[across];
                    }
                }
                all.push(sums);
            }
        }
    }
    all
}

fn reference(derivative: &Derivative, input: &Image) -> Vec<u8> {
    let all = derivatives(derivative.kernels, derivative.border, input);
    let alpha = input.format() == PixelFormat::Rgba8;
    let own = input.rows().flatten();
    let sample = |(at, ((x, y), own)): (usize, ((i64, i64), &u8))| {
        if alpha && at % 4 == 3 {
            return *own;
        }
        let value = match derivative.combine {
            Combine::X => x.abs() as f32,
            Combine::Y => y.abs() as f32,
            Combine::Sum => (x.abs() + y.abs()) as f32,
            Combine::Total => (x + y).abs() as f32,
            Combine::Root => (x as f32 * x as f32 + y as f32 * y as f32).sqrt(),
        };
        (value * derivative.scale).round_ties_even().min(255.0) as u8
    };
    all.into_iter().zip(own).enumerate().map(sample).collect()
}

pub(super) fn any_border() -> impl Strategy<Value = Border> {
    proptest::sample::select(border::NAMES.to_vec()).prop_map(Border::of)
}

fn any_derivative() -> impl Strategy<Value = Derivative> {
    let scale = prop_oneof![Just(1.0_f32), Just(0.5), Just(0.125), 0.001..3.0_f32];
    let kernels = proptest::sample::select(KERNELS.to_vec());
    let combine = proptest::sample::select(COMBINED.to_vec());
    (kernels, combine, scale, any_border()).prop_map(|(kernels, combine, scale, border)| {
        Derivative { kernels, combine, scale, border }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_level_gives_the_exact_result(image in any_image(70), derivative in any_derivative()) {
        let definition = super::laplacian::ENTRY.definition;
        let expected = reference(&derivative, &image);
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let result = run(&Edges { definition, derivative }, &cpu, &image);
            prop_assert_eq!(packed(&result), &expected[..], "{:?} {}", derivative, level.name());
        }
    }

    /// More rows than one strip, and wrapped ones, too.
    #[test]
    fn a_laplacian_of_gaussian_is_one_of_a_blurred_image(
        image in any_image(100),
        border in proptest::sample::select(border::NAMES.to_vec()),
        taps in (0..5_usize).prop_map(|radius| (2 * radius + 1).to_string()),
        size in (0..4_usize).prop_map(|radius| (2 * radius + 1).to_string()),
    ) {
        let run = |steps: &[(&str, &[(&str, &str)])]| {
            let steps: Vec<(&str, BTreeMap<String, String>)> = steps
                .iter()
                .map(|(filter, given)| {
                    let given = given.iter().map(|(key, value)| (key.to_string(), value.to_string()));
                    (*filter, given.collect())
                })
                .collect();
            let steps = steps.iter().map(|(filter, given)| (*filter, given));
            let chain = Chain::parse(&Catalog::standard(), steps).unwrap();
            CpuBackend::new(Pool::new(1 << 20)).run(&chain, image.clone()).unwrap().image
        };
        let at_once = run(&[(
            "log",
            &[("kernel_size", &taps), ("laplacian_size", &size), ("border_mode", border)],
        )]);
        let blurred = [("kernel_size", taps.as_str()), ("border_mode", border)];
        let laplacian = [("kernel_size", size.as_str()), ("border_mode", border)];
        let one_by_one = run(&[("blur", &blurred), ("laplacian", &laplacian)]);
        let colours = |of: &Image| -> Vec<u8> {
            let alpha = of.format() == PixelFormat::Rgba8;
            let all = of.rows().flatten().copied().enumerate();
            all.filter(|(at, _)| !alpha || at % 4 < 3).map(|(_, sample)| sample).collect()
        };
        prop_assert_eq!(colours(&at_once), colours(&one_by_one));
        if image.format() == PixelFormat::Rgba8 {
            for (from, to) in image.rows().zip(at_once.rows()) {
                prop_assert!(from.chunks(4).map(|p| p[3]).eq(to.chunks(4).map(|p| p[3])));
            }
        }
    }
}

/// No sum of 16 bits overflows: rows and columns of the greatest contrast.
#[test]
fn the_steepest_edges_do_not_overflow() {
    for kernels in KERNELS {
        let (smooth, derive) = taps(kernels);
        let radius = smooth.len() / 2;
        // White where a tap counts up, black where it counts down, and the other way round.
        for (invert, across) in [(false, true), (true, true), (false, false), (true, false)] {
            let mut data = vec![0; 40 * 40];
            for (at, sample) in data.iter_mut().enumerate() {
                let along = if across { at % 40 } else { at / 40 };
                let tap = derive[(along + radius) % derive.len()];
                *sample = if (tap > 0) != invert { 255 } else { 0 };
            }
            let size = filled(PixelFormat::Gray8, 40, 40, 0).size();
            let image = Image::new(size, PixelFormat::Gray8, 40, data.into()).unwrap();
            for combine in COMBINED {
                for scale in [1.0, 0.002] {
                    let derivative =
                        Derivative { kernels, combine, scale, border: Border::Replicate };
                    let expected = reference(&derivative, &image);
                    for level in Level::all() {
                        let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
                        let definition = super::laplacian::ENTRY.definition;
                        let result = run(&Edges { definition, derivative }, &cpu, &image);
                        assert_eq!(packed(&result), expected, "{derivative:?} {}", level.name());
                    }
                }
            }
        }
    }
}

#[test]
fn a_flat_image_has_no_edges() {
    for entry in super::ENTRIES {
        let given = BTreeMap::new();
        let parameters = Parameters::parse(entry.definition, &given).unwrap();
        let operation = (entry.build)(&parameters).unwrap();
        let id = entry.definition.id;
        let chain = Chain::parse(&Catalog::standard(), [(id, &given)]).unwrap();
        for format in [PixelFormat::Gray8, PixelFormat::Rgb8] {
            let image = filled(format, 33, 17, 200);
            let shape = operation.output(image.shape()).unwrap();
            let output = CpuBackend::new(Pool::new(1 << 20)).run(&chain, image).unwrap().image;
            assert_eq!(output, filled(shape.format, 33, 17, 0), "{id}");
        }
    }
}
