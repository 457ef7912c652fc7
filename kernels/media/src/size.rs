//! The width and height of images.

use std::fmt;

/// The width and height of an image in pixels. Both are at least 1, and the image fits into memory
/// in every [`PixelFormat`](crate::PixelFormat).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// A size of `width` × `height` pixels. `None` if a side is 0, or if four bytes a pixel would
    /// exceed what the machine can address.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let bytes = (width as usize).checked_mul(height as usize)?.checked_mul(4)?;
        (bytes > 0 && isize::try_from(bytes).is_ok()).then_some(Self { width, height })
    }

    /// The width in pixels, at least 1.
    #[must_use]
    pub const fn width(self) -> usize {
        self.width as usize
    }

    /// The height in pixels, at least 1.
    #[must_use]
    pub const fn height(self) -> usize {
        self.height as usize
    }

    /// The width and the height in pixels, in the type that messages and file headers use.
    #[must_use]
    pub const fn sides(self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The number of pixels, width × height.
    #[must_use]
    pub const fn pixels(self) -> usize {
        self.width() * self.height()
    }

    /// The size of the same image turned by 90 degrees: width and height are exchanged.
    #[must_use]
    pub const fn transposed(self) -> Self {
        Self { width: self.height, height: self.width }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}
