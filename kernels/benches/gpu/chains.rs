//! Chains on the device.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use ocelli_kernels::{Backend as _, Catalog, Chain, CudaBackend, Image, PixelFormat, Size};

use crate::report::Report;

const REPEATS: usize = 10;
const FOUR_K: (u32, u32) = (3840, 2160);
const FULL_HD: (u32, u32) = (1920, 1080);
/// What a step that does nothing but read and write should reach of a copy.
const MEMORY_BOUND: f64 = 0.85;

pub(crate) const FIVE: [&str; 5] =
    ["brightness_contrast", "saturation_hue", "gamma", "sepia", "invert"];

pub(crate) fn chain(ids: &[&str]) -> Chain {
    let none = BTreeMap::new();
    Chain::parse(&Catalog::standard(), ids.iter().map(|id| (*id, &none))).unwrap()
}

pub(crate) fn image((width, height): (u32, u32), format: PixelFormat) -> Image {
    let size = Size::new(width, height).unwrap();
    let row = format.row_bytes(size.width());
    let noise = |at: usize| (at.wrapping_mul(2_654_435_761) >> 7) as u8;
    let data = Bytes::from_iter((0..row * size.height()).map(noise));
    Image::new(size, format, row, data).unwrap()
}

/// The first frame of a chain waits for its kernel.
pub(crate) fn compiling(gpu: &mut CudaBackend, report: &mut Report) {
    for ids in [&["blur"][..], &FIVE] {
        let (chain, image) = (chain(ids), image((64, 64), PixelFormat::Rgb8));
        let start = Instant::now();
        gpu.run(&chain, image).unwrap();
        let name = format!("first frame, {}", ids.join(" "));
        report.add(&name, start.elapsed().as_secs_f64() * 1e3, "ms", None);
    }
}

/// Bytes read and written a second, against a copy.
pub(crate) fn bandwidth(gpu: &mut CudaBackend, copy: f64, report: &mut Report) {
    use PixelFormat::{Gray8, Rgb8, Rgba8};
    let memory_bound = Some(MEMORY_BOUND);
    let rows = [
        (&["invert"][..], Gray8, memory_bound),
        (&["invert"], Rgb8, memory_bound),
        (&["invert"], Rgba8, memory_bound),
        (&["grayscale"], Rgb8, memory_bound),
        (&["flip"], Rgb8, memory_bound),
        (&FIVE, Rgb8, None),
        (&["blur"], Rgb8, None),
        (&["median"], Gray8, None),
        (&["sobel"], Gray8, None),
        (&["resize"], Rgb8, None),
    ];
    for (ids, format, goal) in rows {
        let (chain, image) = (chain(ids), image(FOUR_K, format));
        let count = 16;
        let output = chain.output(image.shape()).unwrap();
        let bytes = count * (image.shape().bytes() + output.bytes());
        let mut seconds = f64::INFINITY;
        for _ in 0..REPEATS {
            let ticket = gpu.submit(&chain, vec![image.clone(); count]).unwrap();
            let (_, times) = gpu.complete(ticket).unwrap();
            seconds = seconds.min(times.compute.as_secs_f64());
        }
        let name = format!("{} {format:?}, 16 frames of 4K", ids.join(" "));
        report.add(&name, bytes as f64 / seconds / 1e9, "GB/s", None);
        report.add(&format!("{name}: of a copy"), bytes as f64 / seconds / copy, "x", goal);
    }
}

/// Frames a second from memory to memory.
pub(crate) fn frames(gpu: &mut CudaBackend, report: &mut Report) {
    let (chain, image) = (chain(&FIVE), image(FULL_HD, PixelFormat::Rgb8));
    let mut one = 0.0;
    for batch in [1, 8, 32] {
        let (alone, overlapping) = (rate(gpu, &chain, &image, batch, 1), {
            let lanes = gpu.free_lanes();
            rate(gpu, &chain, &image, batch, lanes)
        });
        let name = format!("five steps, 1080p RGB, batches of {batch}");
        report.add(&format!("{name}, one at a time"), alone, "frames/s", None);
        report.add(&format!("{name}, overlapping"), overlapping, "frames/s", None);
        report.add(&format!("{name}: overlap gains"), overlapping / alone, "x", None);
        if batch == 1 {
            one = overlapping;
        } else {
            report.add(&format!("{name}: against batches of 1"), overlapping / one, "x", None);
        }
    }
}

/// Frames a second with so many batches on their way at a time.
fn rate(gpu: &mut CudaBackend, chain: &Chain, image: &Image, batch: usize, lanes: usize) -> f64 {
    let batches = (256 / batch).max(2 * lanes);
    let mut run = |batches: usize| {
        let mut waiting = VecDeque::new();
        for _ in 0..batches {
            if waiting.len() == lanes {
                drop(gpu.complete(waiting.pop_front().unwrap()).unwrap());
            }
            waiting.push_back(gpu.submit(chain, vec![image.clone(); batch]).unwrap());
        }
        for ticket in waiting {
            drop(gpu.complete(ticket).unwrap());
        }
    };
    run(2 * lanes);
    let start = Instant::now();
    run(batches);
    (batches * batch) as f64 / start.elapsed().as_secs_f64()
}
