//! Pixel formats and shapes: what an image is without its pixels.

use crate::Size;

/// The layouts that operations work on, with 8 bits a sample. Other layouts are converted when an
/// image arrives or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One luma sample for each pixel.
    Gray8,
    /// Interleaved red, green and blue.
    Rgb8,
    /// Interleaved red, green, blue and alpha, not premultiplied.
    Rgba8,
    /// A plane of luma, followed by one of interleaved Cb and Cr at half the width and height,
    /// rounded up. Both planes have the same stride.
    Nv12,
    /// A plane of luma, followed by one of Cb and one of Cr at half the width and height, rounded up.
    /// The chroma planes have half the stride of luma, rounded up.
    I420,
}

impl PixelFormat {
    /// Every pixel format.
    pub const ALL: [Self; 5] = [Self::Gray8, Self::Rgb8, Self::Rgba8, Self::Nv12, Self::I420];

    /// The formats that keep all samples of a pixel together, which most operations work on.
    pub const INTERLEAVED: [Self; 3] = [Self::Gray8, Self::Rgb8, Self::Rgba8];

    /// The number of samples, and so of bytes, for each pixel. For a planar format it is that of
    /// the first plane.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Gray8 | Self::Nv12 | Self::I420 => 1,
            Self::Rgb8 => 3,
            Self::Rgba8 => 4,
        }
    }

    /// Whether the samples of a pixel are in several planes.
    #[must_use]
    pub const fn is_planar(self) -> bool {
        matches!(self, Self::Nv12 | Self::I420)
    }

    /// The bytes of a row without padding. For a planar format it is a row of the first plane; a
    /// row of Cb and Cr together takes as many.
    #[must_use]
    pub const fn row_bytes(self, width: usize) -> usize {
        match self {
            Self::Nv12 => width.next_multiple_of(2),
            other => width * other.channels(),
        }
    }

    /// The bytes of an image of `height` rows that are `stride` bytes apart, or `None` if the
    /// number overflows.
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

/// The size and the pixel format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The width and height of the image.
    pub size: Size,
    /// The layout of the pixels.
    pub format: PixelFormat,
}

impl Shape {
    /// A shape with the given size and layout.
    #[must_use]
    pub const fn new(size: Size, format: PixelFormat) -> Self {
        Self { size, format }
    }

    /// The same size in another layout.
    #[must_use]
    pub const fn with_format(self, format: PixelFormat) -> Self {
        Self { format, ..self }
    }

    /// The bytes of a row of the first plane, without padding.
    #[must_use]
    pub const fn row_bytes(self) -> usize {
        self.format.row_bytes(self.size.width())
    }

    /// The number of samples in all planes. Alpha and chroma count, padding does not.
    #[must_use]
    pub const fn samples(self) -> u64 {
        let (width, height) = (self.size.width(), self.size.height());
        let bytes = self.bytes() as u64;
        match self.format {
            PixelFormat::Nv12 => bytes - (width % 2 * height) as u64,
            _ => bytes,
        }
    }

    /// The bytes of all planes, without padding.
    #[must_use]
    pub const fn bytes(self) -> usize {
        // A `Size` has room for four bytes a pixel, and no layout takes more.
        match self.format.bytes(self.size.height(), self.row_bytes()) {
            Some(bytes) => bytes,
            None => usize::MAX,
        }
    }
}
