//! The EXIF orientation: how an image must be turned and mirrored to stand upright.

use exif::{In, Reader, Tag};

use crate::{PixelFormat, Pool, PooledBuffer, Size};

/// The side, in pixels, of the tiles in which an image is transposed. Source and target of a tile
/// fit into the L1 cache.
const TILE: usize = 32;

/// The marker that JPEG puts before EXIF data.
pub(super) const EXIF_MARK: &[u8] = b"Exif\0\0";

/// How to bring an image upright: one variant for each of the eight values of the EXIF orientation
/// tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orientation {
    /// 1: the image is upright as stored.
    Upright,
    /// 2: left and right are exchanged.
    MirrorHorizontally,
    /// 3: the image is turned by 180 degrees.
    Turn180,
    /// 4: top and bottom are exchanged.
    MirrorVertically,
    /// 5: the image is mirrored along the diagonal from the upper left corner.
    Transpose,
    /// 6: the image is turned by 90 degrees clockwise.
    TurnRight,
    /// 7: the image is mirrored along the diagonal from the upper right corner.
    Transverse,
    /// 8: the image is turned by 90 degrees counterclockwise.
    TurnLeft,
}

impl Orientation {
    /// Reads the orientation from EXIF data, with or without the marker that JPEG puts before it.
    /// It is upright if the data is damaged or has no orientation.
    pub(super) fn from_exif(mut data: Vec<u8>) -> Self {
        if data.starts_with(EXIF_MARK) {
            data.drain(..EXIF_MARK.len());
        }
        let exif = (Reader::new().continue_on_error(true).read_raw(data))
            .or_else(|error| error.distill_partial_result(|_| {}));
        let value = exif
            .ok()
            .and_then(|exif| exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0));
        match value {
            Some(2) => Self::MirrorHorizontally,
            Some(3) => Self::Turn180,
            Some(4) => Self::MirrorVertically,
            Some(5) => Self::Transpose,
            Some(6) => Self::TurnRight,
            Some(7) => Self::Transverse,
            Some(8) => Self::TurnLeft,
            _ => Self::Upright,
        }
    }

    /// Whether the upright image is as wide as the stored one is high.
    #[must_use]
    pub const fn swaps_sides(self) -> bool {
        matches!(self, Self::Transpose | Self::TurnRight | Self::Transverse | Self::TurnLeft)
    }

    /// The size and the pixels of the upright image. New memory is only taken if pixels have to
    /// move.
    pub(super) fn apply(
        self,
        size: Size,
        format: PixelFormat,
        pixels: PooledBuffer,
        pool: &Pool,
    ) -> (Size, PooledBuffer) {
        let (w, h) = (size.width().cast_signed(), size.height().cast_signed());
        // The position of the first upright pixel in the source, and the distances from there to
        // the source of the pixel to its right and of the one below it.
        let (first, right, down) = match self {
            Self::Upright => return (size, pixels),
            Self::MirrorHorizontally => (w - 1, -1, w),
            Self::Turn180 => (w * h - 1, -1, -w),
            Self::MirrorVertically => ((h - 1) * w, 1, -w),
            Self::Transpose => (0, w, 1),
            Self::TurnRight => ((h - 1) * w, -w, 1),
            Self::Transverse => (w * h - 1, -w, -1),
            Self::TurnLeft => (w - 1, w, -1),
        };
        let upright = if self.swaps_sides() { size.transposed() } else { size };
        let mut out = pool.take(pixels.len());
        let walk = Walk { width: upright.width(), first, right, down };
        match format {
            // No file has a planar layout.
            PixelFormat::Gray8 | PixelFormat::Nv12 | PixelFormat::I420 => {
                walk.copy::<1>(&pixels, &mut out);
            }
            PixelFormat::Rgb8 => walk.copy::<3>(&pixels, &mut out),
            PixelFormat::Rgba8 => walk.copy::<4>(&pixels, &mut out),
        }
        (upright, out)
    }
}

/// The path through the source, in pixels.
struct Walk {
    width: usize,
    first: isize,
    right: isize,
    down: isize,
}

impl Walk {
    fn copy<const CHANNELS: usize>(&self, from: &[u8], to: &mut [u8]) {
        let (from, _) = from.as_chunks::<CHANNELS>();
        let (to, _) = to.as_chunks_mut::<CHANNELS>();
        for (band, rows) in to.chunks_mut(TILE * self.width).enumerate() {
            for left in (0..self.width).step_by(TILE) {
                for (row, line) in rows.chunks_exact_mut(self.width).enumerate() {
                    let y = (band * TILE + row).cast_signed();
                    let tile = line.iter_mut().skip(left).take(TILE);
                    let mut source = self.first + y * self.down + left.cast_signed() * self.right;
                    for pixel in tile {
                        // The pixel always exists, because the walk visits each source pixel once.
                        if let Some(value) = from.get(source.cast_unsigned()) {
                            *pixel = *value;
                        }
                        source += self.right;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 × 2: ABC over DEF.
    fn upright(orientation: Orientation, channels: usize) -> (usize, usize, String) {
        let format =
            PixelFormat::INTERLEAVED.into_iter().find(|f| f.channels() == channels).unwrap();
        let pool = Pool::new(1 << 20);
        let mut pixels = pool.take(6 * channels);
        for (pixel, letter) in pixels.chunks_exact_mut(channels).zip(b'A'..) {
            // The channels of a pixel differ, so that a mix-up within it shows.
            (0..).zip(pixel).for_each(|(channel, value)| *value = letter + 32 * channel);
        }
        let (size, out) = orientation.apply(Size::new(3, 2).unwrap(), format, pixels, &pool);
        let mut letters = String::new();
        for pixel in out.chunks_exact(channels) {
            (0..).zip(pixel).for_each(|(channel, v)| assert_eq!(*v, pixel[0] + 32 * channel));
            letters.push(char::from(pixel[0]));
        }
        (size.width(), size.height(), letters)
    }

    #[test]
    fn all_eight_bring_the_image_upright() {
        let expected = [
            (Orientation::Upright, (3, 2, "ABCDEF")),
            (Orientation::MirrorHorizontally, (3, 2, "CBAFED")),
            (Orientation::Turn180, (3, 2, "FEDCBA")),
            (Orientation::MirrorVertically, (3, 2, "DEFABC")),
            (Orientation::Transpose, (2, 3, "ADBECF")),
            (Orientation::TurnRight, (2, 3, "DAEBFC")),
            (Orientation::Transverse, (2, 3, "FCEBDA")),
            (Orientation::TurnLeft, (2, 3, "CFBEAD")),
        ];
        for (orientation, (width, height, letters)) in expected {
            for channels in [1, 3, 4] {
                let is = upright(orientation, channels);
                assert_eq!(is, (width, height, letters.to_owned()), "{orientation:?} × {channels}");
            }
        }
    }

    #[test]
    fn turning_there_and_back_across_many_tiles_changes_nothing() {
        let pool = Pool::new(1 << 20);
        let size = Size::new(101, 77).unwrap();
        let mut pixels = pool.take(size.pixels());
        (0..).zip(pixels.iter_mut()).for_each(|(i, v): (usize, _)| *v = (i * 7 % 251) as u8);
        let before = pixels.to_vec();
        let gray = PixelFormat::Gray8;
        let (turned_size, turned) = Orientation::TurnRight.apply(size, gray, pixels, &pool);
        assert_eq!((turned_size.width(), turned_size.height()), (77, 101));
        // The lower left corner comes to the upper left.
        assert_eq!(turned[0], before[101 * 76]);
        let (_, back) = Orientation::TurnLeft.apply(turned_size, gray, turned, &pool);
        assert_eq!(*back, *before);
    }

    #[test]
    fn damaged_exif_is_upright() {
        for data in [&b""[..], b"Exif\0\0", b"II*\0", b"MM\0*\0\0\0\x08\0\x01\x01\x12", &[0xFF; 99]]
        {
            assert_eq!(Orientation::from_exif(data.to_vec()), Orientation::Upright);
        }
    }
}
