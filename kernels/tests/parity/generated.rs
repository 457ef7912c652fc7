//! Chains whose kernels are generated.

use std::collections::BTreeMap;

use ocelli_kernels::{Catalog, Chain, Image, PixelFormat};

use crate::cases::{self, Content};

/// Typical ones, with different layouts in and out, and as long as they get.
const CHAINS: &[&[&str]] = &[
    &["grayscale"],
    &["grayscale", "grayscale"],
    &["invert"],
    &["invert", "grayscale", "invert"],
    &["gamma", "brightness_contrast", "invert"],
    &["gamma", "grayscale", "threshold"],
    &["sepia", "invert"],
    &["saturation_hue", "sepia", "gamma"],
    &["brightness_contrast", "saturation_hue", "gamma", "sepia", "invert"],
    &["saturation_hue", "sepia", "grayscale", "invert", "threshold"],
    &["posterize", "invert", "posterize", "gamma"],
    &[
        "invert", "sepia", "invert", "sepia", "invert", "sepia", "invert", "sepia", "invert",
        "sepia",
    ],
    &["grayscale", "blur", "invert"],
];

/// A filter and its parameters.
pub(crate) type Step = (&'static str, BTreeMap<String, String>);

/// With default parameters.
pub(crate) fn steps(ids: &[&'static str]) -> Vec<Step> {
    ids.iter().map(|id| (*id, BTreeMap::new())).collect()
}

pub(crate) fn parse(steps: &[Step]) -> Chain {
    Chain::parse(&Catalog::standard(), steps.iter().map(|(id, given)| (*id, given)))
        .unwrap_or_else(|error| panic!("{steps:?}: {error}"))
}

/// All of them.
pub(crate) fn chains() -> Vec<Vec<Step>> {
    CHAINS.iter().map(|ids| steps(ids)).collect()
}

/// Images for a chain: each layout that it takes, from less than a block of threads to several.
pub(crate) fn images(steps: &[Step]) -> Vec<(Image, String)> {
    let chain = parse(steps);
    let ids: Vec<_> = chain.ids().collect();
    let mut images = Vec::new();
    for format in PixelFormat::ALL {
        // Planar layouts are converted first.
        let sizes = [(37, 19), (1, 1), (64, 64), (131, 67)];
        for size in sizes.into_iter().take(if format.is_planar() { 1 } else { 4 }) {
            let image = cases::image(Content::Noise, size, format, 0);
            if chain.output(image.shape()).is_ok() {
                images.push((image, format!("{ids:?} on {size:?} {format:?}")));
            }
        }
    }
    assert!(!images.is_empty());
    images
}
