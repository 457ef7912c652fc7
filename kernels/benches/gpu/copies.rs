//! How fast bytes get to the device, through it and back: what everything else is measured by.

use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaEvent, CudaStream, sys};

use crate::report::Report;

const REPEATS: usize = 10;
const LARGE: usize = 256 << 20;
/// RGB, 1920×1080.
const FRAME: usize = 1920 * 1080 * 3;

/// The bandwidth of a copy on the device, in bytes read and written a second.
pub(crate) fn measure(report: &mut Report) -> f64 {
    let context = CudaContext::new(0).unwrap();
    let (first, second) = (context.new_stream().unwrap(), context.new_stream().unwrap());
    for (what, bytes) in [("256 MiB", LARGE), ("a 1080p RGB frame", FRAME)] {
        let (up, down, both) = host(&context, &first, &second, bytes);
        report.add(&format!("host to device, {what}"), up / 1e9, "GB/s", None);
        report.add(&format!("device to host, {what}"), down / 1e9, "GB/s", None);
        // Of the time of both one after the other: 0.5 if they overlap fully.
        report.add(&format!("both at once, {what}"), both, "of both", None);
    }
    let mut from = first.alloc_zeros::<u8>(LARGE).unwrap();
    let mut to = first.alloc_zeros::<u8>(LARGE).unwrap();
    let seconds = best(&first, || {
        first.memcpy_dtod(&from, &mut to).unwrap();
        std::mem::swap(&mut from, &mut to);
    });
    let bandwidth = 2.0 * LARGE as f64 / seconds;
    report.add("device to device, read and written", bandwidth / 1e9, "GB/s", None);
    bandwidth
}

/// Bytes a second up and down, and what part of their times both take together.
#[allow(unsafe_code, reason = "pinned memory comes as it is")]
fn host(
    context: &Arc<CudaContext>,
    first: &Arc<CudaStream>,
    second: &Arc<CudaStream>,
    bytes: usize,
) -> (f64, f64, f64) {
    let flags = sys::CU_MEMHOSTALLOC_WRITECOMBINED;
    // SAFETY: any bits are a valid u8.
    let upload = unsafe { context.alloc_pinned_with_flags::<u8>(bytes, flags) }.unwrap();
    // SAFETY: any bits are a valid u8.
    let mut download = unsafe { context.alloc_pinned_with_flags::<u8>(bytes, 0) }.unwrap();
    let mut target = first.alloc_zeros::<u8>(bytes).unwrap();
    let source = second.alloc_zeros::<u8>(bytes).unwrap();
    second.synchronize().unwrap();
    let up = best(first, || first.memcpy_htod(&upload, &mut target).unwrap());
    let down = best(second, || second.memcpy_dtoh(&source, &mut download).unwrap());
    let both = best(first, || {
        second.wait(&mark(first)).unwrap();
        second.memcpy_dtoh(&source, &mut download).unwrap();
        first.memcpy_htod(&upload, &mut target).unwrap();
        first.wait(&mark(second)).unwrap();
    });
    (bytes as f64 / up, bytes as f64 / down, both / (up + down))
}

fn mark(stream: &Arc<CudaStream>) -> CudaEvent {
    stream.record_event(Some(sys::CUevent_flags::CU_EVENT_DEFAULT)).unwrap()
}

/// The least seconds of some runs, on the device's clock.
fn best(stream: &Arc<CudaStream>, mut work: impl FnMut()) -> f64 {
    let mut once = || {
        let start = mark(stream);
        work();
        f64::from(start.elapsed_ms(&mark(stream)).unwrap()) / 1000.0
    };
    once();
    (0..REPEATS).map(|_| once()).fold(f64::INFINITY, f64::min)
}
