//! Images in memory.

use bytes::Bytes;

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
}

impl PixelFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Gray8, Self::Rgb8, Self::Rgba8];

    /// Samples, and bytes, a pixel.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Gray8 => 1,
            Self::Rgb8 => 3,
            Self::Rgba8 => 4,
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
    data: Bytes,
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
        let row = size.width() * format.channels();
        if stride < row {
            return Err(ImageError::Stride { stride, row });
        }
        let must = stride.saturating_mul(size.height());
        if data.len() != must {
            return Err(ImageError::Length { is: data.len(), must });
        }
        Ok(Self { size, format, stride, data })
    }

    /// An image without padding in memory of a pool.
    ///
    /// # Errors
    /// If the length is not width × height × channels.
    pub fn packed(
        size: Size,
        format: PixelFormat,
        buffer: PooledBuffer,
    ) -> Result<Self, ImageError> {
        Self::new(size, format, size.width() * format.channels(), buffer.freeze())
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

    /// Bytes from the start of a row to the start of the next.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// Bytes of a row without padding.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.size.width() * self.format.channels()
    }

    /// Whether there is nothing between the rows.
    #[must_use]
    pub const fn is_packed(&self) -> bool {
        self.stride == self.row_bytes()
    }

    /// All bytes, padding included.
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    /// All bytes, padding included, without a copy.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data
    }

    /// Without padding: itself, or a copy in memory of that pool.
    #[must_use]
    pub fn to_packed(&self, pool: &Pool) -> Self {
        if self.is_packed() {
            return self.clone();
        }
        let row = self.row_bytes();
        let mut buffer = pool.take(row * self.size.height());
        for (to, from) in buffer.chunks_exact_mut(row).zip(self.rows()) {
            to.copy_from_slice(from);
        }
        Self { size: self.size, format: self.format, stride: row, data: buffer.freeze() }
    }

    /// The row at that height, without padding; empty below the image.
    #[must_use]
    pub fn row(&self, y: usize) -> &[u8] {
        let start = y.saturating_mul(self.stride);
        self.data.get(start..start.saturating_add(self.row_bytes())).unwrap_or_default()
    }

    /// The rows from top to bottom, without padding.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let row = self.row_bytes();
        self.data.chunks_exact(self.stride).map(move |line| line.get(..row).unwrap_or_default())
    }
}
