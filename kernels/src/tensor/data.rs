//! Tensors: numbers for models and analyses, which a chain can make beside an image.

use arrayvec::ArrayVec;
use bytes::Bytes;

use crate::pool::Pixels;
use crate::{ImageError, PooledBuffer};

/// The type of a tensor's numbers, which are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// Unsigned integers of 8 bits.
    U8,
    /// Unsigned integers of 32 bits.
    U32,
    /// IEEE 754 half precision.
    F16,
    /// IEEE 754 single precision.
    F32,
}

impl Element {
    /// The bytes of one number.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 => 2,
            Self::U32 | Self::F32 => 4,
        }
    }

    /// The name of the type in requests, in lower case.
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

/// The type, dimensions and layout of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorShape {
    /// The type of the numbers.
    pub element: Element,
    /// The size of each axis, slowest first.
    pub dimensions: ArrayVec<usize, 4>,
    /// The meaning of the axes, one letter for each, like `nchw`: batch, channel, row (height) and
    /// column (width).
    pub layout: &'static str,
}

impl TensorShape {
    /// A shape with those dimensions; only the first four are used.
    #[must_use]
    pub fn new(element: Element, dimensions: &[usize], layout: &'static str) -> Self {
        Self { element, dimensions: dimensions.iter().copied().take(4).collect(), layout }
    }

    /// The number of numbers.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.dimensions.iter().fold(1, |all, length| all.saturating_mul(*length))
    }

    /// The bytes of all numbers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.elements().saturating_mul(self.element.bytes())
    }
}

/// Numbers along some axes. They are shared and immutable, so a clone is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    shape: TensorShape,
    data: Pixels,
}

impl Tensor {
    /// A tensor over existing bytes, which are not copied.
    ///
    /// # Errors
    /// If the number of bytes does not match the shape.
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
    /// If the length does not match the shape.
    pub fn pooled(shape: TensorShape, buffer: PooledBuffer) -> Result<Self, ImageError> {
        Self::over(shape, buffer.share())
    }

    /// The type, dimensions and layout.
    #[must_use]
    pub const fn shape(&self) -> &TensorShape {
        &self.shape
    }

    /// The type of the numbers.
    #[must_use]
    pub const fn element(&self) -> Element {
        self.shape.element
    }

    /// The numbers one after the other, little-endian, with the last axis fastest.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The same bytes as [`Tensor::data`], without a copy.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        self.data.into_bytes()
    }
}
