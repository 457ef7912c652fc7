//! The CUDA kernels, run on the CPU, give what the CPU code gives.
//!
//! They are compiled as C++ with sanitizers: any access outside of a buffer, any undefined
//! arithmetic and, for some cases, any race between threads of a block fails the test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use ocelli_kernels::{
    Argument, Backend as _, Catalog, CpuBackend, CudaProgram, CudaWork, Family, Image, Pool,
};

use crate::cases::{self, Case};
use crate::tools;

/// Images of a batch.
const IMAGES: usize = 2;
/// Larger images take too long where each thread of a block is a thread.
const MOST_PIXELS: u32 = 64 * 48;
/// Of more cases of a filter, so many are run, evenly chosen.
const MOST_CASES: usize = 150;

/// The kernels of a file, compiled with that sanitizer.
fn compile(source: &str, sanitizer: &str) -> PathBuf {
    let name = format!("{}_{}", source.trim_end_matches(".cu"), &sanitizer[..6]);
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    let text = std::fs::read_to_string(tools::file("cuda").join(source)).unwrap();
    let kernels: Vec<String> =
        kernels(&text).map(|kernel| format!("{{\"{kernel}\", runner::wrap({kernel})}},")).collect();
    let folder = tools::file("cuda");
    let main = format!(
        "#include \"{0}/host_shim/runner.h\"\n#include \"{0}/common.cuh\"\n\
         #include \"{0}/{source}\"\nint main() {{ return runner::run({{{1}}}); }}\n",
        folder.display(),
        kernels.concat(),
    );
    let main_file = program.with_extension("cpp");
    std::fs::write(&main_file, main).unwrap();
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let mut command = Command::new(compiler);
    command
        .args(["-std=c++20", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"])
        .args(["-Wno-unused-function", "-ffp-contract=off"])
        .args([&format!("-fsanitize={sanitizer}"), "-fno-sanitize-recover=all"])
        .args(["-x", "c++"])
        .arg(&main_file)
        .arg("-o")
        .arg(&program);
    tools::run(&mut command, Vec::new());
    program
}

/// The names of the kernels in a source.
pub(crate) fn kernels(text: &str) -> impl Iterator<Item = &str> {
    text.split("__global__ void ").skip(1).filter_map(|rest| rest.split('(').next())
}

/// The program as the shim reads it.
fn describe(program: &CudaProgram, input: &Image, output_bytes: usize) -> Vec<u8> {
    let mut text = format!("{IMAGES} {} {output_bytes}", input.data().len());
    let mut list = |lengths: Vec<usize>| {
        write!(text, " {}", lengths.len()).unwrap();
        lengths.iter().for_each(|length| write!(text, " {length}").unwrap());
    };
    list(program.scratch.clone());
    list(program.data.iter().map(Vec::len).collect());
    write!(text, " {}", program.launches.len()).unwrap();
    for launch in &program.launches {
        let (grid, block) = (launch.grid, launch.block);
        write!(text, " {} {} {} {} {}", launch.kernel, grid.0, grid.1, block.0, block.1).unwrap();
        write!(text, " {} {}", launch.shared_bytes, launch.arguments.len()).unwrap();
        for argument in &launch.arguments {
            match argument {
                Argument::Input => text.push_str(" input"),
                Argument::Output => text.push_str(" output"),
                Argument::Scratch(index) => write!(text, " scratch {index}").unwrap(),
                Argument::Data(index) => write!(text, " data {index}").unwrap(),
                Argument::Int(value) => write!(text, " int {value}").unwrap(),
                Argument::Float(value) => {
                    write!(text, " float {}", value.to_bits().cast_signed()).unwrap();
                }
            }
        }
    }
    text.push('\n');
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(input.data());
    program.data.iter().for_each(|data| bytes.extend_from_slice(data));
    bytes
}

struct Prepared {
    case: Case,
    request: Vec<u8>,
    expected: Image,
    tolerance: u8,
}

/// What there is to run, by file.
fn prepare(cases: Vec<Case>) -> BTreeMap<&'static str, Vec<Prepared>> {
    let mut files: BTreeMap<&'static str, Vec<Prepared>> = BTreeMap::new();
    for case in evenly_chosen(cases) {
        let (chain, image) = (case.chain(), case.image(0));
        let operation = &chain.operations()[0];
        let Some(work) = operation.cuda(image.shape()) else {
            assert!(!operation.definition().cuda, "{case:?} does not run on a GPU");
            continue;
        };
        assert!(operation.definition().cuda, "{} says that it has no CUDA", case.filter);
        let CudaWork::Program(program) = work else { continue };
        let expected = CpuBackend::new(Pool::new(0)).run(&chain, image.clone()).unwrap().image;
        let request = describe(&program, &image, expected.data().len());
        let tolerance = operation.definition().tolerance;
        let file = program.launches[0].source.name;
        assert!(program.launches.iter().all(|launch| launch.source.name == file), "one file each");
        files.entry(file).or_default().push(Prepared { case, request, expected, tolerance });
    }
    files
}

fn evenly_chosen(mut cases: Vec<Case>) -> Vec<Case> {
    cases.retain(|case| case.size.0 * case.size.1 <= MOST_PIXELS);
    let mut of_filter: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    cases.into_iter().for_each(|case| of_filter.entry(case.filter).or_default().push(case));
    let chosen = of_filter.into_values().flat_map(|cases| {
        let all = cases.len();
        // One number that no grid of parameters is a multiple of.
        let step = all.div_ceil(MOST_CASES) | 1;
        (0..all).step_by(step).map(move |at| cases[at].clone())
    });
    chosen.collect()
}

fn compare(program: &Path, prepared: &[Prepared]) {
    let input: Vec<u8> = prepared.iter().flat_map(|one| one.request.iter().copied()).collect();
    let output = tools::run(&mut Command::new(program), input);
    let mut rest = output.as_slice();
    for Prepared { case, expected, tolerance, .. } in prepared {
        let bytes = expected.data().len();
        let spacing = bytes.next_multiple_of(256);
        let (images, after) = rest.split_at((IMAGES - 1) * spacing + bytes);
        rest = after;
        for (index, image) in images.chunks(spacing).enumerate() {
            let differ = image
                .iter()
                .zip(expected.data())
                .position(|(theirs, ours)| theirs.abs_diff(*ours) > *tolerance);
            if let Some(at) = differ {
                let (theirs, ours) = (image[at], expected.data()[at]);
                panic!("image {index} of {case:?}: {theirs} at {at}, on the CPU {ours}");
            }
        }
    }
    assert!(rest.is_empty());
}

fn check(family: Family) {
    for (file, prepared) in prepare(cases::of(family)) {
        compare(&compile(file, "address,undefined"), &prepared);
    }
}

macro_rules! families {
    ($($name:ident $family:ident)*) => { $(
        #[test]
        fn $name() {
            check(Family::$family);
        }
    )* };
}
families! {
    colour Colour
    blur Blur
    edges Edges
    sharpen Sharpen
    morphology Morphology
    geometry Geometry
    effect Effect
    privacy Privacy
    tensor Tensor
}

/// One case of each filter and format.
#[test]
fn threads_of_a_block_do_not_race() {
    let mut cases: Vec<Case> = Family::ALL.into_iter().flat_map(cases::of).collect();
    cases.retain(|case| (100..1500).contains(&(case.size.0 * case.size.1)));
    let mut seen = Vec::new();
    cases.retain(|case| {
        let kind = (case.filter, case.format);
        let new = !seen.contains(&kind);
        seen.push(kind);
        new
    });
    assert!(Catalog::standard().definitions().filter(|d| d.cuda).count() > 0);
    for (file, prepared) in prepare(cases) {
        compare(&compile(file, "thread"), &prepared);
    }
}
