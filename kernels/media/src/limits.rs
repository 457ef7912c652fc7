//! The limits on images, which are checked against the header before memory is taken for pixels.

use crate::Size;

/// The limits on images and pipelines. Anything larger is refused with `too_large`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest encoded image, in bytes.
    pub max_encoded_bytes: usize,
    /// The largest width and the largest height, in pixels.
    pub max_side_px: u32,
    /// The largest width × height, in pixels.
    pub max_pixels: u64,
    /// The largest number of steps in a pipeline.
    pub max_steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_encoded_bytes: 10 * 1024 * 1024,
            max_side_px: 16_384,
            // 64 Mpx in RGBA take 256 MB, which one worker may use for one frame.
            max_pixels: 64_000_000,
            max_steps: 32,
        }
    }
}

/// Why an image is refused by [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The width or the height is 0.
    #[error("the image has {width}×{height} pixels: both must be at least 1")]
    NoPixels {
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
    },
    /// A side is longer than [`Limits::max_side_px`].
    #[error("the image has {width}×{height} pixels; at most {max_side_px} per side are allowed")]
    Side {
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
        /// The longest side that is allowed, in pixels.
        max_side_px: u32,
    },
    /// There are more pixels than [`Limits::max_pixels`].
    #[error(
        "the image has {width}×{height} = {} pixels; at most {max_pixels} are allowed",
        u64::from(*width) * u64::from(*height)
    )]
    Pixels {
        /// The width in pixels.
        width: u32,
        /// The height in pixels.
        height: u32,
        /// The most pixels that are allowed.
        max_pixels: u64,
    },
    /// An encoded image has no bytes.
    #[error("the image is empty: 0 bytes")]
    NoBytes,
    /// An encoded image has more bytes than [`Limits::max_encoded_bytes`].
    #[error("the encoded image has {bytes} bytes; at most {max_bytes} are allowed")]
    Bytes {
        /// The length of the image in bytes.
        bytes: usize,
        /// The most bytes that are allowed.
        max_bytes: usize,
    },
}

impl Limits {
    /// Checks a width and a height in pixels, and returns them as a [`Size`].
    ///
    /// # Errors
    /// [`LimitError::NoPixels`] if a side is 0, [`LimitError::Side`] or [`LimitError::Pixels`] if the
    /// image is too large.
    pub fn size(&self, width: u32, height: u32) -> Result<Size, LimitError> {
        let Self { max_side_px, max_pixels, .. } = *self;
        if width == 0 || height == 0 {
            return Err(LimitError::NoPixels { width, height });
        }
        if width.max(height) > max_side_px {
            return Err(LimitError::Side { width, height, max_side_px });
        }
        // An image within the limits is still too large if it exceeds the address space.
        Size::new(width, height)
            .filter(|size| size.pixels() as u64 <= max_pixels)
            .ok_or(LimitError::Pixels { width, height, max_pixels })
    }

    /// Whether an image of the given size is within the limits.
    #[must_use]
    pub const fn allow(&self, size: Size) -> bool {
        let (width, height) = size.sides();
        width <= self.max_side_px
            && height <= self.max_side_px
            && size.pixels() as u64 <= self.max_pixels
    }

    /// Checks the length of an encoded image, in bytes.
    ///
    /// # Errors
    /// [`LimitError::NoBytes`] if the length is 0, [`LimitError::Bytes`] if it is too large.
    pub const fn encoded_bytes(&self, bytes: usize) -> Result<(), LimitError> {
        let max_bytes = self.max_encoded_bytes;
        match bytes {
            0 => Err(LimitError::NoBytes),
            _ if bytes > max_bytes => Err(LimitError::Bytes { bytes, max_bytes }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits =
        Limits { max_encoded_bytes: 10, max_side_px: 8, max_pixels: 32, max_steps: 1 };

    #[test]
    fn a_size_at_the_limit_is_allowed_and_one_above_it_is_not() {
        assert_eq!(SMALL.size(8, 4), Ok(Size::new(8, 4).unwrap()));
        for (width, height) in [(9, 1), (1, 9)] {
            let error = LimitError::Side { width, height, max_side_px: 8 };
            assert_eq!(SMALL.size(width, height), Err(error));
        }
        let error = LimitError::Pixels { width: 8, height: 5, max_pixels: 32 };
        assert_eq!(SMALL.size(8, 5), Err(error));
        for (width, height) in [(0, 5), (5, 0), (0, 0)] {
            let error = LimitError::NoPixels { width, height };
            assert_eq!(SMALL.size(width, height), Err(error));
        }
        for (width, height) in [(8, 4), (4, 8), (9, 1), (1, 9), (8, 5)] {
            let size = Size::new(width, height).unwrap();
            assert_eq!(SMALL.allow(size), SMALL.size(width, height).is_ok(), "{size}");
        }
    }

    #[test]
    fn a_size_that_no_memory_can_hold_is_too_large_whatever_the_limits() {
        let limits = Limits { max_side_px: u32::MAX, max_pixels: u64::MAX, ..SMALL };
        assert!(matches!(limits.size(u32::MAX, u32::MAX), Err(LimitError::Pixels { .. })));
    }

    #[test]
    fn the_texts_name_the_limit() {
        let text = |error: LimitError| error.to_string();
        let of = |width, height| text(SMALL.size(width, height).unwrap_err());
        assert_eq!(of(9, 2), "the image has 9×2 pixels; at most 8 per side are allowed");
        assert_eq!(of(8, 8), "the image has 8×8 = 64 pixels; at most 32 are allowed");
        let bytes = text(SMALL.encoded_bytes(11).unwrap_err());
        assert_eq!(bytes, "the encoded image has 11 bytes; at most 10 are allowed");
        assert_eq!(
            (SMALL.encoded_bytes(10), SMALL.encoded_bytes(0)),
            (Ok(()), Err(LimitError::NoBytes))
        );
    }
}
