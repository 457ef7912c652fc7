//! A run stops soon after its interrupt is set, whatever the filter, its parameters and the image.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "real work takes real time"
)]

mod expensive;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ocelli_kernels::{
    Backend as _, BackendError, Catalog, Chain, CpuBackend, Image, Interrupt, PixelFormat, Planned,
    Pool, WorkerPool,
};

use expensive::{EXPENSIVE, image, parse};

/// The promise is 50 ms; shared machines are noisy.
const MOST: Duration = Duration::from_millis(250);

/// When the interrupt is set: most of the runs take far longer, the others end before.
const AFTER: Duration = Duration::from_millis(30);

/// How long a run took after its interrupt was set; `None` if it was done before.
fn late(backend: &mut CpuBackend, planned: &Planned, image: Image) -> Option<Duration> {
    let interrupt = Interrupt::new(None);
    let setter = interrupt.clone();
    let timer = std::thread::spawn(move || {
        std::thread::sleep(AFTER);
        setter.set();
        Instant::now()
    });
    let result = backend.run_planned(planned, image, &interrupt);
    let ended = Instant::now();
    let set = timer.join().unwrap();
    match result {
        Err(BackendError::Interrupted) => Some(ended.saturating_duration_since(set)),
        Ok(_) => None,
        Err(error) => panic!("{error}"),
    }
}

fn side(format: PixelFormat) -> u32 {
    if matches!(format, PixelFormat::Rgba8 | PixelFormat::Rgb8) { 4000 } else { 8000 }
}

fn long() -> bool {
    std::env::var_os("OCELLI_LONG").is_some()
}

/// Runs all of them, and returns those that took too long to stop.
fn too_late(backend: &mut CpuBackend, sizes: impl Fn(PixelFormat) -> (u32, u32)) -> Vec<String> {
    let pool = Pool::new(1 << 30);
    let mut inputs: BTreeMap<String, Image> = BTreeMap::new();
    let mut slow = Vec::new();
    for (format, text) in EXPENSIVE {
        let input = (inputs.entry(format!("{format:?}")))
            .or_insert_with(|| image(sizes(*format), *format, &pool))
            .clone();
        let Ok(planned) = Planned::new(parse(text), input.shape()) else { continue };
        let late = late(backend, &planned, input);
        let shown = late.map_or("done before".to_owned(), |late| format!("{late:.1?}"));
        println!("{shown:>12}  {format:?} {text}");
        if late.is_some_and(|late| late > MOST) {
            slow.push(format!("{text} {format:?}: {shown}"));
        }
    }
    slow
}

#[test]
fn every_filter_is_among_those_that_are_interrupted() {
    let tested: BTreeSet<_> =
        EXPENSIVE.iter().map(|(_, text)| text.split(' ').next().unwrap()).collect();
    let all: BTreeSet<_> = Catalog::standard().definitions().map(|known| known.id).collect();
    assert_eq!(tested, all);
}

#[test]
fn every_filter_stops_soon_after_its_interrupt() {
    let mut backend = CpuBackend::new(Pool::new(1 << 30));
    let slow = too_late(&mut backend, |format| (side(format), side(format)));
    assert!(slow.is_empty(), "{slow:#?}");
}

#[test]
fn all_threads_stop_and_so_do_images_of_extreme_shapes() {
    if !long() {
        return;
    }
    let workers = Arc::new(WorkerPool::new(4).unwrap());
    for sizes in [(16_000, 4000), (4000, 16_000), (16_384, 3900), (3, 16_384)] {
        println!("{sizes:?}");
        let mut one = CpuBackend::new(Pool::new(1 << 30));
        let mut several = one.clone().with_workers(Arc::clone(&workers));
        assert_eq!(too_late(&mut one, |_| sizes), Vec::<String>::new());
        assert_eq!(too_late(&mut several, |_| sizes), Vec::<String>::new());
    }
}

#[test]
fn a_chain_stops_between_and_within_steps_that_run_together() {
    let none = BTreeMap::new();
    let wide = BTreeMap::from([("diameter".to_owned(), "51".to_owned())]);
    for steps in [vec![("bilateral", &wide); 32], vec![("invert", &none), ("bilateral", &wide)]] {
        let chain = Chain::parse(&Catalog::standard(), steps).unwrap();
        let input = image((8000, 8000), PixelFormat::Gray8, &Pool::new(0));
        let planned = Planned::new(chain, input.shape()).unwrap();
        let workers = Arc::new(WorkerPool::new(2).unwrap());
        let one = CpuBackend::new(Pool::new(1 << 30));
        for mut backend in [one.clone(), one.with_workers(workers)] {
            let late = late(&mut backend, &planned, input.clone()).unwrap();
            println!("{late:.1?}");
            assert!(late < MOST, "{late:?}");
        }
    }
}

#[test]
fn a_deadline_that_has_passed_stops_a_run_before_it_begins() {
    let input = image((64, 64), PixelFormat::Gray8, &Pool::new(0));
    let planned = Planned::new(parse("blur"), input.shape()).unwrap();
    let mut backend = CpuBackend::new(Pool::new(0));
    let passed = Interrupt::new(Some(Instant::now()));
    let result = backend.run_planned(&planned, input.clone(), &passed);
    assert_eq!(result.map(drop), Err(BackendError::Interrupted));
    let later = Interrupt::new(Some(Instant::now() + Duration::from_secs(3600)));
    assert!(backend.run_planned(&planned, input.clone(), &later).is_ok());
    let interrupts = [later, passed];
    let results = backend.run_batch(&planned, vec![input; 3], &interrupts);
    let done: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, false, true]);
}

#[test]
fn an_interrupt_that_is_not_set_changes_no_result() {
    let mut one = CpuBackend::new(Pool::new(0));
    for (format, text) in EXPENSIVE {
        if text.contains("REGIONS") || text.contains("FILLS") {
            continue;
        }
        for size in [(301, 157), (1, 300), (1100, 9)] {
            let input = image(size, *format, &Pool::new(0));
            let Ok(planned) = Planned::new(parse(text), input.shape()) else { continue };
            if planned.output().size.pixels() > 10_000_000 {
                continue;
            }
            let mut run = |interrupt: &Interrupt| {
                let output = one.run_planned(&planned, input.clone(), interrupt).unwrap();
                (output.image, output.tensor)
            };
            let expected = run(&Interrupt::never());
            assert!(run(&Interrupt::new(None)) == expected, "{text} {size:?}");
        }
    }
}
