//! The pictures of the page.

use std::path::Path;

use bytes::Bytes;
use ocelli_kernels::{
    Backend as _, Catalog, Chain, CpuBackend, Family, FilterDefinition, Image, Limits, PixelFormat,
    Pool, Size,
    codec::{self, Codec},
    convert,
};

use crate::{HINT, examples, root};

/// Pixels a side of what is shown before and after.
const SIDE: usize = 176;
const GAP: usize = 8;

const LIMITS: Limits =
    Limits { max_side_px: 4096, max_pixels: 1 << 24, max_encoded_bytes: usize::MAX, max_steps: 0 };

/// A photograph before and after; `None` of a filter whose result is no picture.
pub(crate) fn before_and_after(definition: &FilterDefinition) -> Option<Image> {
    if definition.family == Family::Tensor {
        return None;
    }
    let mut before =
        run(&photograph(), "resize", &[("width", "176"), ("height", "176"), ("filter", "area")]);
    // Some filters take grey only.
    if !definition.formats.contains(&PixelFormat::Rgb8) {
        before = run(&before, "grayscale", &[]);
    }
    let after = run(&before, definition.id, examples::parameters(definition));
    Some(beside(&before, &after))
}

fn photograph() -> Image {
    let path = root().join(".tools/photos/astronaut.png");
    let file = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `make tools`", path.display()));
    codec::decode(&Bytes::from(file), &LIMITS, &Pool::new(0)).unwrap()
}

fn run(image: &Image, filter: &str, given: &[(&str, &str)]) -> Image {
    let given = given.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let chain = Chain::parse(&Catalog::standard(), [(filter, &given)])
        .unwrap_or_else(|error| panic!("the example of {filter}: {error}"));
    let output = CpuBackend::new(Pool::new(0)).run(&chain, image.clone());
    output.unwrap_or_else(|error| panic!("the example of {filter}: {error}")).image
}

/// On white; what is larger is cut off.
fn beside(before: &Image, after: &Image) -> Image {
    let pool = Pool::new(0);
    let size = Size::new((2 * SIDE + GAP) as u32, SIDE as u32).unwrap();
    let row = size.width() * 3;
    let mut pixels = vec![255; row * size.height()];
    for (image, left) in [(before, 0), (after, SIDE + GAP)] {
        let image = convert::to_format(image, PixelFormat::Rgb8, &pool).unwrap();
        let width = image.size().width().min(SIDE) * 3;
        for (from, to) in image.rows().zip(pixels.chunks_exact_mut(row)) {
            to[left * 3..left * 3 + width].copy_from_slice(&from[..width]);
        }
    }
    Image::new(size, PixelFormat::Rgb8, row, Bytes::from(pixels)).unwrap()
}

pub(crate) fn write(path: &Path, image: &Image) {
    let file = codec::encode(image, Codec::Jpeg, 82, usize::MAX, &Pool::new(0)).unwrap();
    std::fs::write(path, file).unwrap();
}

/// JPEG is lossy: the picture has to be as near as a fresh one would be.
pub(crate) fn compare(path: &Path, must: &Image) {
    let shown = path.file_name().unwrap().to_string_lossy();
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{shown}: {error}: {HINT}"));
    let is = codec::decode(&Bytes::from(file), &LIMITS, &Pool::new(0)).unwrap();
    assert_eq!(is.size(), must.size(), "{shown}: {HINT}");
    let fresh = codec::encode(must, Codec::Jpeg, 82, usize::MAX, &Pool::new(0)).unwrap();
    let fresh = codec::decode(&fresh, &LIMITS, &Pool::new(0)).unwrap();
    let off = is.data().iter().zip(fresh.data()).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2));
    let mean = off.sum::<u64>() as f64 / fresh.data().len() as f64;
    assert!(mean < 4.0, "{shown} is off by {mean:.1} (mean square): {HINT}");
}
