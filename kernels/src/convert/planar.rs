//! NV12 and I420 to interleaved pixels of any colour space, and back. Chroma is not interpolated:
//! on the way out each sample counts for its two by two pixels, on the way in the upper left pixel
//! of those decides, as in OpenCV.

use crate::colour::spaces::block::{BLOCK, Block, Channel};
use crate::colour::spaces::ycbcr::{self, Matrix};
use crate::colour::spaces::{Space, look_up};
use crate::cpu::Cpu;
use crate::simd::{Level, simd_levels};
use crate::{Image, ImageError, PixelFormat, Size};

use super::{chroma, x86};

/// A planar image, wherever its bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planar<'a> {
    pub(crate) size: Size,
    /// [`PixelFormat::Nv12`] or [`PixelFormat::I420`].
    pub(crate) format: PixelFormat,
    pub(crate) stride: usize,
    pub(crate) data: &'a [u8],
}

/// A row of chroma.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chroma<'a> {
    /// Cb and Cr by turns.
    Pairs(&'a [u8]),
    /// Cb, Cr.
    Planes(&'a [u8], &'a [u8]),
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

    /// Those rows as interleaved red, green, blue, then whatever `finish` makes of it, with that
    /// many channels.
    pub(crate) fn render(
        &self,
        level: Level,
        matrix: &Matrix,
        channels: usize,
        rows: std::ops::Range<usize>,
        to: &mut [u8],
        finish: impl Fn(&mut Block),
    ) {
        let width = self.size.width();
        let row_bytes = width * channels;
        let mut blocks = [Block::new(), Block::new()];
        let (mut luma, mut pairs) = ([[0; BLOCK]; 2], [0; BLOCK]);
        let (mut y, mut rest) = (rows.start, to);
        while y < rows.end {
            // Two rows that share their chroma.
            let end = (y / 2 * 2 + 2).min(rows.end);
            let (now, later) = rest.split_at_mut_checked((end - y) * row_bytes).unwrap_or_default();
            rest = later;
            let chroma = self.chroma(y);
            for start in (0..width).step_by(BLOCK) {
                let count = (width - start).min(BLOCK);
                for (y, luma) in (y..end).zip(&mut luma) {
                    let from = self.luma(y).get(start..start + count).unwrap_or_default();
                    luma.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                }
                chroma.pairs(level, start, &mut pairs);
                if !x86::rows(level, matrix, &luma, &pairs, &mut blocks) {
                    for (luma, block) in luma.iter().zip(&mut blocks) {
                        let [to, cb, cr, _] = &mut block.0;
                        *to = *luma;
                        chroma::spread_pairs(level, &pairs, cb, cr);
                        ycbcr::to_rgb(level, block, matrix);
                    }
                }
                for (to, block) in now.chunks_exact_mut(row_bytes).zip(&mut blocks) {
                    finish(block);
                    let part = start * channels..(start + count) * channels;
                    block.join(level, channels, to.get_mut(part).unwrap_or_default());
                }
            }
            y = end;
        }
    }

    /// As interleaved pixels of that space: [`PixelFormat::Gray8`] for grey, else
    /// [`PixelFormat::Rgb8`]. `matrix` is that of the planes, `of_space` that of the space.
    pub(crate) fn read(
        &self,
        cpu: &Cpu,
        matrix: &Matrix,
        space: Space,
        of_space: &Matrix,
    ) -> Result<Image, ImageError> {
        if space == Space::Gray {
            return self.gray(cpu, matrix);
        }
        let level = cpu.level();
        let row_bytes = self.size.width() * 3;
        let mut buffer = cpu.take(row_bytes * self.size.height());
        cpu.bands(&mut buffer, row_bytes, |rows, band| {
            self.render(level, matrix, 3, rows, band, |block| {
                space.of_rgb(level, of_space, block);
            });
        });
        Image::packed(self.size, PixelFormat::Rgb8, buffer)
    }

    /// Luma in full range, as grey: chroma is not touched. That is the grey of its colours, but
    /// for those that are beyond red, green and blue.
    pub(crate) fn gray(&self, cpu: &Cpu, matrix: &Matrix) -> Result<Image, ImageError> {
        let (width, level) = (self.size.width(), cpu.level());
        let mut list = [0; 256];
        list.iter_mut().zip(0..=255).for_each(|(to, y)| *to = matrix.gray_of(y));
        let mut buffer = cpu.take(self.size.pixels());
        cpu.bands(&mut buffer, width, |rows, band| {
            for (y, to) in rows.zip(band.chunks_exact_mut(width)) {
                match matrix.black {
                    0 => to.copy_from_slice(self.luma(y)),
                    _ => look_up(level, &list, self.luma(y), to),
                }
            }
        });
        Image::packed(self.size, PixelFormat::Gray8, buffer)
    }

    /// The same samples in the other planar layout.
    pub(crate) fn rearranged(&self, cpu: &Cpu, format: PixelFormat) -> Result<Image, ImageError> {
        let width = self.size.width();
        let stride = format.row_bytes(width);
        let half = width.div_ceil(2);
        write_planes(
            cpu,
            self.size,
            format,
            |y, to| {
                to.split_at_mut_checked(width).unwrap_or_default().0.copy_from_slice(self.luma(y));
            },
            |y, part, to| match (self.chroma(2 * y), part) {
                (Chroma::Pairs(from), chroma::Part::Both) => to.copy_from_slice(from),
                (Chroma::Planes(cb, cr), chroma::Part::Both) => {
                    chroma::interleave(cpu.level(), cb, cr, to);
                }
                (Chroma::Pairs(from), part) => chroma::every_other(cpu.level(), part, from, to),
                (Chroma::Planes(from, _), chroma::Part::Cb)
                | (Chroma::Planes(_, from), chroma::Part::Cr) => to.copy_from_slice(from),
            },
            (stride, half),
        )
    }
}

impl Chroma<'_> {
    /// Cb and Cr by turns, for a block of pixels from there on.
    fn pairs(self, level: Level, start: usize, to: &mut Channel) {
        let half = start / 2;
        match self {
            Self::Pairs(pairs) => {
                let from = pairs.get(start..).unwrap_or_default();
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
            Self::Planes(cb, cr) => {
                let (cb, cr) = (cb.get(half..), cr.get(half..));
                chroma::interleave(level, cb.unwrap_or_default(), cr.unwrap_or_default(), to);
            }
        }
    }
}

/// Interleaved pixels of that space in a planar layout.
pub(crate) fn write(
    cpu: &Cpu,
    image: &Image,
    (space, of_space): (Space, &Matrix),
    format: PixelFormat,
    matrix: &Matrix,
) -> Result<Image, ImageError> {
    let level = cpu.level();
    let (width, channels) = (image.size().width(), image.format().channels());
    let stride = format.row_bytes(width);
    // The pixels of a row, block by block.
    let blocks = |y: usize, each: &mut dyn FnMut(usize, usize, &Block)| {
        let mut block = Block::new();
        for (at, pixels) in image.row(y).chunks(BLOCK * channels).enumerate() {
            block.split(level, channels, pixels);
            space.to_rgb(level, of_space, &mut block);
            each(at * BLOCK, pixels.len() / channels, &block);
        }
    };
    let both = |y: usize, to: &mut [u8]| {
        blocks(2 * y, &mut |start, count, block| {
            let mut samples = [0; BLOCK];
            chroma::of(level, matrix, block, &mut samples);
            copy(&samples, to, start, count.next_multiple_of(2));
        });
    };
    // Cb and Cr are made together, also where they end up in two planes.
    let (half, rows) = (width.div_ceil(2), image.size().height().div_ceil(2));
    let mut pairs = cpu.take(if format == PixelFormat::I420 { 2 * half * rows } else { 0 });
    cpu.bands(&mut pairs, 2 * half, |rows, band| {
        rows.zip(band.chunks_exact_mut(2 * half)).for_each(|(y, to)| both(y, to));
    });
    write_planes(
        cpu,
        image.size(),
        format,
        |y, to| {
            blocks(y, &mut |start, count, block| {
                let mut luma = [0; BLOCK];
                luma_of(level, matrix, block, &mut luma);
                copy(&luma, to, start, count);
            });
        },
        |y, part, to| {
            if part == chroma::Part::Both {
                return both(y, to);
            }
            let pairs = pairs.get(2 * half * y..2 * half * (y + 1)).unwrap_or_default();
            chroma::every_other(level, part, pairs, to);
        },
        (stride, half),
    )
}

fn copy(from: &Channel, to: &mut [u8], start: usize, count: usize) {
    let to = to.get_mut(start..start + count).unwrap_or_default();
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// Makes the planes row by row, on several threads: `luma` gets the number of a row, and the row;
/// `chroma` those of chroma, and what it has. `stride` is that of luma, `half` the width of a plane
/// of chroma.
fn write_planes(
    cpu: &Cpu,
    size: Size,
    format: PixelFormat,
    luma: impl Fn(usize, &mut [u8]) + Sync + Send,
    chroma: impl Fn(usize, chroma::Part, &mut [u8]) + Sync + Send,
    (stride, half): (usize, usize),
) -> Result<Image, ImageError> {
    let mut buffer = cpu.take(format.bytes(size.height(), stride).unwrap_or_default());
    let (above, below) = buffer.split_at_mut_checked(stride * size.height()).unwrap_or_default();
    cpu.bands(above, stride, |rows, band| {
        for (y, to) in rows.zip(band.chunks_exact_mut(stride)) {
            // A byte that NV12 has beyond an odd width.
            to.iter_mut().skip(size.width()).for_each(|rest| *rest = 0);
            luma(y, to);
        }
    });
    let each = |part: chroma::Part, plane: &mut [u8], row: usize| {
        cpu.bands(plane, row, |rows, band| {
            rows.zip(band.chunks_exact_mut(row)).for_each(|(y, to)| chroma(y, part, to));
        });
    };
    if format == PixelFormat::I420 {
        let middle = below.len() / 2;
        let (cb, cr) = below.split_at_mut_checked(middle).unwrap_or_default();
        each(chroma::Part::Cb, cb, half);
        each(chroma::Part::Cr, cr, half);
    } else {
        each(chroma::Part::Both, below, stride);
    }
    Image::packed(size, format, buffer)
}

simd_levels! {
    fn luma_of(matrix: &Matrix, block: &Block, to: &mut Channel) {
        let matrix = *matrix;
        let [red, green, blue, _] = &block.0;
        for (((to, red), green), blue) in to.iter_mut().zip(red).zip(green).zip(blue) {
            *to = matrix.y_of([*red, *green, *blue]);
        }
    }
}
