//! How much of the memory's bandwidth operations use that do little else than move pixels: against
//! a `memcpy` that reads and writes as many bytes, in the same run.

use std::collections::BTreeMap;
use std::time::Instant;

use ocelli_kernels::{Backend as _, Catalog, Chain, CpuBackend, PixelFormat, Pool};

use crate::picture;
use crate::report::Row;

/// Filters and parameters; those that the catalogue does not have are left out.
const LIST: &[(&str, &[(&str, &str)])] = &[
    ("grayscale", &[]),
    ("invert", &[]),
    ("lut", &[("table", "")]),
    ("flip", &[]),
    ("crop", &[("x", "16"), ("y", "16")]),
];

const SIZES: [(u32, u32); 2] = [(1920, 1080), (3840, 2160)];
const ROUNDS: usize = 7;
/// The ratio of a row is the share of the bandwidth.
const GOAL: f64 = 0.7;

/// Measures those whose name the selection takes.
pub(crate) fn rows(mut takes: impl FnMut(&str) -> bool) -> Vec<Row> {
    let catalog = Catalog::standard();
    let mut rows = Vec::new();
    for (filter, given) in LIST.iter().filter(|(filter, _)| catalog.get(filter).is_some()) {
        for size in SIZES {
            let name = format!("memcpy_share_{filter}_rgb8_{}x{}", size.0, size.1);
            if takes(&name) {
                let row = measure(&catalog, filter, given, size, name);
                row.print();
                rows.push(row);
            }
        }
    }
    rows
}

fn measure(
    catalog: &Catalog,
    filter: &str,
    given: &[(&str, &str)],
    size: (u32, u32),
    name: String,
) -> Row {
    let mut parameters: BTreeMap<String, String> =
        given.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    if filter == "lut" {
        // No formula makes it, so nothing is gained but by looking up.
        let table: Vec<String> = (0..256_u32).map(|at| (at * 77 % 256).to_string()).collect();
        parameters.insert("table".to_owned(), table.join(" "));
    }
    let chain = Chain::parse(catalog, [(filter, &parameters)])
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let image = picture::scene(size, PixelFormat::Rgb8);
    let mut backend = CpuBackend::new(Pool::new(512 << 20));
    let output = backend.run(&chain, image.clone()).unwrap().image;
    // A step that changes nothing would be infinitely fast.
    assert_ne!(output.data().as_ptr(), image.data().as_ptr(), "{name} does nothing");
    let written = output.data().len();
    let read = if filter == "crop" { written } else { image.data().len() };
    // A copy reads half of its bytes, and writes half.
    let moved = usize::midpoint(read, written);
    let pool = Pool::new(0);
    let (mut from, mut to) = (pool.take(moved), pool.take(moved));
    from.fill(7);
    let (mut ours, mut copies) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        for _ in 0..10 {
            let start = Instant::now();
            drop(std::hint::black_box(backend.run(&chain, image.clone())).unwrap());
            ours = ours.min(start.elapsed().as_nanos() as f64 / 1000.0);
        }
        for _ in 0..10 {
            let start = Instant::now();
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&mut to);
            copies = copies.min(start.elapsed().as_nanos() as f64 / 1000.0);
        }
    }
    Row { name, ours_us: ours, yardstick_us: copies, goal: GOAL, range: None }
}
