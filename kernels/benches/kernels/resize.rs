//! `resize` against the crate `fast_image_resize`, on one thread, with the filters that both have:
//! its convolutions smooth when they shrink, as our lanczos3 does; to enlarge, bilinear and bicubic
//! look at the same pixels, too.

use std::collections::BTreeMap;
use std::time::Instant;

use fast_image_resize::images::{Image as Theirs, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use ocelli_kernels::{Backend as _, Catalog, Chain, CpuBackend, PixelFormat, Pool};

use crate::picture;
use crate::report::Row;

/// Filter, from, to.
type Listed = (&'static str, (u32, u32), (u32, u32));

const LIST: &[Listed] = &[
    ("lanczos3", (1920, 1080), (1280, 720)),
    ("lanczos3", (1920, 1080), (640, 360)),
    ("lanczos3", (3840, 2160), (640, 360)),
    ("lanczos3", (1280, 720), (1920, 1080)),
    ("bilinear", (1280, 720), (1920, 1080)),
    ("bicubic", (1280, 720), (1920, 1080)),
];

const ROUNDS: usize = 7;

/// Measures those whose name the selection takes.
pub(crate) fn rows(mut takes: impl FnMut(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (filter, from, to) in LIST {
        for format in PixelFormat::INTERLEAVED {
            let name = format!(
                "resize_fast_image_resize_{filter}_{format:?}_{}x{}_{}x{}_1t",
                from.0, from.1, to.0, to.1
            );
            let name = name.to_lowercase();
            if takes(&name) {
                let row = measure(name, filter, *from, *to, format);
                row.print();
                rows.push(row);
            }
        }
    }
    rows
}

fn measure(
    name: String,
    filter: &str,
    from: (u32, u32),
    to: (u32, u32),
    format: PixelFormat,
) -> Row {
    let image = picture::scene(from, format);
    let given = [("width", to.0.to_string()), ("height", to.1.to_string())];
    let mut parameters: BTreeMap<String, String> =
        given.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    parameters.insert("filter".to_owned(), filter.to_owned());
    let chain = Chain::parse(&Catalog::standard(), [("resize", &parameters)])
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut backend = CpuBackend::new(Pool::new(512 << 20));
    let pixels = match format {
        PixelFormat::Gray8 => PixelType::U8,
        PixelFormat::Rgb8 => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let source = ImageRef::new(from.0, from.1, image.data(), pixels).expect("it is packed");
    let mut target = Theirs::new(to.0, to.1, pixels);
    let kind = match filter {
        "bilinear" => FilterType::Bilinear,
        "bicubic" => FilterType::CatmullRom,
        _ => FilterType::Lanczos3,
    };
    // Alpha as a fourth channel, as ours.
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(kind)).use_alpha(false);
    let mut resizer = Resizer::new();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut best = f64::INFINITY;
        for _ in 0..10 {
            let start = Instant::now();
            let output = backend.run(&chain, image.clone());
            best = best.min(start.elapsed().as_nanos() as f64 / 1000.0);
            drop(std::hint::black_box(output).unwrap_or_else(|e| panic!("{name}: {e}")));
        }
        ours.push(best);
        best = f64::INFINITY;
        for _ in 0..10 {
            let start = Instant::now();
            resizer.resize(&source, &mut target, &options).expect("it resizes");
            best = best.min(start.elapsed().as_nanos() as f64 / 1000.0);
            std::hint::black_box(&target);
        }
        theirs.push(best);
    }
    Row { name, ours_us: median(ours), yardstick_us: median(theirs), goal: 1.0, range: None }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
