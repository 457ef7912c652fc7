//! From which size on a frame is sooner back from the GPU than done by the CPU: what `auto` learns.

use std::sync::Arc;

use ocelli_kernels::{
    Backend, Costs, CpuBackend, CudaBackend, Measured, PixelFormat, Pool, WorkerPool,
};

use crate::chains::{FIVE, chain, image};
use crate::report::Report;

const SIDES: [u32; 7] = [32, 64, 128, 256, 512, 1024, 2048];
const REPEATS: usize = 8;

pub(crate) fn measure(gpu: CudaBackend, report: &mut Report) {
    let costs = Arc::new(Costs::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = CpuBackend::new(Pool::new(1 << 30));
    let workers = Arc::new(WorkerPool::new(threads).unwrap());
    let mut gpu = Measured::new(gpu, Arc::clone(&costs));
    let mut cpu = Measured::new(cpu.with_workers(workers), Arc::clone(&costs));
    let backends: [&mut dyn Backend; 2] = [&mut gpu, &mut cpu];
    for backend in backends {
        for ids in [&FIVE[..], &["grayscale"], &["blur"], &["median"]] {
            // The first round compiles, and fills pools: later ones count more.
            for side in SIDES.repeat(REPEATS) {
                let image = image((side, side), PixelFormat::Rgb8);
                drop(backend.run(&chain(ids), image).unwrap());
            }
        }
    }
    for ids in [&FIVE[..], &["grayscale"], &["blur"], &["median"]] {
        let name = format!("{}: the GPU is faster from squares of", ids.join(" "));
        match costs.crossover(&chain(ids), PixelFormat::Rgb8) {
            Some(side) => report.add(&name, f64::from(side), "pixels", None),
            None => println!("{name}: never"),
        }
    }
}
