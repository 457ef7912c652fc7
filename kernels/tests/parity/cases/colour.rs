//! Cases of the family `colour`.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, FEW_SIZES, SIZES, grid};

pub(super) fn cases() -> Vec<Case> {
    [grayscale(), tables(), matrices(), threshold(), white_balance()].concat()
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

fn tables() -> Vec<Case> {
    let mut cases = grid("invert", &[&[]], &SIZES, Agreement::Exact);
    for (brightness, contrast) in
        [("0", "1"), ("30", "1"), ("-45.5", "1.7"), ("12.25", "0.35"), ("255", "0"), ("-255", "10")]
    {
        let given = [("brightness", brightness), ("contrast", contrast)];
        cases.extend(grid("brightness_contrast", &[&given], &FEW_SIZES, Agreement::Exact));
    }
    for gamma in ["0.1", "0.45", "1", "2.2", "10"] {
        let given = [("gamma", gamma)];
        cases.extend(grid("gamma", &[&given], &FEW_SIZES, Agreement::Within(1)));
    }
    let list = |factor: u32| {
        let numbers: Vec<String> = (0..256).map(|at| (at * factor % 256).to_string()).collect();
        numbers.join(" ")
    };
    let one = list(77);
    cases.extend(grid("lut", &[&[("table", &one)], &[]], &SIZES, Agreement::Exact));
    let three = format!("{one} {} {}", list(3), list(255));
    let mut of_colours = grid("lut", &[&[("table", &three)]], &SIZES, Agreement::Exact);
    of_colours.retain(|case| case.format != PixelFormat::Gray8);
    cases.extend(of_colours);
    cases
}

fn matrices() -> Vec<Case> {
    let mut cases = Vec::new();
    for (saturation, hue) in [("1", "0"), ("0", "0"), ("1.5", "30"), ("4", "-170"), ("0.7", "360")]
    {
        let given = [("saturation", saturation), ("hue", hue)];
        cases.extend(grid("saturation_hue", &[&given], &SIZES, Agreement::Within(1)));
    }
    for amount in ["0", "0.4", "1"] {
        cases.extend(grid("sepia", &[&[("amount", amount)]], &SIZES, Agreement::Within(1)));
    }
    for matrix in [
        "1 0 0 0 0 1 0 0 0 0 1 0",
        "0 0 1 5.5, 1 0 0 -20, 0 1 0 256",
        "3.9 -3.9 1 0 0.5 0.25 0.25 0 -1 -1 -1 255",
    ] {
        cases.extend(grid("color_matrix", &[&[("matrix", matrix)]], &SIZES, Agreement::Within(1)));
    }
    // Weights that OpenCV's ten bits have exactly.
    let large = "100 -100 7.5 0, 256 -255 0 -256, -31 0.125 32 100";
    cases.extend(grid("color_matrix", &[&[("matrix", large)]], &SIZES, Agreement::Within(1)));
    cases
}

fn threshold() -> Vec<Case> {
    let mut cases = Vec::new();
    for mode in ["binary", "binary_inverse", "truncate", "to_zero", "to_zero_inverse"] {
        for (threshold, max_value) in [("0", "255"), ("100", "7"), ("255", "255")] {
            let given = [("mode", mode), ("threshold", threshold), ("max_value", max_value)];
            cases.extend(grid("threshold", &[&given], &FEW_SIZES, Agreement::Exact));
        }
        let given = [("mode", mode), ("method", "otsu"), ("max_value", "200")];
        for size in [(1, 1), (37, 19), (131, 67)] {
            let format = PixelFormat::Gray8;
            let case = Case::new("threshold", &given, size, format, Agreement::Exact);
            cases.extend([case.clone(), case.on_scene()]);
        }
    }
    cases
}

fn white_balance() -> Vec<Case> {
    let mut cases = Vec::new();
    for strength in ["1", "0.5", "0"] {
        let given = [("strength", strength)];
        let on_noise = grid("white_balance", &[&given], &FEW_SIZES, Agreement::Within(1));
        let (size, format) = ((131, 67), PixelFormat::Rgb8);
        let on_scene = Case::new("white_balance", &given, size, format, Agreement::Within(1));
        cases.push(on_scene.on_scene());
        cases.extend(on_noise);
    }
    cases
}
