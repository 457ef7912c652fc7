//! Several lists at a time: an increment waits for the one before only if it is of the same list,
//! and neighbours mostly have the same value.

#![allow(clippy::indexing_slicing, reason = "a byte indexes lists of 256")]

use std::ops::Range;

use arrayvec::ArrayVec;

use crate::scratch::Scratch;
use crate::{Cpu, Element, Image, ImageError, PixelFormat, Tensor, TensorShape};

/// The most parts that are counted at a time.
const MAX_PARTS: usize = 64;
/// Pixels that are counted in lists of their own, for each channel.
const APART: usize = 4;

type List = [u32; 256];

struct Part<'a> {
    rows: Range<usize>,
    lists: &'a mut [List],
}

pub(super) fn count(cpu: &Cpu, input: &Image) -> Result<Tensor, ImageError> {
    let (channels, height) = (input.format().channels(), input.size().height());
    let lists = channels * APART;
    let count = cpu.band_count(input.row_bytes() * height).clamp(1, MAX_PARTS);
    let band = height.div_ceil(count);
    let mut scratch = Scratch::<u32>::take(cpu.pool(), 256 * lists * count);
    let all = scratch.as_mut();
    all.fill(0);
    let all = all.as_chunks_mut::<256>().0;
    let rows = (0..height).step_by(band.max(1));
    let mut parts: ArrayVec<Part<'_>, MAX_PARTS> = (rows.zip(all.chunks_exact_mut(lists)))
        .take(MAX_PARTS)
        .map(|(first, lists)| Part { rows: first..(first + band).min(height), lists })
        .collect();
    cpu.each(input.row_bytes() * height, &mut parts, |part| {
        for y in cpu.watched(part.rows.clone(), input.row_bytes()) {
            match input.format() {
                PixelFormat::Rgb8 => row::<3>(input.row(y), part.lists),
                PixelFormat::Rgba8 => row::<4>(input.row(y), part.lists),
                _ => row::<1>(input.row(y), part.lists),
            }
        }
    });
    drop(parts);
    let shape = TensorShape::new(Element::U32, &[channels, 256], "cv");
    let mut buffer = cpu.take(shape.bytes());
    let bins = buffer.as_chunks_mut::<4>().0.chunks_exact_mut(256);
    for (channel, bins) in bins.enumerate() {
        for (value, bin) in bins.iter_mut().enumerate() {
            let lists = all.iter().skip(channel).step_by(channels);
            let sum: u32 = lists.map(|list| list[value]).sum();
            *bin = sum.to_le_bytes();
        }
    }
    Tensor::pooled(shape, buffer)
}

/// Lists lie as the samples of some pixels do: channel by channel, pixel by pixel.
fn row<const C: usize>(row: &[u8], lists: &mut [List]) {
    if C == 1 {
        return gray(row, lists);
    }
    let Some(lists) = lists.as_chunks_mut::<C>().0.first_chunk_mut::<APART>() else { return };
    let mut blocks = row.as_chunks::<C>().0.chunks_exact(APART);
    for pixels in &mut blocks {
        for (pixel, lists) in pixels.iter().zip(&mut *lists) {
            for (sample, list) in pixel.iter().zip(lists) {
                list[usize::from(*sample)] += 1;
            }
        }
    }
    for (pixel, lists) in blocks.remainder().iter().zip(lists) {
        for (sample, list) in pixel.iter().zip(lists) {
            list[usize::from(*sample)] += 1;
        }
    }
}

fn gray(row: &[u8], lists: &mut [List]) {
    let Some([a, b, c, d]) = lists.first_chunk_mut::<APART>() else { return };
    let (words, rest) = row.as_chunks::<8>();
    for word in words {
        // One load instead of eight.
        let word = u64::from_le_bytes(*word);
        let byte = |at: u32| (word >> (8 * at) & 0xff) as usize;
        a[byte(0)] += 1;
        b[byte(1)] += 1;
        c[byte(2)] += 1;
        d[byte(3)] += 1;
        a[byte(4)] += 1;
        b[byte(5)] += 1;
        c[byte(6)] += 1;
        d[byte(7)] += 1;
    }
    rest.iter().for_each(|sample| a[usize::from(*sample)] += 1);
}
