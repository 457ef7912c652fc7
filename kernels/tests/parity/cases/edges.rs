//! Cases of the family `edges`.

use super::{Agreement, Case, FEW_SIZES, Given, grid};

/// One and two pixels a side, odd ones, more than a tile of a GPU.
const SIZES: [(u32, u32); 6] = [(1, 1), (1, 9), (9, 2), (37, 19), (64, 33), (131, 67)];

const BORDERS: [&str; 5] = ["clamp", "reflect", "reflect_101", "wrap", "constant"];

pub(super) fn cases() -> Vec<Case> {
    [first_differences(), laplacian(), log(), canny()].concat()
}

fn first_differences() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |filter, given: Given<'_>, agreement| {
        cases.extend(grid(filter, &[given], &FEW_SIZES, agreement));
    };
    for border in BORDERS {
        for (direction, norm) in [("x", "l1"), ("y", "l1"), ("magnitude", "l1")] {
            for taps in ["1", "3", "5", "7"] {
                let given = [
                    ("border_mode", border),
                    ("direction", direction),
                    ("norm", norm),
                    ("kernel_size", taps),
                ];
                add("sobel", &given, Agreement::Exact);
            }
            let given = [("border_mode", border), ("direction", direction), ("norm", norm)];
            add("scharr", &given, Agreement::Exact);
        }
        for taps in ["1", "3", "5", "7"] {
            // OpenCV's root of floats may be off by its last bit.
            let given = [("border_mode", border), ("kernel_size", taps), ("scale", "0.1")];
            add("sobel", &given, Agreement::Within(1));
        }
        add("scharr", &[("border_mode", border)], Agreement::Within(1));
    }
    for (taps, scale) in [("1", "0.7"), ("3", "0.25"), ("5", "0.01"), ("7", "0.0015625")] {
        for direction in ["x", "y"] {
            let given = [("kernel_size", taps), ("scale", scale), ("direction", direction)];
            add("sobel", &given, Agreement::Exact);
        }
        let given = [("kernel_size", taps), ("scale", scale), ("norm", "l1")];
        add("sobel", &given, Agreement::Within(1));
    }
    cases.extend(grid("sobel", &[&[]], &SIZES, Agreement::Within(1)));
    cases.extend(grid("scharr", &[&[("norm", "l1")]], &SIZES, Agreement::Exact));
    cases
}

fn laplacian() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in BORDERS {
        for taps in ["1", "3", "5", "7"] {
            let given = [("border_mode", border), ("kernel_size", taps)];
            cases.extend(grid("laplacian", &[&given], &FEW_SIZES, Agreement::Exact));
        }
    }
    for (taps, scale) in [("1", "0.3"), ("3", "0.125"), ("5", "0.01"), ("7", "0.002")] {
        let given = [("kernel_size", taps), ("scale", scale)];
        cases.extend(grid("laplacian", &[&given], &SIZES, Agreement::Exact));
    }
    cases
}

fn log() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in BORDERS {
        for (size, sigma, taps, scale) in [
            ("5", "1", "3", "1"),
            ("1", "1", "1", "1"),
            ("9", "0", "5", "0.1"),
            ("31", "6", "7", "1"),
        ] {
            let given = [
                ("border_mode", border),
                ("kernel_size", size),
                ("sigma", sigma),
                ("laplacian_size", taps),
                ("scale", scale),
            ];
            cases.extend(grid("log", &[&given], &FEW_SIZES, Agreement::Exact));
        }
    }
    cases.extend(grid("log", &[&[]], &SIZES, Agreement::Exact));
    cases
}

fn canny() -> Vec<Case> {
    let mut cases = Vec::new();
    for l2 in ["false", "true"] {
        let apertures = [
            ("3", "50", "150"),
            ("3", "0", "0"),
            ("3", "300.5", "700"),
            ("5", "400", "2000"),
            ("7", "1000", "9000"),
        ];
        for (aperture, low, high) in apertures {
            let given = [("aperture", aperture), ("l2_gradient", l2), ("low", low), ("high", high)];
            cases.extend(grid("canny", &[&given], &SIZES, Agreement::Exact));
            let scenes = grid("canny", &[&given], &[(64, 48), (131, 67)], Agreement::Exact);
            cases.extend(scenes.into_iter().map(Case::on_scene));
        }
    }
    cases
}
