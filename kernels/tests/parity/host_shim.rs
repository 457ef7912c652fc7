//! The CUDA kernels, run on the CPU, give what the CPU code gives.
//!
//! They are compiled as C++ with sanitizers: any access outside of a buffer, any undefined
//! arithmetic and, for some cases, any race between threads of a block fails the test. What runs
//! are the stages that the GPU backend would run, generated kernels among them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use ocelli_kernels::analysis::{self, Difference};
use ocelli_kernels::internals::{Argument, CudaPlan, CudaWork, Source, Stage};
use ocelli_kernels::{
    Backend as _, Catalog, CpuBackend, Family, Image, Output, PixelFormat, Pool, StepTimes, convert,
};

use crate::cases::{self, Case, Content};
use crate::generated::{self, Step};
use crate::tools;

/// Images of a batch.
const IMAGES: usize = 2;
/// Larger images take too long where each thread of a block is a thread.
const MOST_PIXELS: u32 = 64 * 48;
/// Blocks of generated kernels take up to 4096 pixels: two, and a rest.
const MOST_FUSED_PIXELS: u32 = 131 * 67;
/// Of more cases of a filter, so many are run, evenly chosen.
const MOST_CASES: usize = 150;

/// What stands before every source.
pub(crate) const COMMON: [&str; 3] = ["common.cuh", "wide.cuh", "tile.cuh"];

/// What one C++ program runs.
#[derive(Default)]
struct Program {
    /// Files of the folder `cuda`, in this order.
    includes: Vec<String>,
    /// Kernels by name, and the text of those that are generated.
    kernels: BTreeMap<String, String>,
    requests: Vec<Request>,
}

/// One stage on one image.
struct Request {
    /// For messages.
    what: String,
    bytes: Vec<u8>,
    expected: Vec<u8>,
    tolerance: u8,
}

impl Program {
    fn of_file(source: &str) -> Self {
        let text = std::fs::read_to_string(tools::file("cuda").join(source)).unwrap();
        let kernels = kernels(&text).map(|kernel| (kernel.to_owned(), String::new()));
        Self {
            includes: COMMON.iter().chain([&source]).map(|file| (*file).to_owned()).collect(),
            kernels: kernels.collect(),
            requests: Vec::new(),
        }
    }

    fn of_generated() -> Self {
        let includes = COMMON.iter().chain(&["pointwise.cu"]).map(|file| (*file).to_owned());
        Self { includes: includes.collect(), ..Self::default() }
    }

    /// Compiles it with that sanitizer, unless that was done before.
    fn compile(&self, name: &str, sanitizer: &str) -> PathBuf {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "{}_{}",
            name.replace(".cu", ""),
            &sanitizer[..6]
        ));
        let folder = tools::file("cuda");
        let mut main = format!("#include \"{}/host_shim/runner.h\"\n", folder.display());
        let mut read = String::new();
        for file in ["host_shim/cuda.h".to_owned(), "host_shim/runner.h".to_owned()]
            .iter()
            .chain(&self.includes)
        {
            read += &std::fs::read_to_string(folder.join(file)).unwrap();
        }
        for file in &self.includes {
            writeln!(main, "#include \"{}/{file}\"", folder.display()).unwrap();
        }
        self.kernels.values().for_each(|text| main.push_str(text));
        let names = self.kernels.keys();
        let table: Vec<String> =
            names.map(|kernel| format!("{{\"{kernel}\", runner::wrap({kernel})}},")).collect();
        writeln!(main, "int main() {{ return runner::run({{{}}}); }}", table.join("\n")).unwrap();
        let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
        let mut command = Command::new(compiler);
        command
            .args(["-std=c++20", "-O1", "-g1", "-Wall", "-Wextra", "-Werror", "-pthread"])
            .args(["-Wno-unused-function", "-Wno-unknown-pragmas", "-ffp-contract=off"])
            .args(["-fno-strict-aliasing", "-fno-sanitize-recover=all", "-x", "c++"])
            .arg(format!("-fsanitize={sanitizer}"));
        // Everything that the program is made of.
        let made_of = format!("{command:?}\n{main}\n{read}");
        let note = program.with_extension("made-of");
        if program.exists() && std::fs::read_to_string(&note).is_ok_and(|text| text == made_of) {
            return program;
        }
        // Another test may make the same program at the same time: each makes its own, and puts it
        // there as a whole.
        let own = program.with_extension(format!("{:?}", std::thread::current().id()));
        let main_file = own.with_added_extension("cpp");
        std::fs::write(&main_file, main).unwrap();
        tools::run(command.arg(&main_file).arg("-o").arg(&own), Vec::new());
        std::fs::remove_file(main_file).unwrap();
        std::fs::rename(own, &program).unwrap();
        std::fs::write(note, made_of).unwrap();
        program
    }

    fn run(&self, program: &Path) {
        let input = self.requests.iter().flat_map(|one| one.bytes.iter().copied()).collect();
        let output = tools::run(&mut Command::new(program), input);
        let mut rest = output.as_slice();
        for Request { what, expected, tolerance, .. } in &self.requests {
            let spacing = expected.len().next_multiple_of(256);
            let (images, after) = rest.split_at((IMAGES - 1) * spacing + expected.len());
            rest = after;
            for (index, image) in images.chunks(spacing).enumerate() {
                let differ = image
                    .iter()
                    .zip(expected)
                    .position(|(theirs, ours)| theirs.abs_diff(*ours) > *tolerance);
                if let Some(at) = differ {
                    let (theirs, ours) = (image[at], expected[at]);
                    panic!("image {index} of {what}: {theirs} at {at}, on the CPU {ours}");
                }
            }
        }
        assert!(rest.is_empty());
    }
}

/// The names of the kernels in a source.
pub(crate) fn kernels(text: &str) -> impl Iterator<Item = &str> {
    text.split("__global__ void ").skip(1).filter_map(|rest| rest.split('(').next())
}

/// The stage as the shim reads it, on packed images of one shape.
fn describe(stage: &Stage, inputs: &[Image; IMAGES], output_bytes: usize) -> Vec<u8> {
    let mut text = format!("{IMAGES} {} {output_bytes}", inputs[0].data().len());
    let mut list = |lengths: Vec<usize>| {
        write!(text, " {}", lengths.len()).unwrap();
        lengths.iter().for_each(|length| write!(text, " {length}").unwrap());
    };
    list(stage.scratch.clone());
    list(stage.data.iter().map(Vec::len).collect());
    write!(text, " {}", stage.launches.len()).unwrap();
    for launch in &stage.launches {
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
                Argument::Ints(values) => {
                    write!(text, " ints {}", values.len()).unwrap();
                    values.iter().for_each(|value| write!(text, " {value}").unwrap());
                }
            }
        }
    }
    text.push('\n');
    let mut bytes = text.into_bytes();
    inputs.iter().for_each(|input| bytes.extend_from_slice(input.data()));
    stage.data.iter().for_each(|data| bytes.extend_from_slice(data));
    bytes
}

type Programs = BTreeMap<String, Program>;

/// Adds the stages of a chain, each on what the CPU makes of the steps before it.
fn add(programs: &mut Programs, what: &str, steps: &[Step], image: &Image, generated: &str) {
    let chain = generated::parse(steps);
    let plan = CudaPlan::new(&chain, image.shape()).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut cpu = CpuBackend::new(Pool::new(0));
    let mut before = 0;
    let mut input = image.clone();
    for (at, stage) in plan.stages.iter().enumerate() {
        let mut end = stage.steps.iter().max().unwrap() + 1;
        // A conversion of a planar layout counts as part of the step that needs it.
        let converts = plan.stages.get(at + 1).is_some_and(|next| next.steps[0] + 1 == end);
        let output = if converts {
            end = before;
            let image = convert::to_format(&input, stage.output.format, &Pool::new(0)).unwrap();
            Output { image, tensor: None, steps: StepTimes::new() }
        } else {
            cpu.run(&generated::parse(&steps[before..end]), input.clone()).unwrap()
        };
        let operations = &chain.operations()[before..end];
        let tolerance: u8 = operations.iter().map(|step| step.definition().tolerance).sum();
        let (expected, tolerance) = match &output.tensor {
            Some(tensor) => (tensor.data().to_vec(), 0),
            None => (output.image.to_packed(&Pool::new(0)).data().to_vec(), tolerance),
        };
        let sources: BTreeSet<&str> = stage.launches.iter().map(|l| l.source.name()).collect();
        assert_eq!(sources.len(), 1, "{what}: one file each");
        let program = match &stage.launches[0].source {
            Source::File(file) => {
                programs.entry(file.name.to_owned()).or_insert_with(|| Program::of_file(file.name))
            }
            Source::Generated(kernel) => {
                let program =
                    programs.entry(generated.to_owned()).or_insert_with(Program::of_generated);
                program.kernels.insert(kernel.name().to_owned(), kernel.kernel_text());
                program
            }
        };
        let inputs = [&input; IMAGES].map(|input| input.to_packed(&Pool::new(0)));
        let bytes = describe(stage, &inputs, expected.len());
        let what = format!("{what}, steps {:?}", stage.steps);
        program.requests.push(Request { what, bytes, expected, tolerance });
        (before, input) = (end, output.image);
    }
}

/// What there is to run for those cases, by program.
fn prepare(cases: Vec<Case>, generated: &str) -> Programs {
    let mut programs = Programs::new();
    for case in evenly_chosen(cases) {
        let (chain, image) = (case.chain(), case.image(0));
        let operation = &chain.operations()[0];
        let has = operation.cuda(image.shape()).is_some();
        let says = operation.definition().cuda;
        assert_eq!(has, says, "{case:?}: `cuda` of its definition does not say so");
        if has {
            let step = (case.filter, case.parameters.clone());
            add(&mut programs, &format!("{case:?}"), &[step], &image, generated);
        }
    }
    programs
}

fn evenly_chosen(mut cases: Vec<Case>) -> Vec<Case> {
    let pointwise = |case: &Case| {
        let chain = case.chain();
        let work = chain.operations()[0].cuda(case.image(0).shape());
        matches!(work, Some(CudaWork::Pointwise(_)))
    };
    cases.retain(|case| {
        let pixels = case.size.0 * case.size.1;
        pixels <= MOST_PIXELS || (pixels <= MOST_FUSED_PIXELS && pointwise(case))
    });
    let mut of_filter: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    cases.into_iter().for_each(|case| of_filter.entry(case.filter).or_default().push(case));
    let chosen = of_filter.into_values().flat_map(|cases| {
        let all = cases.len();
        // Steps of the golden ratio: whatever repeats in the list, as formats do, all of it is met.
        let chosen = move |at: &usize| {
            let place = (*at as u32).wrapping_mul(0x9E37_79B9) as usize;
            (place * all) >> 32 < MOST_CASES
        };
        (0..all).filter(chosen).map(move |at| cases[at].clone()).collect::<Vec<_>>()
    });
    chosen.collect()
}

fn run(programs: &Programs, sanitizer: &str) {
    for (name, program) in programs {
        program.run(&program.compile(name, sanitizer));
    }
}

fn check(family: Family) {
    let generated = format!("generated_{}", family.name());
    run(&prepare(cases::of(family), &generated), "address,undefined");
}

families!(check);

/// Neighbouring steps as one kernel, on each layout.
#[test]
fn chains() {
    let mut programs = Programs::new();
    for steps in generated::chains() {
        for (image, what) in generated::images(&steps) {
            add(&mut programs, &what, &steps, &image, "generated_chains");
        }
    }
    run(&programs, "address,undefined");
}

/// Each frame of a batch against the one before it, in all layouts; one is more than all blocks
/// take at once.
#[test]
fn frames_differ_as_on_the_cpu() {
    let program = Program::of_file("difference.cu");
    let mut all = Vec::new();
    for format in PixelFormat::ALL {
        all.extend([(1, 1), (37, 19), (131, 67)].map(|size| (format, size)));
    }
    let few = PixelFormat::ALL.map(|format| (format, (37, 19))).to_vec();
    all.push((PixelFormat::Rgba8, (640, 480)));
    for (sanitizer, chosen) in [("address,undefined", all), ("thread", few)] {
        let (mut input, mut expected) = (Vec::new(), Vec::new());
        for (number, (format, size)) in chosen.into_iter().enumerate() {
            let threshold = [30, 0, 254][number / 2 % 3];
            let frames = [Content::Scene, Content::Noise]
                .map(|content| cases::image(content, size, format, 0));
            let plan = analysis::difference_plan(frames[0].shape(), threshold).unwrap();
            let stage = &plan.stages[0];
            input.extend(describe(stage, &frames, stage.output_bytes));
            let difference = analysis::difference(&frames[0], &frames[1], threshold).unwrap();
            let nothing = Difference { sum: 0, max: 0, over: 0, ..difference };
            expected.push((frames[0].shape(), stage.output_bytes, [nothing, difference]));
        }
        let output = tools::run(&mut Command::new(program.compile("difference", sanitizer)), input);
        let mut rest = output.as_slice();
        for (shape, bytes, expected) in expected {
            let (parts, after) = rest.split_at(bytes.next_multiple_of(256) + bytes);
            rest = after;
            for (parts, expected) in parts.chunks(bytes.next_multiple_of(256)).zip(expected) {
                assert_eq!(Difference::read(shape, &parts[..bytes]), expected, "{shape:?}");
            }
        }
        assert!(rest.is_empty());
    }
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
    let mut programs = prepare(cases, "generated");
    // Whole blocks exchange pixels.
    let steps = generated::steps(&["grayscale"]);
    for (image, what) in generated::images(&steps) {
        add(&mut programs, &what, &steps, &image, "generated");
    }
    run(&programs, "thread");
}
