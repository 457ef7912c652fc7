//! What a GPU makes of all cases, against the CPU; without one, that its absence is an error.
//!
//! With `OCELLI_REQUIRE_GPU` set, that is a failure: `make gpu-check`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout)]

#[path = "parity/cases/mod.rs"]
#[allow(dead_code, reason = "other tests look at more of a case")]
mod cases;
#[path = "parity/generated.rs"]
mod generated;

use ocelli_kernels::analysis;
use ocelli_kernels::internals::CudaOptions;
use ocelli_kernels::{
    Accelerator, Backend as _, BackendError, Chain, CpuBackend, CudaBackend, Family, Image, Output,
    PixelFormat, Planned, Pool, probe,
};

use cases::Content;
use generated::steps;

/// The GPU; `None` if there is none and none is required.
fn gpu(options: CudaOptions) -> Option<CudaBackend> {
    let opened = CudaBackend::open_with(0, Pool::new(1 << 26), options);
    let reason = match (probe().cuda, opened) {
        (Ok(devices), Ok(backend)) => {
            assert!(CudaBackend::open(devices.len(), Pool::new(0)).is_err());
            return Some(backend);
        }
        (Ok(devices), Err(error)) => panic!("{devices:?} do not open: {error}"),
        (Err(reason), Ok(_)) => panic!("a GPU opens that is not there: {reason}"),
        (Err(reason), Err(_)) => reason,
    };
    assert!(!reason.is_empty());
    println!("no GPU: {reason}");
    assert!(std::env::var_os("OCELLI_REQUIRE_GPU").is_none(), "no GPU: {reason}");
    None
}

fn cpu() -> CpuBackend {
    CpuBackend::new(Pool::new(1 << 26))
}

#[track_caller]
fn same(gpu: &Output, cpu: &Output, tolerance: u8, what: &str) {
    assert_eq!(gpu.image.shape(), cpu.image.shape(), "{what}");
    assert_eq!(gpu.tensor, cpu.tensor, "{what}");
    assert_eq!(gpu.steps.len(), cpu.steps.len(), "{what}");
    let pool = Pool::new(0);
    let (ours, must) = (gpu.image.to_packed(&pool), cpu.image.to_packed(&pool));
    let far = |(a, b): (&u8, &u8)| a.abs_diff(*b) > tolerance;
    let differ = ours.data().iter().zip(must.data()).position(far);
    assert_eq!(differ, None, "{what}");
}

fn tolerance(chain: &Chain) -> u8 {
    chain.operations().iter().map(|operation| operation.definition().tolerance).sum()
}

#[test]
fn all_cases_give_what_the_cpu_gives() {
    let Some(mut gpu) = gpu(CudaOptions::default()) else { return };
    assert_eq!(gpu.accelerator(), Accelerator::Cuda);
    let mut count = 0;
    for case in Family::ALL.into_iter().flat_map(cases::of) {
        let chain = case.chain();
        if chain.runs_on_cuda() {
            let what = format!("{case:?}");
            let must = cpu().run(&chain, case.image(0)).unwrap();
            let is = gpu.run(&chain, case.image(5)).unwrap_or_else(|e| panic!("{what}: {e}"));
            same(&is, &must, tolerance(&chain), &what);
            count += 1;
        }
    }
    println!("{count} cases");
    assert!(count > 0);
}

#[test]
fn chains_and_batches_give_what_single_frames_give() {
    // Small batches and no kept kernels, so that there are several of them on their way.
    let options =
        CudaOptions { kernel_folder: None, batch_bytes: 1 << 20, ..CudaOptions::default() };
    let Some(mut gpu) = gpu(options) else { return };
    for steps in generated::chains() {
        let chain = generated::parse(&steps);
        for (image, what) in generated::images(&steps) {
            let images: Vec<Image> = (0..17)
                .map(|number| {
                    let content = if number % 2 == 0 { Content::Noise } else { Content::Scene };
                    let size = (image.size().width() as u32, image.size().height() as u32);
                    cases::image(content, size, image.format(), number % 3)
                })
                .collect();
            let planned = Planned::new(chain.clone(), images[0].shape()).unwrap();
            let results = gpu.run_batch(&planned, images.clone(), &[]);
            assert_eq!(results.len(), images.len());
            for (image, result) in images.into_iter().zip(results) {
                let must = cpu().run(&chain, image).unwrap();
                same(&result.unwrap(), &must, tolerance(&chain), &what);
            }
        }
    }
}

#[test]
fn frames_differ_as_on_the_cpu() {
    // Several batches.
    let options = CudaOptions { batch_bytes: 1 << 18, ..CudaOptions::default() };
    let Some(mut gpu) = gpu(options) else { return };
    for format in PixelFormat::ALL {
        let frames: Vec<Image> = (0..9)
            .map(|number| {
                let content = if number % 2 == 0 { Content::Noise } else { Content::Scene };
                cases::image(content, (131, 67), format, number % 3)
            })
            .collect();
        let pairs = frames.windows(2);
        let must: Vec<_> =
            pairs.map(|pair| analysis::difference(&pair[0], &pair[1], 20).unwrap()).collect();
        assert_eq!(gpu.differences(&frames, 20).unwrap(), must, "{format:?}");
    }
    assert_eq!(gpu.differences(&[], 20).unwrap(), []);
}

#[test]
fn batches_end_in_any_order_and_lanes_are_counted() {
    let Some(mut gpu) = gpu(CudaOptions { lanes: 2, ..CudaOptions::default() }) else { return };
    let chain = generated::parse(&steps(&["blur", "grayscale"]));
    let image = |side| cases::image(Content::Noise, (side, side), PixelFormat::Rgb8, 0);
    let first = gpu.submit(&chain, vec![image(500)]).unwrap();
    let second = gpu.submit(&chain, vec![image(30), image(30)]).unwrap();
    assert_eq!(gpu.free_lanes(), 0);
    let third = gpu.submit(&chain, vec![image(30)]);
    assert!(matches!(third, Err(BackendError::DeviceBusy(_))));
    for (ticket, side) in [(second, 30), (first, 500)] {
        let (outputs, times) = gpu.complete(ticket).unwrap();
        let must = cpu().run(&chain, image(side)).unwrap();
        outputs.iter().for_each(|output| same(output, &must, 0, "a batch"));
        assert!(times.compute >= outputs[0].steps.iter().sum());
    }
    assert!(matches!(gpu.complete(first), Err(BackendError::Internal(_))));
    let mixed = gpu.submit(&chain, vec![image(30), image(31)]);
    assert!(matches!(mixed, Err(BackendError::Internal(_))));
    assert_eq!(gpu.free_lanes(), 2);
}
