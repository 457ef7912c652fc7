//! What it saves to run steps together: chains against their own steps.

use std::collections::BTreeMap;
use std::time::Instant;

use ocelli_kernels::{Backend as _, Catalog, Chain, CpuBackend, Image, PixelFormat, Pool};

use crate::picture;
use crate::report::Row;

/// Steps, as `--filter` has them.
struct Listed {
    name: &'static str,
    steps: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    against: Against,
}

enum Against {
    /// The slowest step alone; the chain may take 1.3 times as long.
    Slowest,
    /// All steps one by one; the chain may take 0.8 times as long.
    Sum,
}

const LIST: &[Listed] = &[
    Listed {
        name: "chain_five_pointwise",
        steps: &[
            ("brightness_contrast", &[("brightness", "12"), ("contrast", "1.2")]),
            ("gamma", &[("gamma", "1.4")]),
            ("sepia", &[]),
            ("invert", &[]),
            ("posterize", &[("levels", "8")]),
        ],
        against: Against::Slowest,
    },
    Listed {
        name: "chain_five_tables",
        steps: &[
            ("brightness_contrast", &[("brightness", "12"), ("contrast", "1.2")]),
            ("gamma", &[("gamma", "1.4")]),
            ("invert", &[]),
            ("threshold", &[("mode", "to_zero")]),
            ("posterize", &[("levels", "8")]),
        ],
        against: Against::Slowest,
    },
    Listed {
        name: "chain_blur_sobel_threshold",
        steps: &[("blur", &[]), ("sobel", &[]), ("threshold", &[])],
        against: Against::Sum,
    },
];

const ROUNDS: usize = 7;

/// Measures those whose name the selection takes.
pub(crate) fn rows(mut takes: impl FnMut(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for listed in LIST {
        for format in [PixelFormat::Gray8, PixelFormat::Rgb8] {
            for size in [(640, 480), (1920, 1080), (3840, 2160)] {
                let name = format!("{}_{format:?}_{}x{}", listed.name, size.0, size.1);
                let name = name.to_lowercase();
                let Some(together) = parse(listed.steps) else { continue };
                let image = picture::scene(size, format);
                if together.output(image.shape()).is_ok() && takes(&name) {
                    let row = measure(name, listed, &together, &image);
                    row.print();
                    rows.push(row);
                }
            }
        }
    }
    rows
}

fn parse(steps: &[(&'static str, &[(&'static str, &'static str)])]) -> Option<Chain> {
    let steps: Vec<(&str, BTreeMap<String, String>)> = steps
        .iter()
        .map(|(id, given)| {
            (*id, given.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect())
        })
        .collect();
    Chain::parse(&Catalog::standard(), steps.iter().map(|(id, given)| (*id, given))).ok()
}

/// All take turns in each round.
fn measure(name: String, listed: &Listed, together: &Chain, image: &Image) -> Row {
    let alone: Vec<Chain> =
        listed.steps.iter().filter_map(|step| parse(std::slice::from_ref(step))).collect();
    // What each step gets when they run one by one.
    let mut backend = CpuBackend::new(Pool::new(512 << 20));
    let mut inputs = vec![image.clone()];
    for chain in &alone {
        let output = backend.run(chain, inputs[inputs.len() - 1].clone()).unwrap();
        inputs.push(output.image);
    }
    let mut time = |chain: &Chain, image: &Image| {
        let calls = (8_000_000 / image.data().len()).clamp(3, 40);
        let mut best = f64::INFINITY;
        for _ in 0..calls {
            let start = Instant::now();
            let output = backend.run(chain, image.clone());
            best = best.min(start.elapsed().as_nanos() as f64 / 1000.0);
            drop(std::hint::black_box(output).unwrap());
        }
        best
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let chain = time(together, image);
        let steps: Vec<f64> =
            alone.iter().zip(&inputs).map(|(chain, image)| time(chain, image)).collect();
        if round > 0 {
            ours.push(chain);
            theirs.push(match listed.against {
                Against::Slowest => steps.iter().copied().fold(0.0, f64::max),
                Against::Sum => steps.iter().sum(),
            });
        }
    }
    let goal = match listed.against {
        Against::Slowest => 1.0 / 1.3,
        Against::Sum => 1.0 / 0.8,
    };
    Row {
        name,
        ours_us: crate::median(ours),
        yardstick_us: crate::median(theirs),
        goal,
        range: None,
    }
}
