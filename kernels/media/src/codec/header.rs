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
    /// comes after the pixels in a PNG, or after the frame header in a JPEG.
    pub orientation: Orientation,
}

/// The contents of a file's header before they are checked.
pub(super) struct Stated<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) format: PixelFormat,
    pub(super) exif: Option<&'a [u8]>,
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
        let Stated { width, height, format, exif } = match codec {
            Codec::Png => png::header(data),
            Codec::Jpeg => jpeg::header(data),
            Codec::Webp => webp::header(data),
        }?;
        let size = check_size(codec, width, height, limits)?;
        let orientation =
            exif.map_or(Orientation::Upright, |exif| Orientation::from_exif(exif.to_vec()));
        Ok(Self { codec, size, format, orientation })
    }

    /// The size and layout of the decoded, upright image.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        let size = if self.orientation.swaps_sides() { self.size.transposed() } else { self.size };
        Shape::new(size, self.format)
    }
}
