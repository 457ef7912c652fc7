//! Pixel formats, and what an image is without its pixels.

use crate::Size;

/// The layouts that operations work on, with 8 bits a sample. Other layouts are converted when an
/// image arrives or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One luma sample a pixel.
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
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Gray8, Self::Rgb8, Self::Rgba8, Self::Nv12, Self::I420];

    /// The formats that keep all samples of a pixel together, which most operations work on.
    pub const INTERLEAVED: [Self; 3] = [Self::Gray8, Self::Rgb8, Self::Rgba8];

    /// Samples a pixel, which are as many bytes. For a planar format, those of its first plane.
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

    /// Bytes of a row without padding. For a planar format, those of a row of its first plane; a row
    /// of Cb and Cr takes as many.
    #[must_use]
    pub const fn row_bytes(self, width: usize) -> usize {
        match self {
            Self::Nv12 => width.next_multiple_of(2),
            other => width * other.channels(),
        }
    }

    /// Bytes of an image of `height` rows that are `stride` bytes apart; `None` if the number
    /// overflows.
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
    /// The layout of its pixels.
    pub format: PixelFormat,
}

impl Shape {
    /// The shape of an image of that size and layout.
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
    #[must_use]
    pub const fn samples(self) -> u64 {
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
