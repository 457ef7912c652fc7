//! Cases of the family `colour`.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, SIZES, grid};

pub(super) fn cases() -> Vec<Case> {
    grayscale()
}

fn grayscale() -> Vec<Case> {
    let only_bt601 = Agreement::None("OpenCV has only bt601");
    let mut cases = grid("grayscale", &[&[("algorithm", "bt601")]], &SIZES, Agreement::Exact);
    // Many colours.
    let (size, format) = ((1200, 900), PixelFormat::Rgb8);
    cases.push(Case::new("grayscale", &[], size, format, Agreement::Exact));
    for algorithm in ["bt709", "average", "lightness", "luminosity"] {
        cases.extend(grid("grayscale", &[&[("algorithm", algorithm)]], &SIZES, only_bt601));
    }
    cases
}
