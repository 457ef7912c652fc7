//! The headers of image files, which are read by a single parser.

use super::{Codec, CodecError, Orientation, check_size, jpeg, png, sniff, webp};
use crate::{Limits, PixelFormat, Shape, Size};

/// The header of an image file. It is enough to check limits and to plan work before anything is
/// decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The file format.
    pub codec: Codec,
    /// The size of the image as stored, before the EXIF orientation is applied.
    pub size: Size,
    /// The layout in which [`decode`](super::decode) will deliver the pixels.
    pub format: PixelFormat,
    /// What [`decode`](super::decode) will do to bring the image upright. Upright if the EXIF data
    /// comes after the pixels in a JPEG.
    pub orientation: Orientation,
    /// The bytes that the decoder takes beside the pixels.
    pub(super) scratch: usize,
}

/// The contents of a file's header before they are checked.
pub(super) struct Stated<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) format: PixelFormat,
    pub(super) exif: Option<&'a [u8]>,
    pub(super) scratch: usize,
}

impl Stated<'_> {
    pub(super) fn orientation(&self) -> Orientation {
        self.exif.map_or(Orientation::Upright, |exif| Orientation::from_exif(exif.to_vec()))
    }
}

/// Reads the header of a file of that format.
pub(super) fn stated(codec: Codec, data: &[u8]) -> Result<Stated<'_>, CodecError> {
    match codec {
        Codec::Png => png::header(data),
        Codec::Jpeg => jpeg::header(data),
        Codec::Webp => webp::header(data),
    }
}

impl Header {
    /// Reads the header of a PNG, JPEG or WebP file. The rest of the file is not read, so it may be
    /// damaged or missing.
    ///
    /// # Errors
    /// If the data is not such a file, if the header is damaged, truncated or of a variant that
    /// [`decode`](super::decode) does not support, or if the image exceeds the limits.
    pub fn read(data: &[u8], limits: &Limits) -> Result<Self, CodecError> {
        let codec = sniff(data)?;
        let stated = stated(codec, data)?;
        let Stated { width, height, format, scratch, .. } = stated;
        let size = check_size(codec, width, height, limits)?;
        Ok(Self { codec, size, format, orientation: stated.orientation(), scratch })
    }

    /// The size and layout of the decoded, upright image.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        let size = if self.orientation.swaps_sides() { self.size.transposed() } else { self.size };
        Shape::new(size, self.format)
    }
}
