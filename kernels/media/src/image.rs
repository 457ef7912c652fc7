//! Images in memory, and their planes.

use arrayvec::ArrayVec;
use bytes::Bytes;

use crate::pool::Pixels;
use crate::{PixelFormat, Pool, PooledBuffer, Shape, Size};

/// The reason why bytes are not an image of the given size, format and stride.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The stride is shorter than a row, so rows would overlap.
    #[error("the stride of {stride} bytes is shorter than a row of {row} bytes")]
    Stride {
        /// The stride that was given, in bytes.
        stride: usize,
        /// The bytes of a row, which the stride must not be below.
        row: usize,
    },
    /// The number of bytes is not the one that the image needs.
    #[error("{must} bytes are needed, but there are {is}")]
    Length {
        /// The number of bytes that were given.
        is: usize,
        /// The number of bytes that size, format and stride require.
        must: usize,
    },
}

/// An image in memory. Its pixels are shared and immutable, so it is cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    size: Size,
    format: PixelFormat,
    stride: usize,
    data: Pixels,
}

impl Image {
    /// An image over existing bytes, which are not copied.
    ///
    /// # Errors
    /// If the stride is shorter than a row, or if the number of bytes is not the one that the image
    /// needs.
    pub fn new(
        size: Size,
        format: PixelFormat,
        stride: usize,
        data: Bytes,
    ) -> Result<Self, ImageError> {
        Self::over(size, format, stride, data.into())
    }

    fn over(
        size: Size,
        format: PixelFormat,
        stride: usize,
        data: Pixels,
    ) -> Result<Self, ImageError> {
        let row = format.row_bytes(size.width());
        if stride < row {
            return Err(ImageError::Stride { stride, row });
        }
        let must = format.bytes(size.height(), stride).unwrap_or(usize::MAX);
        if data.len() != must {
            return Err(ImageError::Length { is: data.len(), must });
        }
        Ok(Self { size, format, stride, data })
    }

    /// An image without padding in the memory of a pool.
    ///
    /// # Errors
    /// If the number of bytes is not the one that the shape needs.
    pub fn packed(
        size: Size,
        format: PixelFormat,
        buffer: PooledBuffer,
    ) -> Result<Self, ImageError> {
        Self::over(size, format, format.row_bytes(size.width()), buffer.share())
    }

    /// The width and height of the image.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// The layout of the pixels.
    #[must_use]
    pub const fn format(&self) -> PixelFormat {
        self.format
    }

    /// The size and layout of the image.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        Shape::new(self.size, self.format)
    }

    /// The distance from the start of one row to the start of the next, in bytes.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// The bytes of a row of the first plane, without padding.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.format.row_bytes(self.size.width())
    }

    /// Whether the rows follow each other without padding.
    #[must_use]
    pub const fn is_packed(&self) -> bool {
        self.stride == self.row_bytes()
    }

    /// All bytes, padding included.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Converts the image into its bytes, padding included, without a copy.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data.into_bytes()
    }

    /// The image without padding: the image itself, or a copy in the memory of `pool`.
    #[must_use]
    pub fn to_packed(&self, pool: &Pool) -> Self {
        if self.is_packed() {
            return self.clone();
        }
        let shape = self.shape();
        let mut buffer = pool.take(shape.bytes());
        self.pack(&mut buffer);
        Self {
            stride: shape.row_bytes(),
            data: buffer.share(),
            size: self.size,
            format: self.format,
        }
    }

    /// Copies the pixels to `to`, without the padding between rows.
    pub fn pack(&self, mut to: &mut [u8]) {
        // A row of the first plane may be one byte longer than the image is wide.
        let planes = self.planes();
        let below = planes.iter().skip(1).flat_map(|plane| plane.rows());
        for from in self.rows().chain(below) {
            let (row, rest) = to.split_at_mut_checked(from.len()).unwrap_or_default();
            row.copy_from_slice(from);
            to = rest;
        }
    }

    /// The planes of the image. There is one unless the layout is planar.
    #[must_use]
    pub fn planes(&self) -> ArrayVec<Plane<'_>, 3> {
        let (width, height) = (self.size.width(), self.size.height());
        let half_height = height.div_ceil(2);
        let parts = match self.format {
            PixelFormat::Nv12 => {
                let row = width.next_multiple_of(2);
                [(self.stride, width, height), (self.stride, row, half_height), (1, 0, 0)]
            }
            PixelFormat::I420 => {
                let (stride, row) = (self.stride.div_ceil(2), width.div_ceil(2));
                [
                    (self.stride, width, height),
                    (stride, row, half_height),
                    (stride, row, half_height),
                ]
            }
            _ => [(self.stride, self.row_bytes(), height), (1, 0, 0), (1, 0, 0)],
        };
        let mut data: &[u8] = &self.data;
        let mut planes = ArrayVec::new();
        for (stride, row, rows) in parts.into_iter().filter(|part| part.2 > 0) {
            let (plane, rest) = data.split_at_checked(stride * rows).unwrap_or_default();
            planes.push(Plane { data: plane, stride, row });
            data = rest;
        }
        planes
    }

    /// Row `y` of the first plane without padding. It is empty if the plane has fewer rows.
    #[must_use]
    pub fn row(&self, y: usize) -> &[u8] {
        let start = y.saturating_mul(self.stride);
        self.data.get(start..start.saturating_add(self.row_bytes())).unwrap_or_default()
    }

    /// The rows of the first plane from top to bottom, without padding.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let row = self.row_bytes();
        let lines = self.data.chunks_exact(self.stride).take(self.size.height());
        lines.map(move |line| line.get(..row).unwrap_or_default())
    }
}

/// The samples of one or two channels of an image, stored apart from the others.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    row: usize,
}

impl<'a> Plane<'a> {
    /// Row `y` without padding. It is empty if the plane has fewer rows.
    #[must_use]
    pub fn row(&self, y: usize) -> &'a [u8] {
        let start = y.saturating_mul(self.stride);
        self.data.get(start..start.saturating_add(self.row)).unwrap_or_default()
    }

    /// The rows from top to bottom, without padding.
    pub fn rows(self) -> impl ExactSizeIterator<Item = &'a [u8]> {
        self.data
            .chunks_exact(self.stride)
            .map(move |line| line.get(..self.row).unwrap_or_default())
    }
}
