//! The planes of an image, each as an image of its own: so that NV12 is two images with one and
//! two samples a pixel, and everything else is one.

use std::ops::Range;

use arrayvec::ArrayVec;

use crate::simd::prefetch;
use crate::{PixelFormat, Shape, Window};

/// Where a plane lies, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlaneShape {
    /// Samples in a pixel.
    pub(crate) channels: usize,
    /// The width of the plane in its own pixels.
    pub(crate) width: usize,
    /// The height of the plane in its own pixels.
    pub(crate) height: usize,
    /// Rows of the image's memory above it.
    pub(crate) top: usize,
}

impl PlaneShape {
    /// The number of samples in a row.
    pub(crate) fn samples(self) -> usize {
        self.width * self.channels
    }
}

/// The planes of an interleaved image, or of NV12.
pub(crate) fn planes(shape: Shape) -> ArrayVec<PlaneShape, 2> {
    let (width, height) = (shape.size.width(), shape.size.height());
    let mut planes = ArrayVec::new();
    planes.push(PlaneShape { channels: shape.format.channels(), width, height, top: 0 });
    if shape.format == PixelFormat::Nv12 {
        let (width, rows) = (width.div_ceil(2), height.div_ceil(2));
        planes.push(PlaneShape { channels: 2, width, height: rows, top: height });
    }
    planes
}

/// The rows of a plane of the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaneRows<'a> {
    window: &'a Window<'a>,
    pub(crate) plane: PlaneShape,
}

impl<'a> PlaneRows<'a> {
    /// The row at that height of the plane.
    #[inline]
    pub(crate) fn row(self, y: usize) -> &'a [u8] {
        let row = self.window.row(self.plane.top + y);
        row.get(..self.plane.samples()).unwrap_or_default()
    }

    /// From its first row on, and the bytes from row to row.
    pub(crate) fn data(self) -> (&'a [u8], usize) {
        let stride = self.window.stride();
        let first = self.plane.top.checked_sub(self.window.rows().start);
        let data = first.and_then(|first| self.window.data().get(first * stride..));
        (data.unwrap_or_default(), stride)
    }
}

/// Some rows of a plane of the result, to be written.
#[derive(Debug)]
pub(crate) struct Band<'a> {
    data: &'a mut [u8],
    stride: usize,
    /// Bytes of a row that are left of what is to be written.
    left: usize,
    samples: usize,
}

impl Band<'_> {
    /// The bytes to be written of a row.
    pub(crate) fn samples(&self) -> usize {
        self.samples
    }

    /// What is to be written of the row at that height of the band.
    #[inline]
    pub(crate) fn row(&mut self, index: usize) -> &mut [u8] {
        let start = index * self.stride + self.left;
        self.data.get_mut(start..start + self.samples).unwrap_or_default()
    }

    /// Asks for the row at that height, if there is one: it will be written next.
    #[inline]
    pub(crate) fn prefetch(&mut self, index: usize) {
        prefetch::prefetch(self.row(index));
    }

    /// Makes the row at that height the same as the one above it.
    pub(crate) fn repeat(&mut self, index: usize) {
        let from = (index - 1) * self.stride + self.left;
        self.data.copy_within(from..from + self.samples, from + self.stride);
    }

    /// From the first sample of the row at that height on, and the bytes from row to row.
    pub(crate) fn at_row(&mut self, index: usize) -> (&mut [u8], usize) {
        let start = index * self.stride + self.left;
        (self.data.get_mut(start..).unwrap_or_default(), self.stride)
    }

    /// That many bytes further to the right, so many of each row, from that row of the band on.
    pub(crate) fn inner(&mut self, first: usize, left: usize, samples: usize) -> Band<'_> {
        let data = self.data.get_mut(first * self.stride..).unwrap_or_default();
        Band { data, stride: self.stride, left: self.left + left, samples }
    }
}

/// Calls `work` for each plane that rows of the result lie in: with the plane's number, the same
/// plane of the input, the rows of the plane, and where they are written to.
pub(crate) fn each_plane(
    input: &Window<'_>,
    output: Shape,
    rows: Range<usize>,
    band: &mut [u8],
    mut work: impl FnMut(usize, PlaneRows<'_>, Range<usize>, Band<'_>),
) {
    let stride = output.row_bytes();
    let pairs = planes(input.shape()).into_iter().zip(planes(output));
    for (index, (from, to)) in pairs.enumerate() {
        let (start, end) = (rows.start.max(to.top), rows.end.min(to.top + to.height));
        if start >= end {
            continue;
        }
        let bytes = (start - rows.start) * stride..(end - rows.start) * stride;
        let data = band.get_mut(bytes).unwrap_or_default();
        // Luma of an odd width: as wide as chroma.
        if to.samples() < stride {
            let lines = data.chunks_exact_mut(stride);
            lines.filter_map(|line| line.get_mut(to.samples()..)).for_each(|rest| rest.fill(0));
        }
        let band = Band { data, stride, left: 0, samples: to.samples() };
        work(index, PlaneRows { window: input, plane: from }, start - to.top..end - to.top, band);
    }
}
