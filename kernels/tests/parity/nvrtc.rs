//! Every CUDA file, and kernels generated for chains, compile for every architecture, have the
//! kernels that operations launch, and keep everything in registers. Prints what they take.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use ocelli_kernels::CudaError;
use ocelli_kernels::internals::{CudaPlan, Generated, KernelCompiler, Source};

use crate::{generated, host_shim, tools};

/// As many as `nvrtc_compile.py` compiles for.
const ARCHITECTURES: usize = 7;
/// Kernels are spread over so many files, which are compiled at the same time.
const GENERATED_FILES: usize = 8;

/// What a kernel takes, on the architecture where it takes most.
#[derive(Debug, Default, PartialEq)]
struct Resources {
    registers: usize,
    shared: usize,
    /// Bytes of a thread: what did not fit into registers.
    stack: usize,
}

/// Complete sources by the name of their file, and the kernels that are written there.
type Sources = BTreeMap<String, (String, BTreeSet<String>)>;

/// Compiles them; what the kernels take.
fn compile(sources: &Sources, folder: &str) -> BTreeMap<String, Resources> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let files: Vec<PathBuf> = (sources.iter())
        .map(|(name, (text, _))| {
            let file = folder.join(name);
            std::fs::write(&file, text).unwrap();
            file
        })
        .collect();
    let answer =
        tools::run(tools::python("tests/parity/nvrtc_compile.py").args(&files), Vec::new());
    let answer = String::from_utf8(answer).unwrap();
    let lines: Vec<Vec<&str>> = answer.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines.len(), files.len() * ARCHITECTURES, "{answer}");
    let mut all = BTreeMap::<String, Resources>::new();
    for line in lines {
        // Drivers of CUDA 13.0 take PTX up to 9.0.
        assert_eq!(line[2], "9.0", "{line:?}");
        assert!(line[3].parse::<usize>().unwrap() > 300, "{line:?}");
        let mut compiled = BTreeSet::new();
        for kernel in line[4].split(',').filter(|kernel| !kernel.is_empty()) {
            let parts: Vec<&str> = kernel.split(':').collect();
            let number = |at: usize| parts[at].parse::<usize>().unwrap();
            compiled.insert(parts[0].to_owned());
            let most = all.entry(parts[0].to_owned()).or_default();
            most.registers = most.registers.max(number(1));
            most.shared = most.shared.max(number(2));
            most.stack = most.stack.max(number(3));
        }
        assert_eq!(&compiled, &sources[line[0]].1, "{line:?}");
    }
    all
}

/// The files of the folder `cuda`.
fn files() -> Sources {
    let common: String = (host_shim::COMMON.iter())
        .map(|file| std::fs::read_to_string(tools::file("cuda").join(file)).unwrap())
        .collect();
    let entries = std::fs::read_dir(tools::file("cuda")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "cu"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let kernels = host_shim::kernels(&text).map(str::to_owned).collect();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, (format!("{common}{text}"), kernels))
        })
        .collect()
}

/// Kernels of chains, a few of them in a file.
fn generated_files() -> Sources {
    let mut kernels = BTreeMap::<String, std::sync::Arc<Generated>>::new();
    for steps in generated::chains() {
        for (image, _) in generated::images(&steps) {
            let plan = CudaPlan::new(&generated::parse(&steps), image.shape()).unwrap();
            for launch in plan.stages.into_iter().flat_map(|stage| stage.launches) {
                if let Source::Generated(kernel) = launch.source {
                    kernels.insert(kernel.name().to_owned(), kernel);
                }
            }
        }
    }
    assert!(!kernels.is_empty());
    let mut sources = Sources::new();
    for (at, (name, kernel)) in kernels.into_iter().enumerate() {
        let file = format!("generated-{}.cu", at % GENERATED_FILES);
        let (text, names) = sources.entry(file).or_default();
        // What stands before the kernel does so once.
        if names.is_empty() {
            *text = Source::Generated(kernel).text();
        } else {
            text.push_str(&kernel.kernel_text());
        }
        names.insert(name);
    }
    sources
}

#[test]
fn every_kernel_compiles_for_every_architecture_and_stays_in_registers() {
    let mut sources = files();
    sources.extend(generated_files());
    let all = compile(&sources, "nvrtc");
    let mut table = format!("{:>9} {:>7} {:>6}  kernel\n", "registers", "shared", "stack");
    for (name, Resources { registers, shared, stack }) in &all {
        writeln!(table, "{registers:>9} {shared:>7} {stack:>6}  {name}").unwrap();
    }
    print!("{table}");
    let spilled: Vec<&String> =
        all.iter().filter(|(_, kernel)| kernel.stack > 0).map(|(name, _)| name).collect();
    assert!(spilled.is_empty(), "not all in registers: {spilled:?}\n{table}");
    // There is no kernel without registers: the check would see nothing.
    assert!(all.values().all(|kernel| kernel.registers > 0), "{table}");
}

/// The check sees a kernel that is held to too few registers, and an array that has to lie in
/// memory; and one with neither.
#[test]
fn a_spill_is_seen() {
    let numbers: Vec<String> = (0..96).map(|at| format!("in[{at} * 1024 + i]")).collect();
    let text = format!(
        "extern \"C\" __global__ void __launch_bounds__(1024) spills(\n\
         const volatile float *in, float *out) {{\n  int i = threadIdx.x;\n\
         float v[] = {{{}}};\n  __syncthreads();\n  float s = 1;\n\
         for (int k = 0; k < 96; ++k) s = s * v[k] + v[95 - k];\n  out[i] = s;\n}}\n\
         extern \"C\" __global__ void indexes(const int *in, int *out) {{\n  int v[64];\n\
         for (int k = 0; k < 64; ++k) v[in[k] & 63] = in[k + 1];\n\
         out[threadIdx.x] = v[in[threadIdx.x] & 63];\n}}\n\
         extern \"C\" __global__ void plain(const int *in, int *out) {{\n\
         __shared__ int v[256];\n  v[threadIdx.x] = in[threadIdx.x];\n  __syncthreads();\n\
         out[threadIdx.x] = v[255 - threadIdx.x];\n}}\n",
        numbers.join(", "),
    );
    let names = ["spills", "indexes", "plain"].map(str::to_owned).into();
    let all = compile(&Sources::from([("spill.cu".to_owned(), (text, names))]), "spill");
    assert!(all["spills"].stack > 0, "{all:?}");
    assert!(all["indexes"].stack >= 256, "{all:?}");
    // Newer architectures count 1 KB of their own, too.
    let Resources { registers, shared, stack } = all["plain"];
    assert!(stack == 0 && (1024..=2048).contains(&shared), "{all:?}");
    assert!((4..=32).contains(&registers), "{all:?}");
}

/// Tells this test that it runs where NVRTC is found.
const WITH_NVRTC: &str = "OCELLI_TEST_WITH_NVRTC";

/// What the backend compiles with, on an architecture that NVRTC knows and on one that it does
/// not; and what is kept on disk.
#[test]
fn the_backend_compiles_once_and_says_what_is_wrong() {
    if std::env::var_os(WITH_NVRTC).is_none() {
        // The libraries that a process finds are those of its start.
        let folder =
            tools::run(tools::python("tests/parity/nvrtc_compile.py").arg("--folder"), Vec::new());
        let mut again = Command::new(std::env::current_exe().unwrap());
        again
            .args(["--exact", "nvrtc::the_backend_compiles_once_and_says_what_is_wrong"])
            .env("LD_LIBRARY_PATH", String::from_utf8(folder).unwrap().trim())
            .env(WITH_NVRTC, "1");
        let said = String::from_utf8(tools::run(&mut again, Vec::new())).unwrap();
        return assert!(said.contains("1 passed"), "{said}");
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernel-cache");
    _ = std::fs::remove_dir_all(&folder);
    let compiler = |major, minor| KernelCompiler::new((major, minor), Some(folder.clone()));
    let sources = generated_files();
    let (text, _) = &sources["generated-0.cu"];
    let first = compiler(9, 0).unwrap().compile("generated-0.cu", text).unwrap();
    assert!(first.bytes.starts_with(b"\x7fELF") && !first.cached);
    let second = compiler(9, 0).unwrap().compile("generated-0.cu", text).unwrap();
    assert!(second.cached && second.bytes == first.bytes);
    // For another device, and for one that is too new for this compiler.
    assert!(!compiler(8, 6).unwrap().compile("generated-0.cu", text).unwrap().cached);
    let newer = compiler(99, 0).unwrap().compile("generated-0.cu", text).unwrap();
    assert!(newer.bytes.ends_with(b"\0"));
    assert!(String::from_utf8(newer.bytes).unwrap().contains(".version 9.0"));
    assert!(matches!(compiler(3, 5), Err(CudaError::BrokenCompiler(_))));
    // A damaged entry is compiled again.
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    let third = compiler(9, 0).unwrap().compile("generated-0.cu", text).unwrap();
    assert!(!third.cached && third.bytes == first.bytes);
    let wrong = compiler(9, 0).unwrap().compile("wrong.cu", "nonsense;").unwrap_err();
    assert!(matches!(&wrong, CudaError::Compile { log, .. } if log.contains("wrong.cu(1)")));
}
