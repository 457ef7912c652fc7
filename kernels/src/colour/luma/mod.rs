//! Luma of grey and of colours, and how often each level of it occurs.

#![allow(clippy::indexing_slicing, reason = "a byte indexes lists of 256")]

use super::spaces::block::{BLOCK, Block};
use super::spaces::ycbcr::{self, Matrix};
use crate::simd::Level;
use crate::simd::simd_levels;
use crate::{Cpu, Image, PixelFormat, WorkError};

/// How often each level occurs.
pub(crate) type Histogram = [u32; 256];

/// Counts levels: in several lists, or one that is counted up twice in a row would have to wait for
/// itself.
pub(crate) struct Counter([Histogram; 4]);

impl Counter {
    pub(crate) const fn new() -> Self {
        Self([[0; 256]; 4])
    }

    /// Adds what is in some samples.
    pub(crate) fn add(&mut self, samples: &[u8]) {
        let [a, b, c, d] = &mut self.0;
        let (blocks, rest) = samples.as_chunks::<8>();
        for block in blocks {
            let word = u64::from_le_bytes(*block);
            let level = |at: u32| (word >> (8 * at)) as usize & 0xff;
            a[level(0)] += 1;
            b[level(1)] += 1;
            c[level(2)] += 1;
            d[level(3)] += 1;
            a[level(4)] += 1;
            b[level(5)] += 1;
            c[level(6)] += 1;
            d[level(7)] += 1;
        }
        rest.iter().for_each(|sample| a[usize::from(*sample)] += 1);
    }

    pub(crate) fn histogram(&self) -> Histogram {
        let [a, b, c, d] = &self.0;
        std::array::from_fn(|at| a[at] + b[at] + c[at] + d[at])
    }
}

/// Luma of some pixels of such a layout; of RGB as OpenCV's `COLOR_RGB2YCrCb` has it.
pub(crate) fn of(level: Level, format: PixelFormat, from: &[u8], to: &mut [u8]) {
    let channels = format.channels();
    if channels == 1 {
        return to.copy_from_slice(from);
    }
    let mut block = Block::new();
    for (from, to) in from.chunks(BLOCK * channels).zip(to.chunks_mut(BLOCK)) {
        block.split(level, channels, from);
        only_luma(level, &mut block);
        block.join(level, 1, to);
    }
}

/// The pixels with another luma: `change` gets that of a block, and which block it is. Alpha stays.
pub(crate) fn replace(
    level: Level,
    format: PixelFormat,
    from: &[u8],
    to: &mut [u8],
    mut change: impl FnMut(usize, &mut [u8; BLOCK]),
) {
    let (channels, matrix) = (format.channels(), Matrix::of("bt601", true));
    let mut block = Block::new();
    let blocks = from.chunks(BLOCK * channels).zip(to.chunks_mut(BLOCK * channels));
    for (at, (from, to)) in blocks.enumerate() {
        block.split(level, channels, from);
        if channels > 1 {
            ycbcr::opencv_from_rgb(level, &mut block);
        }
        change(at, &mut block.0[0]);
        if channels > 1 {
            ycbcr::to_rgb(level, &mut block, &matrix);
        }
        block.join(level, channels, to);
    }
}

/// The histogram of the whole image.
pub(crate) fn histogram(cpu: &Cpu, image: &Image) -> Result<Histogram, WorkError> {
    /// Bytes of one list on the device.
    const BYTES: usize = 1024;
    let (height, format, level) = (image.size().height(), image.format(), cpu.level());
    // Each part of the rows has a list of its own.
    let parts = match cpu.threads() {
        1 => 1,
        threads => (2 * threads).min(height),
    };
    let mut lists = cpu.take(BYTES * parts);
    cpu.bands_from(image.data().len(), &mut lists, BYTES, 1, |part, list| {
        let mut counter = Counter::new();
        let mut luma = cpu.take(image.size().width());
        let rows = part.start * height / parts..part.end * height / parts;
        for y in cpu.watched(rows, image.row_bytes()) {
            if format == PixelFormat::Gray8 {
                counter.add(image.row(y));
            } else {
                of(level, format, image.row(y), &mut luma);
                counter.add(&luma);
            }
        }
        for (to, count) in list.as_chunks_mut::<4>().0.iter_mut().zip(counter.histogram()) {
            *to = count.to_le_bytes();
        }
    });
    cpu.go_on()?;
    let mut all = [0; 256];
    for list in lists.chunks_exact(BYTES) {
        for (all, bytes) in all.iter_mut().zip(list.as_chunks::<4>().0) {
            *all += u32::from_le_bytes(*bytes);
        }
    }
    Ok(all)
}

simd_levels! {
    fn only_luma(block: &mut Block) {
        let [red, green, blue, _] = &mut block.0;
        for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
            *red = ycbcr::opencv_ycbcr([*red, *green, *blue])[0];
        }
    }
}
