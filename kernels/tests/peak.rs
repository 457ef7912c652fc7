//! A run takes no more memory than its plan states.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "how close the bounds are")]
#![allow(unsafe_code, reason = "an allocator that counts")]

#[path = "parity/cases/mod.rs"]
#[allow(dead_code, reason = "only some of it is needed here")]
mod cases;
#[path = "../media/tests/counting/mod.rs"]
mod counting;

use std::collections::BTreeMap;
use std::sync::Arc;

use ocelli_kernels::{
    Backend as _, Catalog, Chain, CpuBackend, Family, Image, Interrupt, PixelFormat, Planned, Pool,
    WorkerPool,
};

use counting::peak;

/// What is not pixels: plans, lists of the pool.
const SLACK: usize = 64 << 10;

/// Chains of more than one step, which share memory between them.
const CHAINS: [&[(&str, &str, &str)]; 5] = [
    &[("blur", "kernel_size", "31"); 4],
    &[("bilateral", "diameter", "51"); 3],
    &[
        ("invert", "", ""),
        ("median", "kernel_size", "101"),
        ("sobel", "", ""),
        ("gamma", "gamma", "2"),
    ],
    &[("resize", "width", "900"), ("box_blur", "kernel_size", "255"), ("canny", "low", "0")],
    &[("grayscale", "", ""), ("clahe", "", ""), ("normalize_to_tensor", "", "")],
];

fn chain(steps: &[(&str, &str, &str)]) -> Chain {
    let given: Vec<(&str, BTreeMap<String, String>)> = steps
        .iter()
        .map(|(id, name, value)| {
            let set = (!name.is_empty()).then(|| (name.to_string(), value.to_string()));
            (*id, set.into_iter().collect())
        })
        .collect();
    Chain::parse(&Catalog::standard(), given.iter().map(|(id, given)| (*id, given))).unwrap()
}

struct Measure {
    closest: f64,
    wrong: Vec<String>,
}

impl Measure {
    fn run(&mut self, what: &str, chain: Chain, image: &Image, workers: Option<&Arc<WorkerPool>>) {
        let Ok(planned) = Planned::new(chain, image.shape()) else { return };
        // The allocator does not see buffers of two megabytes and more.
        let small = |bytes: usize| bytes < 1 << 21;
        let tensor = planned.tensor().map_or(0, |tensor| tensor.bytes());
        if !small(tensor) || !planned.results().all(|shape| small(shape.bytes())) {
            return;
        }
        let backend = CpuBackend::new(Pool::new(0));
        let mut backend = match workers {
            Some(workers) => backend.with_workers(Arc::clone(workers)),
            None => backend,
        };
        let stated = planned.peak_bytes_on(workers.map_or(1, |workers| workers.threads()));
        let input = image.clone();
        let (took, result) = peak(|| backend.run_planned(&planned, input, &Interrupt::never()));
        result.unwrap();
        let took = took + image.shape().bytes();
        self.closest = self.closest.max(took as f64 / stated as f64);
        if took > stated + SLACK {
            let shape = image.shape();
            self.wrong.push(format!("{what} {shape:?}: {took} bytes, {stated} were stated"));
        }
    }
}

/// One test, so that no other thread takes memory meanwhile.
#[test]
fn runs_take_no_more_memory_than_their_plans_state() {
    let sizes = match std::env::var_os("OCELLI_LONG") {
        Some(_) => [(400, 300), (3000, 70), (70, 3000)],
        None => [(160, 120), (800, 20), (20, 800)],
    };
    let workers = Arc::new(WorkerPool::new(4).unwrap().sharing_from(0));
    for workers in [None, Some(&workers)] {
        let mut measure = Measure { closest: 0.0, wrong: Vec::new() };
        for size in sizes {
            let images: Vec<Image> = PixelFormat::ALL
                .iter()
                .map(|format| cases::image(cases::Content::Noise, size, *format, 0))
                .collect();
            let image = |format| images.iter().find(|image| image.format() == format).unwrap();
            let mut seen = Vec::new();
            for case in Family::ALL.into_iter().flat_map(cases::of) {
                let kind = (case.filter, case.parameters.clone(), case.format);
                if !seen.contains(&kind) {
                    seen.push(kind);
                    let what = format!("{} {:?}", case.filter, case.parameters);
                    measure.run(&what, case.chain(), image(case.format), workers);
                }
            }
            for steps in CHAINS {
                for image in &images {
                    measure.run(&format!("{steps:?}"), chain(steps), image, workers);
                }
            }
        }
        println!("runs take up to {:.2} of what is stated", measure.closest);
        assert!(measure.wrong.is_empty(), "{} {:#?}", measure.wrong.len(), measure.wrong);
    }
}
