//! A part of the rows of an image.

use std::ops::Range;

use crate::border::Border;
use crate::{Image, Shape};

/// Consecutive rows of an image, and their place in it. The layout is interleaved.
#[derive(Clone, Debug)]
pub struct Window<'a> {
    shape: Shape,
    rows: Range<usize>,
    stride: usize,
    data: &'a [u8],
}

impl<'a> Window<'a> {
    /// All rows of an image.
    pub(crate) fn all(image: &'a Image) -> Self {
        let rows = 0..image.size().height();
        Self { shape: image.shape(), rows, stride: image.stride(), data: image.data() }
    }

    /// Rows `rows` of an image of that shape, without padding.
    pub(crate) fn part(shape: Shape, rows: Range<usize>, data: &'a [u8]) -> Self {
        Self { shape, rows, stride: shape.row_bytes(), data }
    }

    /// The shape of the whole image.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The width of the image in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.shape.size.width()
    }

    /// The height of the whole image in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.shape.size.height()
    }

    /// The number of samples in a pixel.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.shape.format.channels()
    }

    /// The number of bytes from the start of a row to the start of the next.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The bytes of the rows in the window, including padding.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The rows of the image that are in the window.
    #[must_use]
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Row `y` of the image, without padding; empty if it is not in the window.
    #[must_use]
    pub fn row(&self, y: usize) -> &'a [u8] {
        let Some(start) = y.checked_sub(self.rows.start) else { return &[] };
        let start = start.saturating_mul(self.stride);
        self.data.get(start..start.saturating_add(self.shape.row_bytes())).unwrap_or_default()
    }

    /// The row that stands for row `y`, which may lie beyond the edge; `None` if the border is
    /// constant.
    #[must_use]
    pub(crate) fn bordered_row(&self, y: isize, border: Border) -> Option<&'a [u8]> {
        border.index(y, self.height()).map(|y| self.row(y))
    }

    /// Several rows as one slice, if there is no padding between them.
    #[must_use]
    pub fn packed(&self, rows: Range<usize>) -> Option<&'a [u8]> {
        let row = self.shape.row_bytes();
        let start = rows.start.checked_sub(self.rows.start)? * row;
        let end = rows.end.checked_sub(self.rows.start)? * row;
        if self.stride == row { self.data.get(start..end) } else { None }
    }
}
