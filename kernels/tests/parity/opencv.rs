//! Our results are OpenCV's, as closely as each case says. Prints a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use ocelli_kernels::{Backend as _, CpuBackend, Element, Family, Image, Pool};

use crate::cases::{self, Agreement, Case};
use crate::tools;

/// The script `opencv/serve.py`, which answers what OpenCV makes of an image.
struct OpenCv {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    version: String,
}

impl OpenCv {
    fn start() -> Self {
        let mut command = tools::python("opencv/serve.py");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; run `make tools` for Python"));
        let requests = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut version = String::new();
        answers.read_line(&mut version).unwrap();
        assert!(!version.is_empty(), "OpenCV does not load: run `make tools`");
        Self { child, requests, answers, version: version.trim().to_owned() }
    }

    fn result(&mut self, family: Family, case: &Case, image: &Image) -> Vec<u8> {
        let parameters: Vec<String> =
            case.parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
        // One field a tab: parameters hold spaces.
        let line = format!(
            "compare\t{}\t{}\t{}\t{}\t{:?}\t{}\t{}\n",
            family.name(),
            case.filter,
            image.size().width(),
            image.size().height(),
            image.format(),
            image.data().len(),
            parameters.join("\t"),
        );
        self.requests.write_all(line.as_bytes()).unwrap();
        self.requests.write_all(image.data()).unwrap();
        self.requests.flush().unwrap();
        let mut length = String::new();
        self.answers.read_line(&mut length).unwrap();
        let length = length.trim().parse().unwrap_or_else(|_| panic!("{case:?}: the script died"));
        let mut bytes = vec![0; length];
        self.answers.read_exact(&mut bytes).unwrap();
        bytes
    }
}

impl Drop for OpenCv {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What is known of a filter so far.
#[derive(Default)]
struct Row {
    cases: usize,
    most: f64,
    /// Cases that are not compared, and why.
    without: BTreeMap<&'static str, usize>,
}

fn check(family: Family) {
    let mut opencv = OpenCv::start();
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases::of(family) {
        let row = rows.entry(case.filter).or_default();
        let (levels, except) = match case.agreement {
            Agreement::Exact => (0.0, 0.0),
            Agreement::Within(levels) => (f64::from(levels), 0.0),
            Agreement::Mostly { levels, except } => (f64::from(levels), except),
            Agreement::Close(numbers) => (numbers, 0.0),
            Agreement::None(why) => {
                *row.without.entry(why).or_default() += 1;
                continue;
            }
        };
        let image = case.image(0);
        let ours = CpuBackend::new(Pool::new(0)).run(&case.chain(), image.clone());
        let ours = ours.unwrap_or_else(|error| panic!("{case:?}: {error}"));
        let (element, ours) = match &ours.tensor {
            Some(tensor) => (tensor.element(), tensor.data()),
            None => (Element::U8, ours.image.data()),
        };
        let theirs = opencv.result(family, &case, &image);
        assert_eq!(ours.len(), theirs.len(), "another size: {case:?}");
        let (ours, theirs) = (numbers(element, ours), numbers(element, &theirs));
        let differences = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs());
        let beyond = differences.clone().filter(|by| *by > levels).count();
        row.cases += 1;
        row.most = differences.clone().fold(row.most, f64::max);
        if beyond as f64 > except * theirs.len() as f64 {
            let at = differences.clone().position(|by| by > levels).unwrap();
            let (a, b, all) = (ours[at], theirs[at], theirs.len());
            wrong.push(format!("{case:?}: {beyond} of {all}, first at {at}: {a}, OpenCV {b}"));
        }
    }
    let mut table = format!("{} against OpenCV {}\n", family.name(), opencv.version);
    let head = format!("{:<20} {:>6} {:>12}  not compared", "filter", "cases", "differs by");
    writeln!(table, "{head}").unwrap();
    for (filter, Row { cases, most, without }) in rows {
        let without: Vec<String> =
            without.into_iter().map(|(why, count)| format!("{count}: {why}")).collect();
        let without = without.join("; ");
        // Levels, or what single precision leaves.
        let whole = most == 0.0 || most >= 1.0;
        let most = if whole { most.to_string() } else { format!("{most:.0e}") };
        writeln!(table, "{filter:<20} {cases:>6} {most:>12}  {without}").unwrap();
    }
    print!("{table}");
    // `make test` prints it, where the test's own output is not shown.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../parity");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(family.name()).with_extension("txt"), table).unwrap();
    let shown = wrong.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} cases differ:\n{shown}", wrong.len());
}

/// Samples, or the numbers of a tensor.
fn numbers(element: Element, bytes: &[u8]) -> Vec<f64> {
    let four = || bytes.as_chunks::<4>().0.iter();
    match element {
        Element::U8 => bytes.iter().map(|byte| f64::from(*byte)).collect(),
        Element::U32 => four().map(|number| f64::from(u32::from_le_bytes(*number))).collect(),
        Element::F32 => four().map(|number| f64::from(f32::from_le_bytes(*number))).collect(),
        Element::F16 => {
            let two = bytes.as_chunks::<2>().0.iter();
            two.map(|number| half(u16::from_le_bytes(*number))).collect()
        }
    }
}

/// A finite number of half precision.
fn half(bits: u16) -> f64 {
    let (exponent, part) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => part * 2_f64.powi(-24),
        _ => (1024.0 + part) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

families!(check);
