//! The CUDA kernels, run on the CPU, give what the CPU code gives.
//!
//! They are compiled as C++ with sanitizers: any access outside of a buffer, any undefined
//! arithmetic and, in the second test, any race between threads of a block fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod tools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use ocelli_kernels::{
    Argument, Backend, Catalog, Chain, CpuBackend, Image, PixelFormat, Pool, Size,
};

struct Case {
    filter: &'static str,
    parameters: BTreeMap<String, String>,
    size: (u32, u32),
    format: PixelFormat,
}

impl Case {
    fn grey(algorithm: &str, size: (u32, u32), format: PixelFormat) -> Self {
        let parameters = [("algorithm".to_owned(), algorithm.to_owned())].into();
        Self { filter: "grayscale", parameters, size, format }
    }

    fn blur(
        taps: u32,
        border: &str,
        separable: bool,
        size: (u32, u32),
        format: PixelFormat,
    ) -> Self {
        let parameters = [
            ("kernel_size", taps.to_string()),
            ("sigma", (f64::from(taps) / 4.0).to_string()),
            ("border_mode", border.to_owned()),
            ("separable", separable.to_string()),
        ]
        .map(|(id, value)| (id.to_owned(), value))
        .into();
        Self { filter: "blur", parameters, size, format }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for format in PixelFormat::ALL {
        for size in [(37, 19), (64, 48), (1, 1), (1, 7), (7, 1)] {
            for algorithm in ["bt601", "bt709", "average", "lightness", "luminosity"] {
                cases.push(Case::grey(algorithm, size, format));
            }
            for border in ["clamp", "reflect", "wrap"] {
                for separable in [true, false] {
                    // The greatest reaches further than the smaller images are wide.
                    for taps in if size == (64, 48) { vec![5] } else { vec![1, 5, 31] } {
                        cases.push(Case::blur(taps, border, separable, size, format));
                    }
                }
            }
        }
    }
    cases
}

/// The shim with all kernels, compiled with that sanitizer.
fn compile(sanitizer: &str) -> PathBuf {
    let program =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("host_shim_{}", &sanitizer[..6]));
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let mut command = Command::new(compiler);
    command
        .args(["-std=c++20", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"])
        .args([&format!("-fsanitize={sanitizer}"), "-fno-sanitize-recover=all"])
        .args(["-x", "c++"])
        .arg(tools::file("cuda/host_shim/main.cpp"))
        .arg("-o")
        .arg(&program);
    tools::run(&mut command, Vec::new());
    program
}

/// The launch as the shim reads it, and the result of the CPU code.
fn prepare(case: &Case, seed: u32) -> (Vec<u8>, Bytes) {
    let size = Size::new(case.size.0, case.size.1).unwrap();
    let row = size.width() * case.format.channels();
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let noise = (0..row * size.height()).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if state & 0x300 == 0 { 255 } else { (state >> 24) as u8 }
    });
    let image = Image::new(size, case.format, row, Bytes::from_iter(noise)).unwrap();
    let steps = [(case.filter, &case.parameters)];
    let chain = Chain::parse(&Catalog::standard(), steps).unwrap();
    let launch = chain.operations()[0].cuda(size, case.format).expect("it runs on a GPU");
    let output = CpuBackend::new(Pool::new(1 << 20)).run(&chain, image.clone()).unwrap();
    let arguments = launch.arguments.iter().map(|argument| match argument {
        Argument::Input => "input".to_owned(),
        Argument::Output => "output".to_owned(),
        Argument::Int(value) => value.to_string(),
        Argument::Weights(weights) => weights.as_array().map(|weight| weight.to_string()).join(","),
    });
    let line = format!(
        "{} {} {} {} {} {} {} {} {}\n",
        launch.kernel,
        launch.grid.0,
        launch.grid.1,
        launch.block.0,
        launch.block.1,
        launch.shared_bytes,
        image.data().len(),
        output.image.data().len(),
        arguments.collect::<Vec<_>>().join(" "),
    );
    ([line.as_bytes(), image.data()].concat(), output.image.into_data())
}

fn compare(program: &Path, cases: &[Case]) {
    let prepared = (0..).zip(cases).map(|(seed, case)| prepare(case, seed));
    let (inputs, expected): (Vec<_>, Vec<_>) = prepared.unzip();
    let output = tools::run(&mut Command::new(program), inputs.concat());
    assert_eq!(output.len(), expected.iter().map(Bytes::len).sum::<usize>());
    let mut rest = output.as_slice();
    for (case, expected) in cases.iter().zip(&expected) {
        let (result, after) = rest.split_at(expected.len());
        rest = after;
        let differ = result.iter().zip(expected).position(|(theirs, ours)| theirs != ours);
        let Case { filter, parameters, size, format } = case;
        assert_eq!(differ, None, "first difference: {filter} {parameters:?} {size:?} {format:?}");
    }
}

#[test]
fn kernels_give_the_results_of_the_cpu() {
    compare(&compile("address,undefined"), &cases());
}

#[test]
fn threads_of_a_block_do_not_race() {
    let cases = [
        Case::blur(5, "reflect", true, (37, 19), PixelFormat::Rgb8),
        Case::blur(5, "reflect", false, (37, 19), PixelFormat::Rgb8),
        Case::grey("bt601", (37, 19), PixelFormat::Rgb8),
    ];
    compare(&compile("thread"), &cases);
}
