//! Numbers for models and analyses: what a chain can make beside an image.

use arrayvec::ArrayVec;
use bytes::Bytes;

use crate::pool::Pixels;
use crate::{ImageError, PooledBuffer};

/// What the numbers of a tensor are; little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 32 bits.
    U32,
    /// IEEE 754 half precision.
    F16,
    /// IEEE 754 single precision.
    F32,
}

impl Element {
    /// Bytes of one.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 => 2,
            Self::U32 | Self::F32 => 4,
        }
    }

    /// What it is called: lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U32 => "u32",
            Self::F16 => "f16",
            Self::F32 => "f32",
        }
    }
}

/// What a tensor is without its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorShape {
    /// What its numbers are.
    pub element: Element,
    /// How many there are along each axis, the slowest first.
    pub dimensions: ArrayVec<usize, 4>,
    /// What the axes are, one word for each, like `nchw`: batch, channel, row (height), column.
    pub layout: &'static str,
}

impl TensorShape {
    /// Of those dimensions; of more than four the first.
    #[must_use]
    pub fn new(element: Element, dimensions: &[usize], layout: &'static str) -> Self {
        Self { element, dimensions: dimensions.iter().copied().take(4).collect(), layout }
    }

    /// How many numbers it has.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.dimensions.iter().fold(1, |all, length| all.saturating_mul(*length))
    }

    /// Bytes of its numbers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.elements().saturating_mul(self.element.bytes())
    }
}

/// Numbers along some axes: shared, immutable, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    shape: TensorShape,
    data: Pixels,
}

impl Tensor {
    /// A tensor over bytes that are there already; nothing is copied.
    ///
    /// # Errors
    /// If there are too few or too many of them.
    pub fn new(shape: TensorShape, data: Bytes) -> Result<Self, ImageError> {
        Self::over(shape, data.into())
    }

    fn over(shape: TensorShape, data: Pixels) -> Result<Self, ImageError> {
        let must = shape.bytes();
        if data.len() != must {
            return Err(ImageError::Length { is: data.len(), must });
        }
        Ok(Self { shape, data })
    }

    /// A tensor in memory of a pool.
    ///
    /// # Errors
    /// If the length is not that of the shape.
    pub fn pooled(shape: TensorShape, buffer: PooledBuffer) -> Result<Self, ImageError> {
        Self::over(shape, buffer.share())
    }

    /// What it is without its numbers.
    #[must_use]
    pub const fn shape(&self) -> &TensorShape {
        &self.shape
    }

    /// What its numbers are.
    #[must_use]
    pub const fn element(&self) -> Element {
        self.shape.element
    }

    /// The numbers one after the other, little-endian, the last axis fastest.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The same bytes, without a copy.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data.into_bytes()
    }
}
