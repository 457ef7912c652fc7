//! Images in memory.

use arrayvec::ArrayVec;
use bytes::Bytes;

use crate::pool::Pixels;
use crate::{Pool, PooledBuffer};

/// The layouts that operations work on, 8 bits a sample. Others are converted at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One luma sample a pixel.
    Gray8,
    /// Interleaved red, green, blue.
    Rgb8,
    /// Interleaved red, green, blue, alpha (not premultiplied).
    Rgba8,
    /// A plane of luma, then one of interleaved Cb and Cr at half the width and height, rounded
    /// up. Both planes have the same stride.
    Nv12,
    /// A plane of luma, then one of Cb and one of Cr at half the width and height, rounded up. The
    /// chroma planes have half the stride of luma, rounded up.
    I420,
}

impl PixelFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Gray8, Self::Rgb8, Self::Rgba8, Self::Nv12, Self::I420];

    /// The formats that keep all samples of a pixel together: what most operations work on.
    pub const INTERLEAVED: [Self; 3] = [Self::Gray8, Self::Rgb8, Self::Rgba8];

    /// Samples, and bytes, a pixel; of a planar format those of its first plane.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Gray8 | Self::Nv12 | Self::I420 => 1,
            Self::Rgb8 => 3,
            Self::Rgba8 => 4,
        }
    }

    /// Whether the samples of a pixel lie in several planes.
    #[must_use]
    pub const fn is_planar(self) -> bool {
        matches!(self, Self::Nv12 | Self::I420)
    }

    /// Bytes of a row without padding; of a planar format those of its first plane, which are as
    /// many as a row of Cb and Cr takes.
    #[must_use]
    pub const fn row_bytes(self, width: usize) -> usize {
        match self {
            Self::Nv12 => width.next_multiple_of(2),
            other => width * other.channels(),
        }
    }

    /// Bytes of an image of that height with that stride; `None` if they cannot be counted.
    #[must_use]
    pub const fn bytes(self, height: usize, stride: usize) -> Option<usize> {
        match self {
            Self::Gray8 | Self::Rgb8 | Self::Rgba8 => stride.checked_mul(height),
            Self::Nv12 => stride.checked_mul(height + height.div_ceil(2)),
            Self::I420 => match (stride.checked_mul(height), stride.checked_add(1)) {
                (Some(luma), Some(even)) => match (even / 2 * 2).checked_mul(height.div_ceil(2)) {
                    Some(chroma) => luma.checked_add(chroma),
                    None => None,
                },
                _ => None,
            },
        }
    }
}

/// Size and layout: what an image is without its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Width and height.
    pub size: Size,
    /// Layout of a pixel.
    pub format: PixelFormat,
}

impl Shape {
    /// Of that size and layout.
    #[must_use]
    pub const fn new(size: Size, format: PixelFormat) -> Self {
        Self { size, format }
    }

    /// The same size in another layout.
    #[must_use]
    pub const fn with_format(self, format: PixelFormat) -> Self {
        Self { format, ..self }
    }

    /// Bytes of a row without padding.
    #[must_use]
    pub const fn row_bytes(self) -> usize {
        self.format.row_bytes(self.size.width())
    }

    /// Samples of all planes: alpha and chroma count, padding does not.
    pub(crate) const fn samples(self) -> u64 {
        let (width, height) = (self.size.width(), self.size.height());
        let bytes = self.bytes() as u64;
        match self.format {
            PixelFormat::Nv12 => bytes - (width % 2 * height) as u64,
            _ => bytes,
        }
    }

    /// Bytes of all planes without padding.
    #[must_use]
    pub const fn bytes(self) -> usize {
        // A Size has room for four bytes a pixel, more than any layout takes.
        match self.format.bytes(self.size.height(), self.row_bytes()) {
            Some(bytes) => bytes,
            None => usize::MAX,
        }
    }
}

/// Width and height in pixels, both at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// That size; `None` if one side is 0 or the image as RGBA would not fit into memory.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let bytes = (width as usize).checked_mul(height as usize)?.checked_mul(4)?;
        (bytes > 0 && isize::try_from(bytes).is_ok()).then_some(Self { width, height })
    }

    /// Width in pixels.
    #[must_use]
    pub const fn width(self) -> usize {
        self.width as usize
    }

    /// Height in pixels.
    #[must_use]
    pub const fn height(self) -> usize {
        self.height as usize
    }

    /// Width × height.
    #[must_use]
    pub const fn pixels(self) -> usize {
        self.width() * self.height()
    }
}

/// Why bytes are not an image of that size, format and stride.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Rows would overlap.
    #[error("a stride of {stride} bytes is less than a row of {row} bytes")]
    Stride {
        /// As given.
        stride: usize,
        /// The least that is allowed.
        row: usize,
    },
    /// Too few or too many bytes.
    #[error("{must} bytes are needed, there are {is}")]
    Length {
        /// As given.
        is: usize,
        /// Stride × height.
        must: usize,
    },
}

/// Pixels: shared, immutable, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    size: Size,
    format: PixelFormat,
    stride: usize,
    data: Pixels,
}

impl Image {
    /// An image over bytes that are there already; nothing is copied.
    ///
    /// # Errors
    /// If the stride is less than a row, or the length is not stride × height.
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

    /// An image without padding in memory of a pool.
    ///
    /// # Errors
    /// If the length is not that of the shape.
    pub fn packed(
        size: Size,
        format: PixelFormat,
        buffer: PooledBuffer,
    ) -> Result<Self, ImageError> {
        Self::over(size, format, format.row_bytes(size.width()), buffer.share())
    }

    /// Width and height.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Layout of a pixel.
    #[must_use]
    pub const fn format(&self) -> PixelFormat {
        self.format
    }

    /// Size and layout.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        Shape::new(self.size, self.format)
    }

    /// Bytes from the start of a row to the start of the next.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// Bytes of a row without padding.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.format.row_bytes(self.size.width())
    }

    /// Whether there is nothing between the rows.
    #[must_use]
    pub const fn is_packed(&self) -> bool {
        self.stride == self.row_bytes()
    }

    /// All bytes, padding included.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All bytes, padding included, without a copy.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data.into_bytes()
    }

    /// Without padding: itself, or a copy in memory of that pool.
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

    /// Writes it there without padding.
    pub(crate) fn pack(&self, mut to: &mut [u8]) {
        // Of the first plane a row may be one byte longer than the image is wide.
        let planes = self.planes();
        let below = planes.iter().skip(1).flat_map(|plane| plane.rows());
        for from in self.rows().chain(below) {
            let (row, rest) = to.split_at_mut_checked(from.len()).unwrap_or_default();
            row.copy_from_slice(from);
            to = rest;
        }
    }

    /// The planes: one, unless the layout is planar.
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

    /// The row at that height of the first plane, without padding; empty below it.
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

/// A part of an image that lies on its own.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    row: usize,
}

impl<'a> Plane<'a> {
    /// The row at that height, without padding; empty below the plane.
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
