//! Our operations against OpenCV's on one thread, both measured in turn in the same run.
//!
//! Prints a table and writes `target/bench/kernels.json`. Run it with `cargo bench -p
//! ocelli-kernels`; OpenCV comes from `make tools`, or from the Python in `OCELLI_PYTHON`.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_types,
    reason = "a benchmark stops at the first problem, prints its table and takes real time"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use ocelli_kernels::{Backend, Catalog, Chain, CpuBackend, Image, PixelFormat, Pool, Size, probe};

const ROUNDS: usize = 12;
/// Ours has to take at most the time of OpenCV.
const GOAL: f64 = 1.0;

struct Case {
    operation: &'static str,
    size: (u32, u32),
    format: PixelFormat,
}

struct Row {
    name: String,
    ours_us: f64,
    yardstick_us: f64,
}

fn main() {
    let mut opencv = OpenCv::start();
    let probe = probe();
    println!("ours: {}, yardstick: OpenCV {}, one thread each", probe.cpu, opencv.version);
    let sizes = [(640, 480), (1920, 1080)];
    let kinds = [
        ("grayscale", PixelFormat::Rgb8),
        ("blur", PixelFormat::Rgb8),
        ("blur", PixelFormat::Gray8),
    ];
    let rows: Vec<Row> = kinds
        .into_iter()
        .flat_map(|(operation, format)| sizes.map(|size| Case { operation, size, format }))
        .map(|case| measure(&case, &mut opencv))
        .collect();
    print(&rows);
    write(&rows);
}

fn measure(case: &Case, opencv: &mut OpenCv) -> Row {
    let (width, height) = case.size;
    let size = Size::new(width, height).expect("a size above zero");
    let channels = case.format.channels();
    let pool = Pool::new(256 << 20);
    let parameters = match case.operation {
        "blur" => BTreeMap::from([("kernel_size".to_owned(), "5".to_owned())]),
        _ => BTreeMap::new(),
    };
    let chain = Chain::parse(&Catalog::standard(), [(case.operation, &parameters)]);
    let chain = chain.expect("known filters and parameters");
    let image = noise(size, case.format, &pool);
    let mut backend = CpuBackend::new(pool);
    // Enough calls a round to see a time, few enough to take turns often.
    let calls = (40_000_000 / (size.pixels() * channels)).clamp(8, 60);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let start = Instant::now();
            let output = backend.run(&chain, image.clone());
            times.push(start.elapsed().as_nanos() as f64 / 1000.0);
            drop(std::hint::black_box(output).expect("the operation runs"));
        }
        let yardstick = opencv.time(case, calls);
        // The first round warms up caches, pools and OpenCV's own tables.
        if round > 0 {
            ours.push(least(times));
            theirs.push(least(yardstick));
        }
    }
    let name = format!("{}_{:?}_{width}x{height}", case.operation, case.format).to_lowercase();
    Row { name, ours_us: median(ours), yardstick_us: median(theirs) }
}

fn noise(size: Size, format: PixelFormat, pool: &Pool) -> Image {
    let mut buffer = pool.take(size.pixels() * format.channels());
    let mut state = 7_u32;
    for byte in buffer.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    Image::packed(size, format, buffer).expect("the buffer has that size")
}

/// Of one round: what else the machine does only ever adds.
fn least(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}

/// Of all rounds.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    *values.get(values.len() / 2).expect("at least one value")
}

fn print(rows: &[Row]) {
    println!("{:<28} {:>12} {:>12} {:>8} {:>6}", "name", "ours µs", "OpenCV µs", "ratio", "goal");
    for Row { name, ours_us, yardstick_us } in rows {
        let ratio = yardstick_us / ours_us;
        println!("{name:<28} {ours_us:>12.1} {yardstick_us:>12.1} {ratio:>7.2}x {GOAL:>5.1}x");
    }
}

fn write(rows: &[Row]) {
    let entries: Vec<String> = (rows.iter())
        .map(|Row { name, ours_us, yardstick_us }| {
            let ratio = yardstick_us / ours_us;
            format!(
                "  {{\"name\": \"{name}\", \"ours\": {ours_us:.2}, \"yardstick\": \
                 {yardstick_us:.2}, \"unit\": \"µs\", \"ratio\": {ratio:.3}, \"goal\": {GOAL:.1}}}"
            )
        })
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    std::fs::create_dir_all(&folder).expect("target/bench can be created");
    let text = format!("[\n{}\n]\n", entries.join(",\n"));
    std::fs::write(folder.join("kernels.json"), text).expect("target/bench can be written");
}

/// The script beside this file, waiting for requests.
struct OpenCv {
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    version: String,
}

impl OpenCv {
    fn start() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = std::env::var_os("OCELLI_PYTHON")
            .map_or_else(|| here.join("../.tools/venv/bin/python"), PathBuf::from);
        let mut child = Command::new(&python)
            .arg(here.join("benches/opencv.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a Python with OpenCV: run `make tools`");
        let requests = child.stdin.take().expect("its input is piped");
        let mut answers = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let version = (answers.next().and_then(Result::ok)).expect("OpenCV loads: `make tools`");
        Self { child, requests, answers, version }
    }

    /// Microseconds of each of that many calls.
    fn time(&mut self, case: &Case, calls: usize) -> Vec<f64> {
        let (width, height) = case.size;
        let channels = case.format.channels();
        writeln!(self.requests, "{} {width} {height} {channels} {calls}", case.operation)
            .expect("the script listens");
        let line = (self.answers.next().and_then(Result::ok)).expect("the script answers");
        let nanoseconds = line.split_whitespace().map(str::parse::<f64>);
        nanoseconds.map(|value| value.expect("the script answers numbers") / 1000.0).collect()
    }
}

impl Drop for OpenCv {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
