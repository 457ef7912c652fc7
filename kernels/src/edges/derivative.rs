//! Derivatives as images, which most filters of this family make.

use std::ops::Range;

use super::kernels::{Kernels, MOST_TAPS};
use super::passes::{self, Combine};
use crate::border::Border;
use crate::cuda::{Argument, CudaSource, Launch};
use crate::scratch::Scratch;
use crate::simd::Level;
use crate::{Cpu, Cut, PixelFormat, Reach, Shape, Window, alpha};

pub(super) static CUDA: CudaSource =
    CudaSource { name: "edges.cu", text: include_str!("../../cuda/edges.cu") };

/// Pixels of a tile on a GPU, across and down; one block of threads makes one tile.
pub(super) const TILE: (usize, usize) = (32, 16);

/// The threads of a block.
pub(super) const BLOCK: (u32, u32) = (32, 8);

/// A derivative, and how it becomes samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Derivative {
    pub(super) kernels: Kernels,
    pub(super) combine: Combine,
    pub(super) scale: f32,
    pub(super) border: Border,
}

impl Derivative {
    /// Which rows a row of the result depends on.
    pub(super) fn reach(&self) -> Reach {
        match self.border {
            Border::Wrap => Reach::Anywhere,
            _ => Reach::Near(self.kernels.radius()),
        }
    }

    /// Makes rows `rows`, with the transparency of the input.
    pub(super) fn render(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
    ) {
        self.samples(cpu, input, input, rows, output);
    }

    /// Makes rows `rows` of [`Combine::Root`] with a threshold: the squares are compared instead of
    /// their root.
    pub(super) fn render_cut(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
        cut: Cut,
    ) {
        let (level, row_bytes, channels) =
            (cpu.level(), input.shape().row_bytes(), input.channels());
        let square = passes::least_square(cut.at, self.scale);
        let mut sums = Sums::take(cpu, self.kernels, input, self.border);
        for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
            let both = sums.of_row(level, input, y, self.combine);
            passes::squares(level, self.kernels, both, channels, (square, cut), output);
            keep_alpha(level, input, y, output);
        }
    }

    /// Makes rows `rows`, with the transparency of another image.
    pub(super) fn samples(
        &self,
        cpu: &Cpu,
        input: &Window<'_>,
        transparency: &Window<'_>,
        rows: Range<usize>,
        output: &mut [u8],
    ) {
        let (level, row_bytes) = (cpu.level(), input.shape().row_bytes());
        let channels = input.channels();
        let mut sums = Sums::take(cpu, self.kernels, input, self.border);
        for (y, output) in cpu.watched(rows, row_bytes).zip(output.chunks_exact_mut(row_bytes)) {
            let both = sums.of_row(level, input, y, self.combine);
            let how = (self.combine, self.scale);
            passes::horizontal(level, self.kernels, both, channels, how, output);
            keep_alpha(level, transparency, y, output);
        }
    }

    /// The launch that does the same on a GPU.
    pub(super) fn launch(&self, input: Shape, from: Argument, alpha: Argument) -> Option<Launch> {
        let radius = self.kernels.radius();
        let channels = input.format.channels();
        let (across, down) = (TILE.0 + 2 * radius, TILE.1 + 2 * radius);
        // The tile with its surroundings, and the two sums along its rows.
        let tile = across * down * channels;
        let sums = TILE.0 * down * channels * 2 * size_of::<i16>();
        Some(Launch {
            source: &CUDA,
            kernel: "edges_derivative",
            grid: grid(input)?,
            block: BLOCK,
            shared_bytes: u32::try_from(tile.next_multiple_of(4) + sums).ok()?,
            arguments: vec![
                from,
                alpha,
                Argument::Output,
                int(input.size.width())?,
                int(input.size.height())?,
                int(channels)?,
                int(radius)?,
                Argument::Int(self.border.code()),
                Argument::Int(self.combine.code()),
                Argument::Float(self.scale),
                Argument::Data(0),
            ],
        })
    }

    /// What the launch needs as the first entry of the program's data.
    pub(super) fn data(&self) -> Vec<u8> {
        self.kernels.taps().into_iter().flat_map(i16::to_le_bytes).collect()
    }
}

/// Row by row, while the row is in the cache: after all of them it takes five times as long.
fn keep_alpha(level: Level, from: &Window<'_>, y: usize, output: &mut [u8]) {
    if from.shape().format == PixelFormat::Rgba8 {
        alpha::keep(level, from.row(y), output);
    }
}

/// Blocks of threads that cover an image with tiles.
pub(super) fn grid(shape: Shape) -> Option<(u32, u32)> {
    let blocks = |pixels: usize, tile: usize| u32::try_from(pixels.div_ceil(tile)).ok();
    Some((blocks(shape.size.width(), TILE.0)?, blocks(shape.size.height(), TILE.1)?))
}

/// A number as an argument of a kernel.
pub(super) fn int(value: usize) -> Option<Argument> {
    i32::try_from(value).ok().map(Argument::Int)
}

/// One row of each of the two sums down the columns, with margins, and what they are made from.
pub(super) struct Sums {
    kernels: Kernels,
    border: Border,
    margin: usize,
    row: usize,
    smooth: Scratch<i16>,
    derive: Scratch<i16>,
    /// Only a constant border needs it.
    zeros: crate::PooledBuffer,
}

impl Sums {
    pub(super) fn take(cpu: &Cpu, kernels: Kernels, input: &Window<'_>, border: Border) -> Self {
        let row = input.shape().row_bytes();
        let margin = kernels.radius() * input.channels();
        let mut zeros = cpu.take(if border == Border::Constant { row } else { 0 });
        zeros.fill(0);
        let sums = || Scratch::with_margin(cpu.pool(), row + 2 * margin, margin);
        Self { kernels, border, margin, row, smooth: sums(), derive: sums(), zeros }
    }

    /// The sums for a row; one that is not needed is empty.
    pub(super) fn of_row(
        &mut self,
        level: Level,
        input: &Window<'_>,
        y: usize,
        combine: Combine,
    ) -> (&[i16], &[i16]) {
        let radius = self.kernels.radius();
        let mut around: [&[u8]; MOST_TAPS] = [&[]; MOST_TAPS];
        let around = around.get_mut(..2 * radius + 1).unwrap_or_default();
        for (tap, slot) in around.iter_mut().enumerate() {
            let at = (y + tap) as isize - radius as isize;
            *slot = input.bordered_row(at, self.border).unwrap_or(&self.zeros);
        }
        let smooth = if combine == Combine::Y { &mut [] } else { self.smooth.as_mut() };
        let derive = if combine == Combine::X { &mut [] } else { self.derive.as_mut() };
        let middle = self.margin..self.margin + self.row;
        passes::vertical(
            level,
            self.kernels,
            around,
            smooth.get_mut(middle.clone()).unwrap_or_default(),
            derive.get_mut(middle).unwrap_or_default(),
        );
        for sums in [&mut *smooth, &mut *derive] {
            self.border.extend(sums, radius, input.channels());
        }
        (smooth, derive)
    }
}
