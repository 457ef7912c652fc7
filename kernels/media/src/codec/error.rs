//! The errors of reading and writing image files.

use super::Codec;
use crate::PixelFormat;

/// The reason why a file could not be read or written. The texts are for whoever sent the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The data is empty.
    #[error("there is no image data; send a PNG, JPEG or WebP image")]
    Empty,
    /// The data is not in any of the supported file formats.
    #[error("the data is not a PNG, JPEG or WebP image")]
    NotAnImage,
    /// The file uses a feature of its format that is not supported.
    #[error("the {codec} image uses {feature}, which is not supported")]
    Unsupported {
        /// The format of the file.
        codec: Codec,
        /// The feature that is not supported.
        feature: &'static str,
    },
    /// The file ends before its image does.
    #[error("the {0} data ends before the image does")]
    Truncated(Codec),
    /// The file violates its format.
    #[error("the {codec} data is damaged")]
    Damaged {
        /// The format that the file appeared to have.
        codec: Codec,
        /// The decoder's message, which is for logs and not for users.
        detail: String,
    },
    /// The image exceeds the limits of the caller.
    #[error(
        "the {codec} image has {width}×{height} pixels; at most {max_side} per side and \
         {max_pixels} in all are allowed"
    )]
    TooLarge {
        /// The format of the file.
        codec: Codec,
        /// The width that the header states, in pixels.
        width: u32,
        /// The height that the header states, in pixels.
        height: u32,
        /// The longest side that is allowed, in pixels.
        max_side: u32,
        /// The most pixels that are allowed.
        max_pixels: u64,
    },
    /// The image is larger than the file format can hold.
    #[error("{codec} allows at most {max_side} pixels per side, not {side}")]
    TooLargeToEncode {
        /// The format of the file.
        codec: Codec,
        /// The longer side of the image, in pixels.
        side: usize,
        /// The longest side that the format can hold, in pixels.
        max_side: u32,
    },
    /// The quality is not from 1 to 100.
    #[error("the quality must be from 1 to 100, not {0}")]
    Quality(u8),
    /// The image is planar, which no file format can hold.
    #[error("a {codec} file cannot hold {format:?} pixels; convert them to RGB first")]
    Planar {
        /// The format of the file.
        codec: Codec,
        /// The layout of the image.
        format: PixelFormat,
    },
    /// The file would have more bytes than the caller has room for.
    #[error("the {codec} file has more than {most} bytes, which is as many as are allowed")]
    ResultTooLarge {
        /// The format of the file.
        codec: Codec,
        /// The most bytes that are allowed.
        most: usize,
    },
    /// The encoder reported an error.
    #[error("the image could not be written as {codec}")]
    Encode {
        /// The format of the file.
        codec: Codec,
        /// The encoder's message, which is for logs and not for users.
        detail: String,
    },
}

impl CodecError {
    pub(super) fn damaged(codec: Codec, detail: impl ToString) -> Self {
        Self::Damaged { codec, detail: detail.to_string() }
    }

    pub(super) fn encode(codec: Codec, detail: impl ToString) -> Self {
        Self::Encode { codec, detail: detail.to_string() }
    }
}
