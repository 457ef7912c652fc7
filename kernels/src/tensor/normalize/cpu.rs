//! Resizes an image row by row, and writes each row as numbers while it is in the cache.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::Normalize;
use super::source::Source;
use crate::geometry::planes::each_plane;
use crate::geometry::resize::Plan;
use crate::simd::simd_levels;
use crate::{Cpu, Image, ImageError, Operation as _, PooledBuffer, Shape, Tensor, TensorShape};

/// The most parts that a tensor is made in.
const MAX_PARTS: usize = 64;
/// Bytes of rows that are resized at a time, and how many rows at least: what was summed up along
/// the last rows of a stripe is summed up again for the next one.
const STRIPE: (usize, usize) = (64 << 10, 8);

/// Some rows of the tensor.
struct Part<'a> {
    rows: Range<usize>,
    /// One, or one for each channel, in the order of the tensor.
    planes: ArrayVec<&'a mut [u8], 3>,
}

/// What all parts of an image share.
struct Work<'a> {
    normalize: &'a Normalize,
    cpu: &'a Cpu,
    source: Source<'a>,
    /// The whole image, of interleaved pixels.
    pixels: Shape,
    /// The shape after resizing.
    inner: Shape,
    /// The position of the image in the tensor.
    left: isize,
    top: isize,
    /// Pixels of a row of the tensor.
    width: usize,
    /// Bytes of a number, and channels of the tensor.
    bytes: usize,
    channels: usize,
}

impl Normalize {
    pub(super) fn make(&self, cpu: &Cpu, input: &Image) -> Result<Tensor, ImageError> {
        let shape = input.shape();
        let nothing = || TensorShape::new(self.numbers.element, &[0], "n");
        let (mapping, outer) = (self.mapping(shape.size), self.outer(shape.size));
        // `output` has said that there are both.
        let (Some(mapping), Some(outer), Some(made)) = (mapping, outer, self.tensor(shape)) else {
            return Err(ImageError::Length { is: 0, must: nothing().bytes() });
        };
        let pixels = Self::pixels(shape);
        let (channels, bytes) = (Self::channels(shape), self.numbers.element.bytes());
        let work = Work {
            normalize: self,
            cpu,
            source: Source::of(input),
            pixels,
            inner: Shape::new(mapping.inner(), pixels.format),
            left: mapping.offset().0,
            top: mapping.offset().1,
            width: outer.width(),
            bytes,
            channels,
        };
        let mut buffer = cpu.take(made.bytes());
        let planes = if self.planar { channels } else { 1 };
        let row_bytes = outer.width() * bytes * channels / planes;
        let count = cpu.band_count(buffer.len()).clamp(1, MAX_PARTS);
        let band = outer.height().div_ceil(count).max(1);
        let made_bytes = buffer.len();
        let mut parts: ArrayVec<Part<'_>, MAX_PARTS> = (0..outer.height())
            .step_by(band)
            .take(MAX_PARTS)
            .map(|first| Part {
                rows: first..(first + band).min(outer.height()),
                planes: ArrayVec::new(),
            })
            .collect();
        for plane in buffer.chunks_exact_mut(row_bytes * outer.height()).take(planes) {
            let bands = plane.chunks_mut(row_bytes * band);
            parts.iter_mut().zip(bands).for_each(|(part, band)| part.planes.push(band));
        }
        cpu.each(made_bytes, &mut parts, |part| work.part(part));
        drop(parts);
        Tensor::pooled(made, buffer)
    }
}

impl Work<'_> {
    fn part(&self, part: &mut Part<'_>) {
        let plans = self.normalize.prepared.plans(self.normalize.filter, self.pixels, self.inner);
        let Some(plan) = plans.first() else { return };
        let row = self.inner.row_bytes();
        let copy = matches!(plan, Plan::Copy);
        let stripe = (STRIPE.0 / row.max(1)).max(STRIPE.1);
        let stripe = self.source.stripe(stripe, self.pixels, self.inner);
        let mut resized = self.cpu.take(if copy { 0 } else { stripe * row });
        let mut converted: Option<PooledBuffer> = None;
        // A row with its channels as they are in the tensor.
        let mut ordered = self.cpu.take(self.inner.size.width().min(self.width) * 3);
        let (first, end) = (part.rows.start, part.rows.end);
        let inside = self.top.max(0) as usize
            ..(self.top + self.inner.size.height() as isize).max(0) as usize;
        let row_bytes = self.width * self.bytes * self.channels;
        for y in self.cpu.watched(first..end.min(inside.start), row_bytes) {
            self.bar(part, y - first, 0..self.width);
        }
        for y in self.cpu.watched(first.max(inside.end)..end, row_bytes) {
            self.bar(part, y - first, 0..self.width);
        }
        let mut y = first.max(inside.start);
        let last = end.min(inside.end);
        let mut watch = self.cpu.watch(stripe * row_bytes.max(row));
        while y < last && !watch.is_over() {
            let rows = stripe.min(last - y);
            // The same rows of the resized image.
            let from = (y as isize - self.top) as usize;
            let wanted = from..from + rows;
            let read = plan.reads(wanted.clone());
            let room = self.source.room(self.pixels, read.len());
            if converted.as_ref().map_or(0, |memory| memory.len()) < room {
                converted = Some(self.cpu.take(room));
            }
            let memory = converted.as_deref_mut().and_then(|memory| memory.get_mut(..room));
            let memory = memory.unwrap_or_default();
            let input = self.source.rows(self.cpu, self.pixels, read, memory);
            if !copy {
                let to = resized.get_mut(..rows * row).unwrap_or_default();
                each_plane(&input, self.inner, wanted, to, |_, plane, rows, mut to| {
                    plan.render(self.cpu, plane, rows, &mut to);
                });
            }
            for at in 0..rows {
                let line = match copy {
                    true => input.row(from + at),
                    false => resized.get(at * row..(at + 1) * row).unwrap_or_default(),
                };
                self.row(part, y + at - first, line, &mut ordered);
            }
            y += rows;
        }
    }

    /// Writes a row of the tensor of a row of the resized image.
    fn row(&self, part: &mut Part<'_>, at: usize, line: &[u8], ordered: &mut [u8]) {
        let input = self.inner.format.channels();
        let cut = (-self.left).max(0) as usize;
        let left = self.left.max(0) as usize;
        let width = (self.inner.size.width() - cut).min(self.width - left);
        let line = line.get(cut * input..(cut + width) * input).unwrap_or_default();
        if left > 0 {
            self.bar(part, at, 0..left);
        }
        if left + width < self.width {
            self.bar(part, at, left + width..self.width);
        }
        let (level, numbers) = (self.cpu.level(), &self.normalize.numbers);
        if self.channels == 1 {
            return numbers.gray(level, line, self.plane(part, 0, at, left..left + width));
        }
        let planar = self.normalize.planar;
        let swap = self.normalize.blue_first && !planar;
        let ordered = ordered.get_mut(..3 * width).unwrap_or_default();
        let line = match (input, swap) {
            (3, false) => line,
            (3, true) => {
                swap_ends(level, line, ordered);
                ordered
            }
            (_, false) => {
                drop_alpha(level, line, ordered);
                ordered
            }
            (_, true) => {
                drop_alpha_and_swap(level, line, ordered);
                ordered
            }
        };
        if planar {
            let range = self.range(at, left..left + width);
            let mut planes = part.planes.iter_mut();
            let mut next =
                || planes.next().and_then(|plane| plane.get_mut(range.clone())).unwrap_or_default();
            let [a, b, c] = [next(), next(), next()];
            let to = if self.normalize.blue_first { [c, b, a] } else { [a, b, c] };
            numbers.planar(level, line, to);
        } else {
            numbers.interleaved(level, line, swap, self.plane(part, 0, at, left..left + width));
        }
    }

    /// Writes what stands beside the image.
    fn bar(&self, part: &mut Part<'_>, at: usize, columns: Range<usize>) {
        let numbers = &self.normalize.numbers;
        let samples @ [first, ..] = self.normalize.bars(self.inner);
        let order = if self.normalize.blue_first { [2, 1, 0] } else { [0, 1, 2] };
        let ordered = order.into_iter().zip(order.map(|c| samples.get(c).copied().unwrap_or(0)));
        let ordered = ordered.take(self.channels);
        if self.channels == 1 {
            numbers.fill(0, first, self.plane(part, 0, at, columns));
        } else if self.normalize.planar {
            for (plane, (channel, sample)) in ordered.enumerate() {
                numbers.fill(channel, sample, self.plane(part, plane, at, columns.clone()));
            }
        } else {
            let bytes = self.bytes;
            let to = self.plane(part, 0, at, columns);
            for pixel in to.chunks_exact_mut(3 * bytes) {
                for ((channel, sample), to) in ordered.clone().zip(pixel.chunks_exact_mut(bytes)) {
                    numbers.fill(channel, sample, to);
                }
            }
        }
    }

    /// The bytes of those columns of a row of a plane.
    fn range(&self, at: usize, columns: Range<usize>) -> Range<usize> {
        let pixel = if self.normalize.planar { self.bytes } else { self.bytes * self.channels };
        let row = at * self.width;
        (row + columns.start) * pixel..(row + columns.end) * pixel
    }

    fn plane<'a>(
        &self,
        part: &'a mut Part<'_>,
        plane: usize,
        at: usize,
        columns: Range<usize>,
    ) -> &'a mut [u8] {
        let range = self.range(at, columns);
        part.planes.get_mut(plane).and_then(|plane| plane.get_mut(range)).unwrap_or_default()
    }
}

simd_levels! {
    fn swap_ends(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<3>().0;
        for (from, to) in pixels.iter().zip(to.as_chunks_mut::<3>().0) {
            let [red, green, blue] = *from;
            *to = [blue, green, red];
        }
    }
}

simd_levels! {
    fn drop_alpha(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<4>().0;
        for (from, to) in pixels.iter().zip(to.as_chunks_mut::<3>().0) {
            let [red, green, blue, _] = *from;
            *to = [red, green, blue];
        }
    }
}

simd_levels! {
    fn drop_alpha_and_swap(from: &[u8], to: &mut [u8]) {
        let pixels = from.as_chunks::<4>().0;
        for (from, to) in pixels.iter().zip(to.as_chunks_mut::<3>().0) {
            let [red, green, blue, _] = *from;
            *to = [blue, green, red];
        }
    }
}
