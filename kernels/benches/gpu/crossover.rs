//! From which size of image on a chain takes less time on the GPU than on the CPU, copies included.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ocelli_kernels::{
    Backend, Chain, CpuBackend, CudaBackend, Image, PixelFormat, Pool, WorkerPool,
};

use crate::chains::{FIVE, chain, image};
use crate::report::Report;

const SIDES: [u32; 13] = [32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048];
const REPEATS: usize = 9;

pub(crate) fn measure(mut gpu: CudaBackend, report: &mut Report) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = Arc::new(WorkerPool::new(threads).unwrap());
    let mut cpu = CpuBackend::new(Pool::new(1 << 30)).with_workers(workers);
    for ids in [&FIVE[..], &["grayscale"], &["blur"], &["median"]] {
        let chain = chain(ids);
        let mut from = None;
        for side in SIDES {
            let image = image((side, side), PixelFormat::Rgb8);
            let faster = median(&mut gpu, &chain, &image) < median(&mut cpu, &chain, &image);
            from = if faster { from.or(Some(side)) } else { None };
        }
        let name = format!("{}: the GPU is faster from squares of", ids.join(" "));
        match from {
            Some(side) => report.add(&name, f64::from(side), "pixels", None),
            None => println!("{name}: never"),
        }
    }
}

/// The median time of a run. The first run is left out: it compiles, and fills pools.
fn median(backend: &mut dyn Backend, chain: &Chain, image: &Image) -> Duration {
    drop(backend.run(chain, image.clone()).unwrap());
    let mut times = [(); REPEATS].map(|()| {
        let start = Instant::now();
        drop(backend.run(chain, image.clone()).unwrap());
        start.elapsed()
    });
    times.sort();
    times[REPEATS / 2]
}
