//! Pictures: made here, the same in every run, and read back from what the system answers.

use anyhow::{Context as _, Result, bail, ensure};
use ocelli_kernels::{
    Image, Limits, PixelFormat, Pool, Size,
    codec::{Codec, decode, encode},
};
use sha2::{Digest as _, Sha256};

/// Packed pixels, 8 bits a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Pixels across.
    pub(crate) width: usize,
    /// Pixels down.
    pub(crate) height: usize,
    /// Samples a pixel: 1 grey, 3 RGB, 4 RGBA.
    pub(crate) channels: usize,
    /// Row by row.
    pub(crate) pixels: Vec<u8>,
}

fn pool() -> Pool {
    Pool::new(0)
}

impl Picture {
    /// A colourful picture: gradients with a disc, a frame and stripes, so that every channel has
    /// flat parts, slopes and edges, also at the borders.
    pub(crate) fn colourful(width: usize, height: usize) -> Self {
        let mut pixels = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                pixels.extend(colour(x, y, width, height));
            }
        }
        Self { width, height, channels: 3, pixels }
    }

    /// From pixels that the system sent.
    pub(crate) fn from_raw(
        (width, height): (usize, usize),
        stride: usize,
        channels: usize,
        data: &[u8],
    ) -> Result<Self> {
        let row = width * channels;
        ensure!(stride >= row && row > 0, "a stride of {stride} for rows of {row} bytes");
        ensure!(data.len() == stride * height, "{} bytes are not {stride} × {height}", data.len());
        let rows = data.chunks_exact(stride).filter_map(|line| line.get(..row));
        Ok(Self { width, height, channels, pixels: rows.collect::<Vec<_>>().concat() })
    }

    /// From a PNG, JPEG or WebP file that the system sent.
    pub(crate) fn from_file(data: &[u8]) -> Result<Self> {
        let image = decode(data, &Limits::default(), &pool())?;
        let (width, height) = (image.size().width(), image.size().height());
        let channels = image.format().channels();
        Self::from_raw((width, height), image.stride(), channels, image.data())
    }

    /// As a file of that format.
    pub(crate) fn to_file(&self, codec: Codec) -> Result<Vec<u8>> {
        let format = match self.channels {
            1 => PixelFormat::Gray8,
            3 => PixelFormat::Rgb8,
            4 => PixelFormat::Rgba8,
            other => bail!("{other} channels"),
        };
        let size = Size::new(u32::try_from(self.width)?, u32::try_from(self.height)?);
        let size = size.context("a side of 0")?;
        let stride = self.width * self.channels;
        let image = Image::new(size, format, stride, self.pixels.clone().into())?;
        Ok(encode(&image, codec, 90, usize::MAX, &pool())?.to_vec())
    }

    /// The sample there.
    pub(crate) fn sample(&self, x: usize, y: usize, channel: usize) -> f64 {
        let at = (y * self.width + x) * self.channels + channel;
        self.pixels.get(at).copied().map_or(f64::NAN, f64::from)
    }

    /// The greatest difference of two samples; an error if the pictures have different shapes.
    pub(crate) fn difference(&self, other: &Self) -> Result<u8> {
        let shape = |picture: &Self| (picture.width, picture.height, picture.channels);
        let (ours, theirs) = (shape(self), shape(other));
        ensure!(ours == theirs, "width, height, channels: {ours:?} against {theirs:?}");
        let pairs = self.pixels.iter().zip(&other.pixels);
        Ok(pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0))
    }

    /// SHA-256 over shape and pixels, in hexadecimal digits.
    pub(crate) fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{}x{}x{}\n", self.width, self.height, self.channels));
        hash.update(&self.pixels);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn colour(x: usize, y: usize, width: usize, height: usize) -> [u8; 3] {
    let ramp = |at: usize, length: usize| (at * 255 / length.saturating_sub(1).max(1)) as u8;
    let slope = [ramp(x, width), ramp(y, height), ramp(x + y, width + height)];
    let (dx, dy) = (x.abs_diff(width * 2 / 3), y.abs_diff(height / 3));
    if dx * dx + dy * dy < height * height / 25 {
        return [250, 200, 20];
    }
    // One pixel wide: to repeat an edge or to mirror it must not come to the same.
    if x == 0 || y + 1 == height {
        return [20, 30, 200];
    }
    if y * 3 > height * 2 && (x / 4).is_multiple_of(2) {
        return [slope[2], 40, 120];
    }
    slope
}
