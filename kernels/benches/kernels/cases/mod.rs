//! What is measured.

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

use ocelli_kernels::{Catalog, Family, PixelFormat};

/// VGA, Full HD, Ultra HD.
const SIZES: [(u32, u32); 3] = [(640, 480), (1920, 1080), (3840, 2160)];
/// With transparency, which adds a third to what there is to do: enough to see what costs more.
const SIZES_WITH_ALPHA: [(u32, u32); 1] = [(1920, 1080)];

/// One operation with its parameters on one layout.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    pub(crate) family: Family,
    pub(crate) filter: &'static str,
    pub(crate) given: &'static [(&'static str, &'static str)],
    pub(crate) format: PixelFormat,
}

/// A filter with those parameters on those layouts, without the family.
pub(crate) type Listed =
    (&'static str, &'static [(&'static str, &'static str)], &'static [PixelFormat]);

pub(crate) const GRAY_AND_RGB: &[PixelFormat] = &[PixelFormat::Gray8, PixelFormat::Rgb8];
pub(crate) const RGB: &[PixelFormat] = &[PixelFormat::Rgb8];
#[allow(dead_code, reason = "not yet used by a row")]
pub(crate) const GRAY: &[PixelFormat] = &[PixelFormat::Gray8];

pub(crate) fn all() -> Vec<Bench> {
    let lists = [
        colour::LIST,
        blur::LIST,
        edges::LIST,
        sharpen::LIST,
        morphology::LIST,
        geometry::LIST,
        effect::LIST,
        privacy::LIST,
        tensor::LIST,
        tones::LIST,
        warp::LIST,
    ];
    let catalog = Catalog::standard();
    let mut all = Vec::new();
    for (filter, given, formats) in lists.into_iter().flatten() {
        let entry = catalog.get(filter).unwrap_or_else(|| panic!("there is no {filter}"));
        let family = entry.definition.family;
        let alpha = PixelFormat::Rgba8;
        let also =
            formats.contains(&PixelFormat::Rgb8) && entry.definition.formats.contains(&alpha);
        let formats = formats.iter().copied().chain(also.then_some(alpha));
        all.extend(formats.map(|format| Bench { family, filter, given, format }));
    }
    all
}

impl Bench {
    pub(crate) fn sizes(&self) -> &'static [(u32, u32)] {
        if self.format == PixelFormat::Rgba8 { &SIZES_WITH_ALPHA } else { &SIZES }
    }

    pub(crate) fn parameters(&self) -> BTreeMap<String, String> {
        self.given.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    /// `blur_kernel_size=5_rgb8_640x480_1t`.
    pub(crate) fn name(&self, (width, height): (u32, u32), threads: usize) -> String {
        let mut name = self.filter.to_owned();
        for (key, value) in self.given {
            let short: String =
                value.chars().take(12).map(|c| if c == ' ' { ',' } else { c }).collect();
            name = format!("{name}_{key}={short}");
        }
        format!("{name}_{:?}_{width}x{height}_{threads}t", self.format).to_lowercase()
    }
}
