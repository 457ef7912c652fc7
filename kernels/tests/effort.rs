//! What filters are expected to cost before anything was measured, against what they cost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "real work takes real time"
)]

#[path = "interrupt/expensive.rs"]
mod expensive;

use std::time::{Duration, Instant};

use ocelli_kernels::{
    Backend as _, Catalog, CpuBackend, Image, Interrupt, PixelFormat, Planned, Pool,
};

use expensive::{EXPENSIVE, image, parse};

/// Several sets of parameters for filters whose costs depend on them.
const MORE: &[(PixelFormat, &str)] = &[
    (PixelFormat::Gray8, "bilateral diameter=5"),
    (PixelFormat::Gray8, "bilateral diameter=21"),
    (PixelFormat::Rgb8, "bilateral diameter=3"),
    (PixelFormat::Rgb8, "bilateral diameter=15"),
    (PixelFormat::Rgb8, "blur kernel_size=3"),
    (PixelFormat::Rgb8, "blur kernel_size=31"),
    (PixelFormat::Rgb8, "blur kernel_size=101 sigma=30"),
    (PixelFormat::Rgb8, "blur kernel_size=5 separable=false"),
    (PixelFormat::Rgb8, "box_blur kernel_size=15"),
    (PixelFormat::Rgb8, "box_blur kernel_size=31"),
    (PixelFormat::Rgb8, "median kernel_size=5"),
    (PixelFormat::Rgb8, "median kernel_size=11"),
    (PixelFormat::Rgb8, "median kernel_size=51"),
    (PixelFormat::Rgb8, "motion_blur length=15 angle=33"),
    (PixelFormat::Rgb8, "motion_blur length=101"),
    (PixelFormat::Rgb8, "convolution"),
    (PixelFormat::Rgb8, "convolution kernel=1,2,1,2,4,2,1,2,1"),
    (PixelFormat::Rgb8, "adaptive_threshold block_size=5"),
    (PixelFormat::Gray8, "adaptive_threshold block_size=31"),
    (PixelFormat::Gray8, "adaptive_threshold method=gaussian block_size=5"),
    (PixelFormat::Gray8, "adaptive_threshold method=gaussian block_size=31"),
    (PixelFormat::Rgb8, "dilate kernel_size=15"),
    (PixelFormat::Rgb8, "dilate kernel_size=63"),
    (PixelFormat::Rgb8, "dilate shape=ellipse kernel_size=15"),
    (PixelFormat::Rgb8, "dilate shape=cross kernel_size=15"),
    (PixelFormat::Rgb8, "dilate shape=ellipse kernel_size=63"),
    (PixelFormat::Rgb8, "dilate shape=ellipse kernel_size=63 iterations=10"),
    (PixelFormat::Rgb8, "open kernel_size=15"),
    (PixelFormat::Rgb8, "open shape=ellipse kernel_size=31 iterations=3"),
    (PixelFormat::Rgb8, "log kernel_size=31"),
    (PixelFormat::Rgb8, "unsharp_mask kernel_size=15"),
    (PixelFormat::Rgb8, "sobel"),
    (PixelFormat::Rgb8, "laplacian kernel_size=1"),
    (PixelFormat::Rgb8, "resize width=320 filter=lanczos3"),
    (PixelFormat::Rgb8, "resize width=320 filter=area"),
    (PixelFormat::Rgb8, "resize width=2000 filter=lanczos3"),
    (PixelFormat::Rgb8, "resize width=2000"),
    (PixelFormat::Rgb8, "rotate angle=33"),
    (PixelFormat::Rgb8, "rotate angle=33 filter=nearest"),
    (PixelFormat::Rgb8, "canny"),
];

fn measured(planned: &Planned, input: &Image) -> Duration {
    let mut backend = CpuBackend::new(Pool::new(1 << 30));
    let mut least = Duration::MAX;
    let all = Instant::now();
    for _ in 0..6 {
        let started = Instant::now();
        backend.run_planned(planned, input.clone(), &Interrupt::never()).unwrap();
        least = least.min(started.elapsed());
        if all.elapsed() > Duration::from_millis(400) {
            break;
        }
    }
    least
}

#[test]
fn a_prior_is_near_what_was_measured() {
    if std::env::var_os("OCELLI_LONG").is_none() {
        return;
    }
    let mut wrong = Vec::new();
    let defaults: Vec<String> =
        Catalog::standard().definitions().map(|known| known.id.to_owned()).collect();
    let defaults: Vec<(PixelFormat, &str)> =
        [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Rgba8, PixelFormat::Nv12]
            .into_iter()
            .flat_map(|format| defaults.iter().map(move |id| (format, id.as_str())))
            .filter(|(_, id)| !["lut", "draw", "redact"].contains(id))
            .collect();
    for (format, text) in EXPENSIVE.iter().chain(MORE).chain(&defaults) {
        for size in [(640, 480), (1600, 1200)] {
            let input = image(size, *format, &Pool::new(0));
            let Ok(planned) = Planned::new(parse(text), input.shape()) else { continue };
            if planned.output().size.pixels() > 10_000_000 || text.contains("FILLS") {
                continue;
            }
            let (prior, took) = (planned.prior_cpu(), measured(&planned, &input));
            let bytes: f64 = planned.step_work().iter().sum();
            let factor = took.as_secs_f64() / prior.as_secs_f64().max(1e-9);
            let per_unit = took.as_secs_f64() * 1e9 / bytes;
            println!("{factor:8.2} {per_unit:9.3} {took:>10.1?} {format:?} {text} {size:?}");
            // A build that checks every sum for overflow takes several times as long for some.
            let most = if cfg!(debug_assertions) { 50.0 } else { 4.0 };
            if !(0.25..=most).contains(&factor) {
                wrong.push(format!("{text} {format:?} {size:?}: {took:?} instead of {prior:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
