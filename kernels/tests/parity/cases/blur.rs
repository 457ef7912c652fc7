//! Cases of the family `blur`.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, SIZES, grid};

pub(super) fn cases() -> Vec<Case> {
    gaussian()
}

fn gaussian() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in ["clamp", "reflect", "reflect_101", "wrap", "constant"] {
        for (taps, sigma) in
            [("1", "1"), ("3", "0"), ("5", "1.1"), ("9", "0"), ("21", "7.3"), ("31", "100")]
        {
            let given = [("border_mode", border), ("kernel_size", taps), ("sigma", sigma)];
            cases.extend(grid("blur", &[&given], &SIZES, Agreement::Exact));
        }
        let given = [("border_mode", border), ("kernel_size", "5"), ("separable", "false")];
        cases.extend(grid("blur", &[&given], &SIZES, Agreement::Exact));
    }
    // All sigmas of the slider.
    for tenths in 1..=100 {
        let sigma = (f64::from(tenths) / 10.0).to_string();
        for taps in ["5", "15", "29"] {
            let given = [("kernel_size", taps), ("sigma", &sigma)];
            cases.push(Case::new("blur", &given, (40, 30), PixelFormat::Rgb8, Agreement::Exact));
        }
    }
    cases
}
