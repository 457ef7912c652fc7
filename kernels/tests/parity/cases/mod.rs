//! What is compared: operations with parameters, on images.

mod blur;
mod colour;
mod edges;
mod effect;
mod geometry;
mod morphology;
mod privacy;
mod sharpen;
mod tensor;
mod tones;
mod warp;

use std::collections::BTreeMap;

use bytes::Bytes;
use ocelli_kernels::{Catalog, Chain, Family, Image, PixelFormat, Size};

/// One operation on one image.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) filter: &'static str,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) size: (u32, u32),
    pub(crate) format: PixelFormat,
    pub(crate) content: Content,
    pub(crate) agreement: Agreement,
}

/// What is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Any values, with many extremes.
    Noise,
    /// Gradients, discs and some noise: like a photograph.
    Scene,
}

/// How close OpenCV's result is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Agreement {
    /// The same bytes.
    Exact,
    /// Each sample differs by at most that many levels.
    Within(u8),
    /// All but that part of the samples differ by at most that many levels.
    Mostly { levels: u8, except: f64 },
    /// Each number of a tensor differs by at most that.
    Close(f64),
    /// OpenCV defines nothing like it, or we differ on purpose: why.
    None(&'static str),
}

/// Sizes at which things go wrong.
pub(crate) const SIZES: [(u32, u32); 7] =
    [(1, 1), (1, 9), (9, 1), (3, 4), (37, 19), (64, 48), (131, 67)];

/// A few of them, for operations that take long on a GPU that is only played.
pub(crate) const FEW_SIZES: [(u32, u32); 3] = [(1, 1), (7, 3), (37, 19)];

/// Parameters, as a request gives them.
pub(crate) type Given<'a> = &'a [(&'a str, &'a str)];

impl Case {
    /// On noise.
    pub(crate) fn new(
        filter: &'static str,
        given: Given<'_>,
        size: (u32, u32),
        format: PixelFormat,
        agreement: Agreement,
    ) -> Self {
        let parameters =
            given.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        Self { filter, parameters, size, format, content: Content::Noise, agreement }
    }

    /// On something like a photograph.
    pub(crate) fn on_scene(self) -> Self {
        Self { content: Content::Scene, ..self }
    }

    pub(crate) fn chain(&self) -> Chain {
        Chain::parse(&Catalog::standard(), [(self.filter, &self.parameters)])
            .unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }

    /// Its image, with that many bytes between the rows.
    pub(crate) fn image(&self, padding: usize) -> Image {
        image(self.content, self.size, self.format, padding)
    }
}

/// An image of that content and shape, with that many bytes between the rows. Padding does not
/// change what is to be seen.
pub(crate) fn image(
    content: Content,
    size: (u32, u32),
    format: PixelFormat,
    padding: usize,
) -> Image {
    let size = Size::new(size.0, size.1).unwrap();
    let (row, rows) = (format.row_bytes(size.width()), size.height());
    let stride = row + padding;
    let mut state = 7_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    };
    let mut data = vec![0xEE; format.bytes(rows, stride).unwrap()];
    let (first, rest) = data.split_at_mut(stride * rows);
    // Chroma of I420 has rows half as long, and half the padding.
    let (below, row_below) = match format {
        PixelFormat::I420 => (stride.div_ceil(2), row.div_ceil(2)),
        _ => (stride, row),
    };
    let lines = first.chunks_mut(stride).map(|line| (line, row));
    let lines = lines.chain(rest.chunks_mut(below).map(|line| (line, row_below)));
    for (y, (line, end)) in lines.enumerate() {
        for (x, sample) in line[..end].iter_mut().enumerate() {
            let random = noise();
            *sample = match content {
                Content::Noise if random & 0x300 == 0 => 255,
                Content::Noise if random & 0xc00 == 0 => 0,
                Content::Noise => (random >> 24) as u8,
                Content::Scene => {
                    let pixel = (x / format.channels()) as f64;
                    let (u, v) = (pixel / size.width() as f64, y as f64 / rows as f64);
                    let disc = ((u - 0.4).powi(2) + (v - 0.5).powi(2)).sqrt() < 0.25;
                    let bars = ((u * 13.0 + v * 5.0) as u32).is_multiple_of(5);
                    let tint = (x % format.channels()) as f64 * 23.0;
                    let light = 40.0 + 120.0 * u + 50.0 * v + tint + 60.0 * f64::from(disc as u8)
                        - 35.0 * f64::from(bars as u8);
                    (light + (random >> 29) as f64).clamp(0.0, 255.0) as u8
                }
            };
        }
    }
    Image::new(size, format, stride, Bytes::from(data)).unwrap()
}

/// A filter with each of those parameters, on each of those sizes, in the formats that it takes
/// of the interleaved ones.
pub(crate) fn grid(
    filter: &'static str,
    parameters: &[Given<'_>],
    sizes: &[(u32, u32)],
    agreement: Agreement,
) -> Vec<Case> {
    let catalog = Catalog::standard();
    let definition = catalog.get(filter).unwrap_or_else(|| panic!("no {filter}")).definition;
    let mut cases = Vec::new();
    for given in parameters {
        for size in sizes {
            let formats = PixelFormat::INTERLEAVED.into_iter();
            for format in formats.filter(|format| definition.formats.contains(format)) {
                cases.push(Case::new(filter, given, *size, format, agreement));
            }
        }
    }
    cases
}

/// All cases of a family.
pub(crate) fn of(family: Family) -> Vec<Case> {
    match family {
        Family::Colour => [colour::cases(), tones::cases()].concat(),
        Family::Blur => blur::cases(),
        Family::Edges => edges::cases(),
        Family::Sharpen => sharpen::cases(),
        Family::Morphology => morphology::cases(),
        Family::Geometry => [geometry::cases(), warp::cases()].concat(),
        Family::Effect => effect::cases(),
        Family::Privacy => privacy::cases(),
        Family::Tensor => tensor::cases(),
    }
}
