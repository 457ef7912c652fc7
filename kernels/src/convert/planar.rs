//! NV12 and I420 to interleaved pixels of any colour space. Chroma is not interpolated: each sample
//! counts for its two by two pixels.

use std::ops::Range;

use super::chroma::Chroma;
use super::x86;
use crate::colour::spaces::Space;
use crate::colour::spaces::block::{BLOCK, Block};
use crate::colour::spaces::ycbcr::{self, Matrix};
use crate::cpu::Cpu;
use crate::simd::Level;
use crate::{Image, ImageError, PixelFormat, Size, Table};

/// A planar image, wherever its bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planar<'a> {
    pub(crate) size: Size,
    /// Either [`PixelFormat::Nv12`] or [`PixelFormat::I420`].
    pub(crate) format: PixelFormat,
    pub(crate) stride: usize,
    pub(crate) data: &'a [u8],
}

impl<'a> Planar<'a> {
    pub(crate) fn of(image: &'a Image) -> Self {
        let (size, format) = (image.size(), image.format());
        Self { size, format, stride: image.stride(), data: image.data() }
    }

    fn row(&self, start: usize, len: usize) -> &'a [u8] {
        self.data.get(start..start + len).unwrap_or_default()
    }

    pub(super) fn luma(&self, y: usize) -> &'a [u8] {
        self.row(y * self.stride, self.size.width())
    }

    /// The chroma of the pixels of row `y`.
    pub(super) fn chroma(&self, y: usize) -> Chroma<'a> {
        let (below, half) = (self.stride * self.size.height(), self.size.width().div_ceil(2));
        match self.format {
            PixelFormat::I420 => {
                let stride = self.stride.div_ceil(2);
                let plane = stride * self.size.height().div_ceil(2);
                let start = below + y / 2 * stride;
                Chroma::Planes(self.row(start, half), self.row(start + plane, half))
            }
            _ => Chroma::Pairs(self.row(below + y / 2 * self.stride, 2 * half)),
        }
    }

    /// Those rows as interleaved red, green, blue.
    pub(crate) fn rgb(&self, level: Level, matrix: &Matrix, rows: Range<usize>, to: &mut [u8]) {
        self.pairs(rows, to, |luma, chroma, to| rgb(level, matrix, luma, chroma, to));
    }

    /// Those rows as interleaved pixels of another space.
    fn render(
        &self,
        level: Level,
        matrix: &Matrix,
        (space, of_space): (Space, &Matrix),
        rows: Range<usize>,
        to: &mut [u8],
    ) {
        let mut block = Block::new();
        let mut colours = [[0; 3 * BLOCK]; 2];
        self.pairs(rows, to, |luma, chroma, mut to| {
            for start in (0..self.size.width()).step_by(BLOCK) {
                let luma = luma
                    .map(|row| row.get(start..row.len().min(start + BLOCK)).unwrap_or_default());
                let [first, second] = &mut colours;
                rgb(level, matrix, luma, chroma.from(start), [first, second]);
                for ((luma, colours), to) in luma.into_iter().zip(&colours).zip(to.iter_mut()) {
                    block.split(level, 3, colours);
                    space.of_rgb(level, of_space, &mut block);
                    let end = 3 * (start + luma.len());
                    block.join(level, 3, to.get_mut(3 * start..end).unwrap_or_default());
                }
            }
        });
    }

    /// Calls `work` for each pair of rows that share their chroma, with their luma, that chroma,
    /// and room for their pixels of three bytes. Where a row is alone, the other one is empty.
    fn pairs(
        &self,
        rows: Range<usize>,
        to: &mut [u8],
        mut work: impl FnMut([&'a [u8]; 2], Chroma<'a>, [&mut [u8]; 2]),
    ) {
        let row_bytes = self.size.width() * 3;
        let (mut y, mut rest) = (rows.start, to);
        while y < rows.end {
            let end = (y / 2 * 2 + 2).min(rows.end);
            let (now, later) = rest.split_at_mut_checked((end - y) * row_bytes).unwrap_or_default();
            rest = later;
            let second = if end - y == 2 { self.luma(y + 1) } else { &[] };
            let (one, other) = now.split_at_mut_checked(row_bytes).unwrap_or_default();
            work([self.luma(y), second], self.chroma(y), [one, other]);
            y = end;
        }
    }

    /// As interleaved pixels of that space, [`PixelFormat::Rgb8`]; for grey, see [`Self::gray`].
    /// `matrix` is that of the planes, `of_space` that of the space.
    pub(crate) fn read(
        &self,
        cpu: &Cpu,
        matrix: &Matrix,
        space: Space,
        of_space: &Matrix,
    ) -> Result<Image, ImageError> {
        let level = cpu.level();
        let row_bytes = self.size.width() * 3;
        let mut buffer = cpu.take(row_bytes * self.size.height());
        cpu.bands(&mut buffer, row_bytes, |rows, band| match space {
            Space::Rgb => self.rgb(level, matrix, rows, band),
            _ => self.render(level, matrix, (space, of_space), rows, band),
        });
        Image::packed(self.size, PixelFormat::Rgb8, buffer)
    }

    /// Luma in full range, by the table of its matrix, as grey: chroma is not touched. That is the
    /// grey of its colours, but for those that are beyond red, green and blue.
    pub(crate) fn gray(&self, cpu: &Cpu, table: &Table) -> Result<Image, ImageError> {
        let (width, level) = (self.size.width(), cpu.level());
        let unchanged = table.is_identity();
        let mut buffer = cpu.take(self.size.pixels());
        cpu.bands(&mut buffer, width, |rows, band| {
            // Rows without padding are one.
            let line = if self.stride == width { band.len() } else { width };
            for (y, to) in (rows.start..).zip(band.chunks_mut(line)) {
                let from = self.row(y * self.stride, to.len());
                match unchanged {
                    true => to.copy_from_slice(from),
                    false => table.pixels(level, PixelFormat::Gray8, from, to),
                }
            }
        });
        Image::packed(self.size, PixelFormat::Gray8, buffer)
    }
}

/// Two rows as interleaved red, green, blue, from their luma and the chroma that they share. The
/// second may be empty.
fn rgb(
    level: Level,
    matrix: &Matrix,
    luma: [&[u8]; 2],
    chroma: Chroma<'_>,
    [first, second]: [&mut [u8]; 2],
) {
    let done = x86::to_rgb(level, matrix, luma, chroma, [&mut *first, &mut *second]);
    for (luma, to) in luma.into_iter().zip([first, second]) {
        for start in (done..luma.len()).step_by(BLOCK) {
            let mut block = Block::new();
            let end = luma.len().min(start + BLOCK);
            let [to_luma, cb, cr, _] = &mut block.0;
            let from = luma.get(start..end).unwrap_or_default();
            to_luma.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            chroma.from(start).spread(level, cb, cr);
            ycbcr::to_rgb(level, &mut block, matrix);
            block.join(level, 3, to.get_mut(3 * start..3 * end).unwrap_or_default());
        }
    }
}
