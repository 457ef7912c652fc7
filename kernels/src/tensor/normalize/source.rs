//! The rows to resize, interleaved whatever the layout of the image.

use std::ops::Range;

use crate::colour::spaces::ycbcr::BT601_LIMITED;
use crate::convert::planar::Planar;
use crate::{Cpu, Image, Shape, Window};

/// Bytes of rows that are made interleaved at a time, and how many at least: they stay in the
/// second-level cache.
const CONVERTED: (usize, usize) = (256 << 10, 8);

/// An image that is read by rows of interleaved pixels.
#[derive(Clone, Debug)]
pub(super) enum Source<'a> {
    /// The rows of an interleaved image.
    Interleaved(Window<'a>),
    /// What becomes red, green, blue a few rows at a time. They are written to the cache only: the
    /// whole image in RGB would be twice as many bytes as it is, and go to memory and back.
    Planar(Planar<'a>),
}

impl<'a> Source<'a> {
    pub(super) fn of(image: &'a Image) -> Self {
        match image.format().is_planar() {
            true => Self::Planar(Planar::of(image)),
            false => Self::Interleaved(Window::all(image)),
        }
    }

    /// The number of rows of the resized image that are made at a time, at most `most`.
    pub(super) fn stripe(&self, most: usize, pixels: Shape, resized: Shape) -> usize {
        match self {
            Self::Interleaved(_) => most,
            // Between the rows that are read there are some that are not, and need no colours.
            Self::Planar(_) if pixels.size.height() >= 2 * resized.size.height() => 1,
            Self::Planar(_) => most.min((CONVERTED.0 / pixels.row_bytes()).max(CONVERTED.1)),
        }
    }

    /// The bytes of memory for `rows` rows of that shape.
    pub(super) fn room(&self, shape: Shape, rows: usize) -> usize {
        match self {
            Self::Interleaved(_) => 0,
            Self::Planar(_) => rows * shape.row_bytes(),
        }
    }

    /// At least those rows of the image, which has that shape. `memory` has the room for them.
    pub(super) fn rows<'b>(
        &self,
        cpu: &Cpu,
        shape: Shape,
        rows: Range<usize>,
        memory: &'b mut [u8],
    ) -> Window<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Interleaved(window) => window.clone(),
            Self::Planar(planar) => {
                planar.rgb(cpu.level(), &BT601_LIMITED, rows.clone(), memory);
                Window::part(shape, rows, memory)
            }
        }
    }
}
