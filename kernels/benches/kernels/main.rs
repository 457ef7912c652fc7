//! Our operations against OpenCV's, in one run: prints a table, writes `target/bench/kernels.json`.
//!
//! ```text
//! cargo bench -p ocelli-kernels --bench kernels -- [WORD...] [--threads 1|all] [--size 640x480] [--level avx2]
//! ```
//!
//! Words select the rows whose name has one of them; with none, all run. `--level` keeps both
//! sides from using wider vectors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::disallowed_types)]

mod bandwidth;
mod cases;
mod chains;
mod opencv;
mod picture;
mod report;
mod resize;
mod selection;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use cases::Bench;
use ocelli_kernels::{Backend as _, Catalog, Chain, CpuBackend, Image, Pool, WorkerPool, probe};
use opencv::OpenCv;
use report::Row;
use selection::Selection;

/// How long ours, and as long OpenCV's, is measured for a row.
const BUDGET_MS: f64 = 150.0;
const ROUNDS: usize = 5;
/// In a round. Short work needs many: within its first half millisecond it depends on the
/// scheduler whether a second thread has a core yet, for both sides.
const MOST_CALLS: f64 = 3000.0;
/// Rows below that ratio, where it is not clear who is ahead, are measured in so many sittings,
/// with processes and memory of their own: where the system put the pages of a frame makes copies
/// faster or slower by several percent, for as long as a process lives.
const CLOSE: f64 = 1.03;
const SITTINGS: usize = 9;

fn main() {
    let selection = Selection::from_arguments();
    let mut opencv = OpenCv::start(selection.level.as_deref());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let level = selection.level.as_deref().unwrap_or(probe().cpu);
    println!("ours: {level}, yardstick: OpenCV {}, {threads} cores", opencv.version);
    let workers = Arc::new(WorkerPool::new(threads).unwrap());
    let mut rows = Vec::new();
    let mut pictures = HashMap::new();
    report::head();
    for bench in cases::all() {
        for &size in bench.sizes() {
            for threads in [1, threads] {
                if selection.takes(&bench, size, threads) {
                    let image = pictures
                        .entry((size, bench.format))
                        .or_insert_with(|| picture::scene(size, bench.format));
                    let with = (threads, level, &workers);
                    let mut row = measure(&bench, (size, image), with, &mut opencv);
                    if row.ratio() < CLOSE {
                        let others = (1..SITTINGS).map(|_| {
                            let image = picture::copy(image);
                            let mut opencv = OpenCv::start(selection.level.as_deref());
                            measure(&bench, (size, &image), with, &mut opencv)
                        });
                        row = middle(std::iter::once(row).chain(others).collect());
                    }
                    row.print();
                    rows.push(row);
                }
                if threads == 1 && workers.threads() == 1 {
                    break;
                }
            }
        }
    }
    report::summary(&rows);
    rows.extend(resize::rows(|name| selection.takes_name(name)));
    rows.extend(bandwidth::rows(|name| selection.takes_name(name)));
    rows.extend(chains::rows(|name| selection.takes_name(name)));
    if selection.is_everything() {
        report::write(&rows);
    }
}

/// Both take turns: what else the machine does hits both alike.
fn measure(
    bench: &Bench,
    (size, image): ((u32, u32), &Image),
    (threads, level, workers): (usize, &str, &Arc<WorkerPool>),
    opencv: &mut OpenCv,
) -> Row {
    let parameters = bench.parameters();
    let chain = Chain::parse(&Catalog::standard(), [(bench.filter, &parameters)])
        .unwrap_or_else(|error| panic!("{bench:?}: {error}"));
    let mut backend = CpuBackend::new(Pool::new(512 << 20))
        .with_level(level)
        .unwrap_or_else(|| panic!("this CPU has no {level}"));
    if threads > 1 {
        backend = backend.with_workers(Arc::clone(workers));
    }
    let mut ours = |calls: usize| {
        let mut best = f64::INFINITY;
        for _ in 0..calls {
            let start = Instant::now();
            let output = backend.run(&chain, image.clone());
            best = best.min(start.elapsed().as_nanos() as f64 / 1000.0);
            drop(std::hint::black_box(output).unwrap_or_else(|e| panic!("{bench:?}: {e}")));
        }
        best
    };
    // The first calls warm up caches, pools and OpenCV's own tables.
    let once = ours(3);
    let their_once = opencv.time(bench, image, threads, 2);
    let calls =
        |once: f64| (BUDGET_MS * 1000.0 / ROUNDS as f64 / once).clamp(1.0, MOST_CALLS) as usize;
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_times.push(ours(calls(once)));
        their_times.push(opencv.time(bench, image, threads, calls(their_once)));
    }
    Row {
        name: bench.name(size, threads),
        ours_us: median(our_times),
        yardstick_us: median(their_times),
        goal: 1.0,
        range: None,
    }
}

/// The row with the median ratio.
fn middle(mut rows: Vec<Row>) -> Row {
    rows.sort_by(|one, other| one.ratio().total_cmp(&other.ratio()));
    let range = Some((rows[0].ratio(), rows[rows.len() - 1].ratio()));
    Row { range, ..rows.swap_remove(rows.len() / 2) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
