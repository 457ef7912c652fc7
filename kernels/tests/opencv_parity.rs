//! Our grey and our blur are OpenCV's, bit for bit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod tools;

use std::collections::BTreeMap;

use bytes::Bytes;
use ocelli_kernels::{Backend, Catalog, Chain, CpuBackend, Image, PixelFormat, Pool, Size};

struct Case {
    operation: &'static str,
    border: &'static str,
    taps: u32,
    sigma: f64,
    size: (u32, u32),
    format: PixelFormat,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [(1, 1), (1, 9), (9, 1), (3, 4), (37, 19), (64, 48), (131, 67)];
    for size in sizes {
        let grey = ("grayscale", "-", 1, 0.0, size, PixelFormat::Rgb8);
        cases.push(grey);
        for format in PixelFormat::ALL {
            for border in ["clamp", "reflect", "wrap"] {
                for (taps, sigma) in [
                    (1, 1.0),
                    (3, 0.0),
                    (3, 0.8),
                    (5, 0.0),
                    (5, 1.0),
                    (5, 1.1),
                    (7, 0.0),
                    (7, 1.5),
                    (9, 0.0),
                    (11, 0.0),
                    (13, 2.2),
                    (21, 7.3),
                    (31, 0.0),
                    (31, 4.0),
                    (31, 100.0),
                ] {
                    cases.push(("blur", border, taps, sigma, size, format));
                }
            }
        }
    }
    // Every colour of a fine grid, and all sigmas of the slider.
    cases.push(("grayscale", "-", 1, 0.0, (2000, 1500), PixelFormat::Rgb8));
    for tenths in 1..=100 {
        let sigma = f64::from(tenths) / 10.0;
        for taps in [5, 15, 29] {
            cases.push(("blur", "reflect", taps, sigma, (40, 30), PixelFormat::Rgb8));
        }
    }
    let case = |(operation, border, taps, sigma, size, format)| Case {
        operation,
        border,
        taps,
        sigma,
        size,
        format,
    };
    cases.into_iter().map(case).collect()
}

fn run(case: &Case, seed: u32) -> (Image, Image) {
    let size = Size::new(case.size.0, case.size.1).unwrap();
    let row = size.width() * case.format.channels();
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let noise = (0..row * size.height()).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Flat areas, edges and noise.
        if state & 0x300 == 0 { 255 } else { (state >> 24) as u8 }
    });
    let image = Image::new(size, case.format, row, Bytes::from_iter(noise)).unwrap();
    let parameters: BTreeMap<String, String> = match case.operation {
        "blur" => [
            ("kernel_size", case.taps.to_string()),
            ("sigma", case.sigma.to_string()),
            ("border_mode", case.border.to_owned()),
        ]
        .map(|(id, value)| (id.to_owned(), value))
        .into(),
        _ => BTreeMap::new(),
    };
    let chain = Chain::parse(&Catalog::standard(), [(case.operation, &parameters)]).unwrap();
    let output = CpuBackend::new(Pool::new(1 << 24)).run(&chain, image.clone()).unwrap();
    (image, output.image)
}

#[test]
fn every_result_is_the_one_of_opencv() {
    let cases = cases();
    let mut input = Vec::new();
    for (seed, case) in cases.iter().enumerate() {
        let Case { operation, border, taps, sigma, size: (width, height), format } = case;
        let channels = format.channels();
        let line = format!("{operation} {border} {taps} {sigma} {width} {height} {channels}\n");
        let (from, to) = run(case, seed as u32);
        input.extend([line.as_bytes(), from.data(), to.data()].concat());
    }
    let answer = tools::run(&mut tools::python("opencv_parity.py"), input);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with(&format!("{} cases agree", cases.len())), "{answer}");
}
