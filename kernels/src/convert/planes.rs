//! To NV12 and I420: from interleaved pixels of any colour space, and from each other. The upper
//! left one of two by two pixels decides their chroma, as in OpenCV.

use arrayvec::ArrayVec;

use super::chroma::{self, ChromaMut};
use super::planar::Planar;
use super::x86;
use crate::colour::spaces::Space;
use crate::colour::spaces::block::{BLOCK, Block, Channel};
use crate::colour::spaces::ycbcr::Matrix;
use crate::cpu::Cpu;
use crate::simd::{Level, simd_levels};
use crate::{Image, ImageError, PixelFormat, Size};

/// The most parts that an image is made in.
const MAX_PARTS: usize = 64;

/// Some pairs of rows.
struct Part<'a> {
    /// The number of the first row.
    y: usize,
    luma: &'a mut [u8],
    chroma: ChromaMut<'a>,
}

/// Interleaved pixels of that space in a planar layout.
pub(crate) fn write(
    cpu: &Cpu,
    image: &Image,
    (space, of_space): (Space, &Matrix),
    format: PixelFormat,
    matrix: &Matrix,
) -> Result<Image, ImageError> {
    let row = Row { level: cpu.level(), space, of_space, channels: image.format().channels() };
    make(cpu, image.size(), format, |y, [luma, more_luma], mut chroma| {
        row.write(matrix, image.row(y), luma, Some(&mut chroma));
        if !more_luma.is_empty() {
            row.write(matrix, image.row(y + 1), more_luma, None);
        }
    })
}

/// The same samples in the other planar layout.
pub(crate) fn rearrange(
    cpu: &Cpu,
    from: &Planar<'_>,
    format: PixelFormat,
) -> Result<Image, ImageError> {
    make(cpu, from.size, format, |y, [luma, more_luma], mut chroma| {
        luma.copy_from_slice(from.luma(y));
        if !more_luma.is_empty() {
            more_luma.copy_from_slice(from.luma(y + 1));
        }
        chroma.copy(cpu.level(), from.chroma(y));
    })
}

/// Makes the planes, two rows at a time, on several threads: `pair` gets the number of the first
/// of them, room for their luma, and room for the chroma that they share. The second one is empty
/// below an odd height.
fn make(
    cpu: &Cpu,
    size: Size,
    format: PixelFormat,
    pair: impl Fn(usize, [&mut [u8]; 2], ChromaMut<'_>) + Sync + Send,
) -> Result<Image, ImageError> {
    let (width, stride) = (size.width(), format.row_bytes(size.width()));
    let mut buffer = cpu.take(format.bytes(size.height(), stride).unwrap_or_default());
    let made = buffer.len();
    let count = cpu.band_count(made).clamp(1, MAX_PARTS);
    let pairs = size.height().div_ceil(2).div_ceil(count).max(1);
    let (luma, chroma) = buffer.split_at_mut_checked(stride * size.height()).unwrap_or_default();
    let luma = luma.chunks_mut(2 * pairs * stride);
    let part = |(at, (luma, chroma))| Part { y: 2 * pairs * at, luma, chroma };
    let (mut parts, chroma_bytes): (ArrayVec<Part<'_>, MAX_PARTS>, usize) = match format {
        PixelFormat::I420 => {
            let half = width.div_ceil(2);
            let (cb, cr) = chroma.split_at_mut_checked(chroma.len() / 2).unwrap_or_default();
            let planes = cb.chunks_mut(pairs * half).zip(cr.chunks_mut(pairs * half));
            let planes = planes.map(|(cb, cr)| ChromaMut::Planes(cb, cr));
            (luma.zip(planes).enumerate().take(MAX_PARTS).map(part).collect(), half)
        }
        _ => {
            let both = chroma.chunks_mut(pairs * stride).map(ChromaMut::Pairs);
            (luma.zip(both).enumerate().take(MAX_PARTS).map(part).collect(), stride)
        }
    };
    cpu.each(made, &mut parts, |part| {
        let pairs = cpu.watched(part.luma.chunks_mut(2 * stride), 2 * stride);
        for (at, luma) in pairs.enumerate() {
            let (first, second) = luma.split_at_mut_checked(stride).unwrap_or_default();
            let rows = [first, second].map(|row| {
                let (row, rest) = row.split_at_mut(width.min(row.len()));
                // A byte that NV12 has beyond an odd width.
                rest.fill(0);
                row
            });
            pair(part.y + 2 * at, rows, part.chroma.row(at, chroma_bytes));
        }
    });
    drop(parts);
    Image::packed(size, format, buffer)
}

/// How a row of interleaved pixels becomes luma and chroma.
struct Row<'a> {
    level: Level,
    space: Space,
    of_space: &'a Matrix,
    channels: usize,
}

impl Row<'_> {
    fn write(
        &self,
        matrix: &Matrix,
        from: &[u8],
        luma: &mut [u8],
        mut chroma: Option<&mut ChromaMut<'_>>,
    ) {
        let Self { level, space, of_space, channels } = *self;
        let done = match (space, channels) {
            (Space::Rgb, 3) => x86::from_rgb::<3>(level, matrix, from, luma, chroma.as_deref_mut()),
            (Space::Rgb, 4) => x86::from_rgb::<4>(level, matrix, from, luma, chroma.as_deref_mut()),
            _ => 0,
        };
        let rest = from.get(done * channels..).unwrap_or_default().chunks(BLOCK * channels);
        for (at, pixels) in rest.enumerate() {
            let start = done + at * BLOCK;
            let mut block = Block::new();
            block.split(level, channels, pixels);
            space.to_rgb(level, of_space, &mut block);
            let mut samples = [0; BLOCK];
            luma_of(level, matrix, &block, &mut samples);
            let to = luma.get_mut(start..).unwrap_or_default();
            to.iter_mut().zip(&samples).for_each(|(to, from)| *to = *from);
            if let Some(chroma) = &mut chroma {
                chroma::of(level, matrix, &block, &mut samples);
                chroma.put(level, start, &samples);
            }
        }
    }
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
