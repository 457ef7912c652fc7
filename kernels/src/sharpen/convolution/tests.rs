//! Against the definition of a correlation.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::kernel::{Kernel, Plan};
use crate::border::{self, Border};
use crate::simd::Level;
use crate::test_images::{any_image, packed, run};
use crate::{
    Cpu, CpuWork, Image, Operation, ParameterError, Parameters, PixelFormat, Pool, Shape, Size,
};

/// The sums of all samples, in the order of the numbers.
fn sums(kernel: &[f64], width: usize, border: Border, input: &Image) -> Vec<(f64, f32)> {
    let (across, down) = ((width / 2) as isize, (kernel.len() / width / 2) as isize);
    let (image_width, height) = (input.size().width(), input.size().height());
    let channels = input.format().channels();
    let mut all = Vec::new();
    for y in 0..height as isize {
        for x in 0..image_width as isize {
            for channel in 0..channels {
                let (mut exact, mut float) = (0.0, 0.0_f32);
                for (at, number) in kernel.iter().enumerate() {
                    let row = border.index(y + (at / width) as isize - down, height);
                    let column = border.index(x + (at % width) as isize - across, image_width);
                    let sample = match (row, column) {
                        (Some(row), Some(column)) => input.row(row)[column * channels + channel],
                        _ => 0,
                    };
                    exact += f64::from(sample) * number;
                    float += f32::from(sample) * *number as f32;
                }
                all.push((exact, float));
            }
        }
    }
    all
}

fn operation(given: &[(&str, String)]) -> Result<super::Convolution, ParameterError> {
    let given: BTreeMap<String, String> =
        given.iter().map(|(key, value)| (key.to_string(), value.clone())).collect();
    let parameters = Parameters::parse(&super::DEFINITION, &given)?;
    super::convolution(&parameters)
}

fn text(numbers: &[f64]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Kernels for every way to sum up, as numbers and columns.
fn any_kernel() -> impl Strategy<Value = (Vec<f64>, usize)> {
    let side = || (0..4_usize).prop_map(|radius| 2 * radius + 1);
    let number = prop_oneof![
        Just(0.0),
        (-4..=4_i32).prop_map(f64::from),
        (-10_000..=10_000_i32).prop_map(f64::from),
    ];
    let any = (side(), side()).prop_flat_map(move |(width, height)| {
        let fractions = prop::collection::vec(-3.0..3.0_f64, width * height);
        let whole = prop::collection::vec(number.clone(), width * height);
        let small = prop::collection::vec((-2..=2_i32).prop_map(f64::from), width * height);
        let column = prop::collection::vec(-12..=12_i32, height);
        let row = prop::collection::vec(-90..=90_i32, width);
        let product = (column, row).prop_map(|(column, row)| {
            let of = |down: &i32| row.iter().map(|n| f64::from(n * down)).collect::<Vec<_>>();
            column.iter().flat_map(of).collect::<Vec<_>>()
        });
        (prop_oneof![fractions, whole, small, product], Just(width))
    });
    any.boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_level_gives_the_exact_result(
        image in any_image(40),
        (kernel, width) in any_kernel(),
        divisor in prop_oneof![Just(1.0), Just(-4.0), 0.5..300.0_f64],
        offset in prop_oneof![Just(0.0), (-300..300_i32).prop_map(f64::from), -300.0..300.0_f64],
        border in proptest::sample::select(border::NAMES.to_vec()),
    ) {
        let whole = kernel.iter().all(|number| number.fract() == 0.0);
        let exact = divisor == 1.0 && offset.fract() == 0.0;
        let samples = sums(&kernel, width, Border::of(border), &image).into_iter();
        let expected = samples.map(|(sum, float)| match (whole, exact) {
            (true, true) => (sum + offset).clamp(0.0, 255.0) as u8,
            (false, true) => (float + offset as f32).round_ties_even() as u8,
            _ => {
                let float = if whole { sum as f32 } else { float };
                let scaled = float * (1.0 / divisor) as f32 + offset as f32;
                scaled.round_ties_even() as u8
            }
        });
        let alpha = image.format() == PixelFormat::Rgba8;
        let own = image.rows().flatten().enumerate();
        let expected: Vec<u8> = expected
            .zip(own)
            .map(|(sample, (at, own))| if alpha && at % 4 == 3 { *own } else { sample })
            .collect();
        let operation = operation(&[
            ("kernel", text(&kernel)),
            ("width", width.to_string()),
            ("divisor", divisor.to_string()),
            ("offset", offset.to_string()),
            ("border_mode", border.to_owned()),
        ])
        .unwrap();
        for level in Level::all() {
            let cpu = Cpu::new(Pool::new(1 << 20)).with_level(level);
            let result = run(&operation, &cpu, &image).to_packed(&Pool::new(0));
            let plan = &operation.plan;
            prop_assert_eq!(packed(&result), &expected[..], "{:?} {}", plan, level.name());
        }
    }
}

#[test]
fn products_of_a_column_and_a_row_are_found() {
    let plan = |numbers: &[i32]| {
        let numbers: Vec<f64> = numbers.iter().copied().map(f64::from).collect();
        Kernel::new(&numbers, 0).unwrap().plan()
    };
    let separable = |plan: Plan| match plan {
        Plan::Separable { down, across, wide } => Some((down.len(), across.len(), wide)),
        _ => None,
    };
    assert_eq!(separable(plan(&[1, 2, 1, 2, 4, 2, 1, 2, 1])), Some((3, 3, false)));
    assert_eq!(separable(plan(&[-3, 0, 3, -10, 0, 10, -3, 0, 3])), Some((3, 2, false)));
    assert_eq!(separable(plan(&[100, 200, 100, 200, 400, 200, 100, 200, 100])), Some((3, 3, true)));
    assert_eq!(separable(plan(&[1, 2, 1, 2, 4, 2, 1, 2, 2])), None);
    // Two taps are sooner done in one pass.
    assert!(matches!(plan(&[0, 0, 0, 0, 1, -1, 0, 0, 0]), Plan::Narrow(taps) if taps.len() == 2));
    assert!(matches!(plan(&[0, -500, 0, -500, 9, 1, 0, 7, 0]), Plan::Wide(_)));
}

#[test]
fn a_kernel_that_changes_nothing_does_nothing() {
    let shape = Shape::new(Size::new(9, 9).unwrap(), PixelFormat::Rgb8);
    for (kernel, divisor) in [("1", "1"), ("0 0 0 0 4 0 0 0 0", "4"), ("7", "0")] {
        let given = [("kernel", kernel.to_owned()), ("divisor", divisor.to_owned())];
        assert!(matches!(operation(&given).unwrap().cpu(shape), CpuWork::Nothing));
    }
    let given = [("kernel", "1".to_owned()), ("offset", "3".to_owned())];
    assert!(matches!(operation(&given).unwrap().cpu(shape), CpuWork::Rows(_)));
}

#[test]
fn kernels_that_are_no_matrix_are_refused() {
    let refused = |kernel: &str, width: &str, divisor: &str| {
        let given = [("kernel", kernel), ("width", width), ("divisor", divisor)];
        let error = operation(&given.map(|(key, value)| (key, value.to_owned()))).unwrap_err();
        (error.parameter, error.message)
    };
    let of = |parameter: &str, message: &str| (parameter.to_owned(), message.to_owned());
    assert_eq!(refused("1 2 3", "0", "0"), of("kernel", "3 numbers do not make a square"));
    assert_eq!(
        refused("1 2 3 4", "0", "0"),
        of("kernel", "a kernel has an odd number of columns and rows, not 2 x 2")
    );
    assert_eq!(refused("1 2 3", "2", "0"), of("width", "3 numbers do not make rows of 2"));
    assert_eq!(
        refused("1 2 3", "3", "0.0001"),
        of("divisor", "divisor must be 0, or at least 0.001 up or down")
    );
    assert_eq!(refused("0.1 -0.1004 0", "3", "0").0, "kernel");
}
