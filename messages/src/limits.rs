//! How large an image may be: checked from its header, before any pixel is allocated.

use std::fmt;

use crate::{ErrorKind, Failure};

/// Width and height in pixels, both at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageSize {
    width: u32,
    height: u32,
}

impl ImageSize {
    /// Width in pixels.
    #[must_use]
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Width × height.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

/// What is refused with `too_large`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest encoded image, bytes.
    pub max_encoded_bytes: usize,
    /// The largest width and the largest height, pixels.
    pub max_side_px: u32,
    /// The largest width × height, pixels.
    pub max_pixels: u64,
    /// The longest pipeline.
    pub max_steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_encoded_bytes: 10 * 1024 * 1024,
            max_side_px: 16_384,
            // 64 Mpx as RGBA is 256 MiB: what one worker may take for one frame.
            max_pixels: 64_000_000,
            max_steps: 32,
        }
    }
}

impl Limits {
    /// Checks a width and a height.
    ///
    /// # Errors
    /// `invalid_argument` for 0, `too_large` over a limit.
    pub fn size(&self, width: u32, height: u32) -> Result<ImageSize, Failure> {
        if width == 0 || height == 0 {
            let field = if width == 0 { "width" } else { "height" };
            let message = format!("an image of {width}×{height} pixels has no pixels");
            return Err(Failure::invalid(field, message));
        }
        let size = ImageSize { width, height };
        let side = self.max_side_px;
        if width > side || height > side {
            let field = if width > side { "width" } else { "height" };
            let message = format!("an image of {size} pixels: at most {side} a side are allowed");
            return Err(Failure::new(ErrorKind::TooLarge, message).at(field));
        }
        if size.pixels() > self.max_pixels {
            let (is, most) = (size.pixels(), self.max_pixels);
            let message = format!("an image of {size} = {is} pixels: at most {most} are allowed");
            return Err(Failure::new(ErrorKind::TooLarge, message).at("width"));
        }
        Ok(size)
    }

    /// Checks the length of an encoded image.
    ///
    /// # Errors
    /// `invalid_argument` for 0, `too_large` over the limit.
    pub fn encoded_bytes(&self, length: usize) -> Result<(), Failure> {
        if length == 0 {
            return Err(Failure::invalid("data", "the image is empty: 0 bytes"));
        }
        let most = self.max_encoded_bytes;
        if length > most {
            let message = format!("an encoded image of {length} bytes: at most {most} are allowed");
            return Err(Failure::new(ErrorKind::TooLarge, message).at("data"));
        }
        Ok(())
    }
}
