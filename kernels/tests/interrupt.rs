//! A run stops soon after its interrupt is set, whatever the filter, its parameters and the image.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "real work takes real time"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ocelli_kernels::{
    Backend as _, BackendError, Catalog, Chain, CpuBackend, Image, Interrupt, PixelFormat, Planned,
    Pool, Size, WorkerPool,
};

use PixelFormat::{Gray8, I420, Nv12, Rgb8, Rgba8};

/// The promise is 50 ms; shared machines are noisy.
const MOST: Duration = Duration::from_millis(250);

/// When the interrupt is set: most of the runs take far longer, the others end before.
const AFTER: Duration = Duration::from_millis(30);

/// Filters in the text form of a chain, with the parameters that take longest.
const EXPENSIVE: &[(PixelFormat, &str)] = &[
    (Gray8, "adaptive_threshold method=gaussian block_size=101"),
    (Gray8, "adaptive_threshold block_size=101"),
    (Rgba8, "brightness_contrast brightness=10"),
    (Rgba8, "clahe tiles_x=64 tiles_y=64"),
    (Gray8, "clahe tiles_x=1 tiles_y=1"),
    (Rgb8, "color_convert from=rgb to=lab"),
    (Rgb8, "color_convert from=lab to=nv12"),
    (Nv12, "color_convert to=lab"),
    (I420, "color_convert to=nv12"),
    (Rgba8, "color_matrix matrix=0.3,0.3,0.3,0,0.3,0.3,0.3,0,0.3,0.3,0.3,1"),
    (Rgba8, "equalize"),
    (Rgba8, "gamma gamma=2.2"),
    (I420, "grayscale algorithm=lightness"),
    (Rgba8, "invert"),
    (Rgba8, "lut"),
    (Rgba8, "saturation_hue hue=77"),
    (Rgba8, "sepia"),
    (Gray8, "threshold method=otsu"),
    (Rgba8, "white_balance"),
    (Gray8, "bilateral diameter=51"),
    (Rgba8, "bilateral diameter=51 border_mode=wrap"),
    (Gray8, "bilateral diameter=13"),
    (Rgba8, "blur kernel_size=255 sigma=60"),
    (Rgba8, "blur kernel_size=31 separable=false"),
    (Rgba8, "box_blur kernel_size=255"),
    (Rgba8, "median kernel_size=3"),
    (Rgba8, "median kernel_size=5"),
    (Rgba8, "median kernel_size=255"),
    (Gray8, "median kernel_size=7"),
    (Rgba8, "motion_blur length=101 angle=33"),
    (Gray8, "canny low=0 high=1"),
    (Rgba8, "canny aperture=7 l2_gradient=true low=0 high=1"),
    (Rgba8, "laplacian kernel_size=7"),
    (Rgba8, "log kernel_size=31 laplacian_size=7"),
    (Rgba8, "log kernel_size=31 laplacian_size=7 border_mode=wrap"),
    (Rgba8, "scharr"),
    (Rgba8, "sobel kernel_size=7"),
    (Rgba8, "convolution KERNEL"),
    (Gray8, "convolution KERNEL offset=0.5"),
    (Rgba8, "high_pass kernel_size=31"),
    (Rgba8, "unsharp_mask kernel_size=31"),
    (Rgba8, "black_hat shape=ellipse kernel_size=63 iterations=10"),
    (Rgba8, "close shape=ellipse kernel_size=63 border_mode=wrap"),
    (Rgba8, "dilate kernel_size=63 iterations=10"),
    (Gray8, "erode shape=cross kernel_size=63 iterations=10"),
    (Rgba8, "gradient shape=ellipse kernel_size=63 iterations=10"),
    (Gray8, "open kernel_size=63 iterations=10"),
    (Gray8, "top_hat shape=ellipse kernel_size=63"),
    (Rgba8, "crop x=3"),
    (Rgba8, "flip direction=both"),
    (Gray8, "letterbox width=8000 height=7800 filter=lanczos3"),
    (Rgba8, "pad left=1000 top=1000"),
    (Rgba8, "pad left=1000 top=1000 border_mode=reflect"),
    (Gray8, "resize width=7990 height=7990 filter=lanczos3"),
    (Rgba8, "resize width=1 height=1 filter=lanczos3"),
    (Rgba8, "resize width=1 height=1 filter=area"),
    (Rgba8, "resize width=7000 height=7000 filter=nearest"),
    (Rgba8, "resize width=7000 height=7000 filter=bicubic"),
    (Rgba8, "rotate angle=90"),
    (Rgba8, "rotate angle=33 filter=bicubic"),
    (Rgba8, "warp_affine matrix=1,0.3,1,0.2,1,1 filter=bicubic"),
    (Rgba8, "warp_perspective matrix=1,0.3,1,0.2,1,1,0.0001,0,1 filter=bicubic border_mode=wrap"),
    (Rgba8, "emboss strength=10"),
    (Rgba8, "pixelate block_size=256"),
    (Rgba8, "posterize"),
    (Rgba8, "vignette"),
    (Rgba8, "draw FILLS"),
    (Rgba8, "redact REGIONS strength=2 mode=blur"),
    (Rgba8, "redact REGIONS strength=256 mode=pixelate"),
    (Rgba8, "redact REGIONS mode=fill"),
    (Rgba8, "histogram"),
    (Nv12, "histogram"),
    (Rgba8, "normalize_to_tensor width=7000 height=7000"),
    (Nv12, "normalize_to_tensor layout=nhwc element=f16"),
];

fn parse(text: &str) -> Chain {
    let mut words = text.split(' ');
    let id = words.next().unwrap();
    let mut given = BTreeMap::new();
    for word in words {
        let (name, value) = match word {
            "KERNEL" => ("kernel", (0..225).map(|at| format!("{}.5 ", at % 17)).collect()),
            "FILLS" => ("shapes", "fill 0 0 16384 4000 #ff000080;".repeat(200)),
            "REGIONS" => ("regions", "0 0 16384 16384 ".repeat(256)),
            _ => {
                let (name, value) = word.split_once('=').unwrap();
                (name, value.to_owned())
            }
        };
        given.insert(name.to_owned(), value.trim_end_matches([' ', ';']).to_owned());
    }
    if id == "lut" {
        let levels: Vec<String> = (0..256).map(|at| (255 - at).to_string()).collect();
        given.insert("table".to_owned(), levels.join(" "));
    }
    Chain::parse(&Catalog::standard(), [(id, &given)])
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Noise: nothing about it is quick.
fn image((width, height): (u32, u32), format: PixelFormat, pool: &Pool) -> Image {
    let size = Size::new(width, height).unwrap();
    let mut buffer = pool.take(ocelli_kernels::Shape::new(size, format).bytes());
    let mut state = 1_u32;
    for byte in buffer.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    Image::packed(size, format, buffer).unwrap()
}

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
    if format == Rgba8 || format == Rgb8 { 4000 } else { 8000 }
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
        let input = image((8000, 8000), Gray8, &Pool::new(0));
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
    let input = image((64, 64), Gray8, &Pool::new(0));
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
