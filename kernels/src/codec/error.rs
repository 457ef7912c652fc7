//! Why a file could not be read or written.

use super::Codec;

/// Why a file could not be read or written. The texts are for whoever sent the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// No bytes at all.
    #[error("there is no image data; send a PNG, JPEG or WebP image")]
    Empty,
    /// None of the formats.
    #[error("the data is not a PNG, JPEG or WebP image")]
    NotAnImage,
    /// One of the formats, but a variant that is not understood.
    #[error("the {codec} image uses {feature}, which is not supported")]
    Unsupported {
        /// What it is otherwise.
        codec: Codec,
        /// What is not understood.
        feature: &'static str,
    },
    /// Cut off.
    #[error("the {0} data ends before the image does")]
    Truncated(Codec),
    /// Not as the format asks for.
    #[error("the {codec} data is damaged")]
    Damaged {
        /// What it seemed to be.
        codec: Codec,
        /// For logs: what the decoder said. Not fit for users.
        detail: String,
    },
    /// Over the limits of the caller.
    #[error(
        "the {codec} image has {width} × {height} pixels; at most {max_side} a side and \
         {max_pixels} in all are allowed"
    )]
    TooLarge {
        /// The format.
        codec: Codec,
        /// As the header says.
        width: u32,
        /// As the header says.
        height: u32,
        /// The limit.
        max_side: u32,
        /// The limit.
        max_pixels: u64,
    },
    /// Over what the file format can hold.
    #[error("an image with {side} pixels a side does not fit into a {codec}: at most {max_side}")]
    TooLargeToEncode {
        /// The format.
        codec: Codec,
        /// The longer side of the image.
        side: usize,
        /// The limit of the format.
        max_side: u32,
    },
    /// Not 1 to 100.
    #[error("the quality is {0}, it must be from 1 to 100")]
    Quality(u8),
    /// The encoder gave up.
    #[error("the image could not be written as {codec}")]
    Encode {
        /// The format.
        codec: Codec,
        /// For logs: what the encoder said. Not fit for users.
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
