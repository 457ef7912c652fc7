//! Launches of kernels that read and write memory 16 bytes at a time, as `wide.cuh` expects.

use super::{Argument, CudaSource, Launch};

/// Threads in a block; `THREADS` in `wide.cuh`.
pub(crate) const THREADS: u32 = 256;
/// Bytes of shared memory in which the threads of a block exchange pixels of three samples.
pub(crate) const EXCHANGE: u32 = 48 * THREADS;

/// Pixels for each thread: 16 bytes, or the smallest number of pixels that is a multiple of that;
/// `EACH` in `wide.cuh`.
pub(crate) const fn each(channels: usize) -> usize {
    if channels == 4 { 4 } else { 16 }
}

/// The number of blocks for that many pixels; `None` if there are more than the kernels can count.
pub(crate) fn blocks_of_pixels(pixels: usize, each: usize) -> Option<u32> {
    let of_block = THREADS as usize * each;
    // The pixels of the last block are counted before it is cut off.
    i32::try_from(pixels.next_multiple_of(of_block)).ok()?;
    u32::try_from(pixels.div_ceil(of_block)).ok()
}

/// A launch whose threads process 16 bytes each.
pub(crate) fn of_bytes(
    source: &'static CudaSource,
    kernel: &'static str,
    bytes: usize,
    arguments: Vec<Argument>,
) -> Option<Launch> {
    Some(Launch {
        source,
        kernel,
        grid: (u32::try_from(bytes.div_ceil(16 * THREADS as usize)).ok()?, 1),
        block: (THREADS, 1),
        shared_bytes: 0,
        arguments,
    })
}
