//! Cases of the family `blur`.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, FEW_SIZES, SIZES, grid};

const BORDERS: [&str; 5] = ["clamp", "reflect", "reflect_101", "wrap", "constant"];

pub(super) fn cases() -> Vec<Case> {
    [gaussian(), boxes(), medians(), bilateral(), motion()].concat()
}

fn gaussian() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in BORDERS {
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
    for (taps, sigma) in
        [("33", "0"), ("51", "1"), ("51", "8.3"), ("101", "0"), ("151", "100"), ("255", "0")]
    {
        for border in BORDERS {
            let given = [("border_mode", border), ("kernel_size", taps), ("sigma", sigma)];
            cases.extend(grid("blur", &[&given], &[(37, 19)], Agreement::Exact));
        }
        let given = [("kernel_size", taps), ("sigma", sigma)];
        cases.extend(grid("blur", &[&given], &[(300, 21)], Agreement::Exact));
    }
    cases
}

fn boxes() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in BORDERS {
        for side in ["1", "3", "5", "9", "15", "17", "63"] {
            let given = [("border_mode", border), ("kernel_size", side)];
            let sizes = [(1, 9), (37, 19), (131, 67)];
            cases.extend(grid("box_blur", &[&given], &sizes, Agreement::Exact));
        }
        let given = [("border_mode", border), ("kernel_size", "255")];
        cases.extend(grid("box_blur", &[&given], &[(37, 19), (300, 21)], Agreement::Exact));
    }
    cases
}

fn medians() -> Vec<Case> {
    let mut cases = Vec::new();
    for side in ["1", "3", "5"] {
        cases.extend(grid("median", &[&[("kernel_size", side)]], &SIZES, Agreement::Exact));
    }
    for side in ["7", "9", "15", "31", "101", "255"] {
        let given = [("kernel_size", side)];
        let sizes = [(1, 9), (37, 19), (131, 67)];
        let sizes = if side.len() < 3 { &sizes[..] } else { &sizes[..2] };
        cases.extend(grid("median", &[&given], sizes, Agreement::Exact));
        let scene = Case::new("median", &given, (90, 40), PixelFormat::Rgb8, Agreement::Exact);
        cases.push(scene.on_scene());
    }
    cases
}

fn bilateral() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in BORDERS {
        for (diameter, color, space) in
            [("3", "75", "75"), ("9", "75", "75"), ("5", "10", "1.5"), ("15", "200", "5")]
        {
            let given = [
                ("border_mode", border),
                ("diameter", diameter),
                ("sigma_color", color),
                ("sigma_space", space),
            ];
            cases.extend(grid("bilateral", &[&given], &FEW_SIZES, Agreement::Within(1)));
        }
        let given = [("border_mode", border)];
        for case in grid("bilateral", &[&given], &[(131, 67)], Agreement::Within(1)) {
            cases.push(case.on_scene());
        }
    }
    for (color, space) in [("0.1", "0.1"), ("500", "500"), ("1", "30"), ("40", "30")] {
        let given = [("diameter", "51"), ("sigma_color", color), ("sigma_space", space)];
        cases.extend(grid("bilateral", &[&given], &[(37, 19)], Agreement::Within(1)));
    }
    cases
}

fn motion() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in BORDERS {
        for (length, angle) in [
            ("1", "30"),
            ("15", "0"),
            ("15", "90"),
            ("15", "45"),
            ("3", "22.5"),
            ("21", "-160"),
            ("61", "100"),
        ] {
            let agreement =
                if ["0", "90"].contains(&angle) { Agreement::Exact } else { Agreement::Within(1) };
            let given = [("border_mode", border), ("length", length), ("angle", angle)];
            let sizes = [(1, 9), (37, 19), (131, 67)];
            cases.extend(grid("motion_blur", &[&given], &sizes, agreement));
        }
    }
    for angle in (0..360).step_by(15) {
        let angle = angle.to_string();
        for length in ["7", "101"] {
            let given = [("length", length), ("angle", &angle)];
            let format = PixelFormat::Rgb8;
            cases.push(Case::new("motion_blur", &given, (40, 30), format, Agreement::Within(1)));
        }
    }
    cases
}
