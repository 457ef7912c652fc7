//! Width and height.

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

    /// Width and height as messages and file headers store them.
    #[must_use]
    pub const fn sides(self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Width × height.
    #[must_use]
    pub const fn pixels(self) -> usize {
        self.width() * self.height()
    }

    /// The size of the same image turned by a quarter.
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
