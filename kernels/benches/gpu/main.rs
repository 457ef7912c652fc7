//! What a GPU does here: prints a table, writes `target/bench/gpu.json`.
//!
//! ```text
//! cargo bench -p ocelli-kernels --bench gpu [-- --require-gpu]
//! ```
//!
//! Without a GPU it says so; with `--require-gpu`, or `OCELLI_REQUIRE_GPU` set, that is a failure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::exit, clippy::disallowed_types)]

mod chains;
mod copies;
mod crossover;
mod report;

use ocelli_kernels::internals::CudaOptions;
use ocelli_kernels::{CudaBackend, Pool, probe};
use report::Report;

fn main() {
    let required = std::env::args().any(|argument| argument == "--require-gpu")
        || std::env::var_os("OCELLI_REQUIRE_GPU").is_some();
    let probe = probe();
    let device = match &probe.cuda {
        Ok(devices) => devices.first().ok_or_else(|| "there is no CUDA device".to_owned()),
        Err(reason) => Err(reason.clone()),
    };
    let device = match device {
        Ok(device) => device,
        Err(reason) => {
            println!("no GPU: {reason}");
            std::process::exit(i32::from(required));
        }
    };
    let (major, minor) = device.compute_capability;
    println!("{}, sm_{major}{minor}; CPU: {}", device.name, probe.cpu);
    let mut report = Report::default();
    let copy = copies::measure(&mut report);
    // Without kept kernels: the first use of each says what compiling costs.
    let options =
        CudaOptions { kernel_folder: None, batch_bytes: 8 << 30, ..CudaOptions::default() };
    let mut gpu = CudaBackend::open_with(0, Pool::new(4 << 30), options).unwrap();
    chains::compiling(&mut gpu, &mut report);
    chains::bandwidth(&mut gpu, copy, &mut report);
    chains::frames(&mut gpu, &mut report);
    crossover::measure(gpu, &mut report);
    report.write(&device.name);
}
