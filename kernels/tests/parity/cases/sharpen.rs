//! Cases of the family `sharpen`.

use super::{Agreement, Case, FEW_SIZES, grid};

const BORDERS: [&str; 5] = ["clamp", "reflect", "reflect_101", "wrap", "constant"];

/// More than a tile of a GPU, odd.
const LARGE: [(u32, u32); 2] = [(64, 33), (131, 67)];

const SHARPEN: &str = "0 -1 0 -1 5 -1 0 -1 0";
const EMBOSS: &str = "-2 -1 0 -1 1 1 0 1 2";
const BOX: &str = "1 1 1 1 1 1 1 1 1";
const BINOMIAL: &str = "1 4 6 4 1 4 16 24 16 4 6 24 36 24 6 4 16 24 16 4 1 4 6 4 1";
const LARGE_NUMBERS: &str = "100 -300 70 -9000 10000 -400 31 5 -7";
const FRACTIONS: &str = "0.1 0.25 -0.3 0.11 0.7 0.013 -0.2 0.4 0.05";

pub(super) fn cases() -> Vec<Case> {
    [unsharp_mask(), high_pass(), convolution()].concat()
}

fn unsharp_mask() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in BORDERS {
        for (taps, sigma, amount) in
            [("1", "1", "1"), ("5", "1.1", "0.37"), ("9", "0", "1.5"), ("31", "6", "10")]
        {
            let given = [
                ("border_mode", border),
                ("kernel_size", taps),
                ("sigma", sigma),
                ("amount", amount),
            ];
            cases.extend(grid("unsharp_mask", &[&given], &FEW_SIZES, Agreement::Within(1)));
        }
    }
    cases.extend(grid("unsharp_mask", &[&[]], &LARGE, Agreement::Within(1)));
    let without = Agreement::None("OpenCV has no threshold there");
    let thresholds = [("threshold", "9"), ("threshold", "255")];
    for threshold in thresholds {
        cases.extend(grid("unsharp_mask", &[&[threshold]], &FEW_SIZES, without));
    }
    cases
}

fn high_pass() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in BORDERS {
        for (taps, sigma) in [("1", "1"), ("5", "1.1"), ("9", "0"), ("31", "6")] {
            let given = [("border_mode", border), ("kernel_size", taps), ("sigma", sigma)];
            cases.extend(grid("high_pass", &[&given], &FEW_SIZES, Agreement::Exact));
        }
    }
    cases.extend(grid("high_pass", &[&[]], &LARGE, Agreement::Exact));
    cases
}

fn convolution() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in BORDERS {
        for kernel in [SHARPEN, EMBOSS, BINOMIAL, LARGE_NUMBERS] {
            let given = [("border_mode", border), ("kernel", kernel), ("divisor", "1")];
            cases.extend(grid("convolution", &[&given], &FEW_SIZES, Agreement::Exact));
        }
        for (kernel, offset) in [(BOX, "0.5"), (BINOMIAL, "-3"), (FRACTIONS, "7.25")] {
            let given = [("border_mode", border), ("kernel", kernel), ("offset", offset)];
            cases.extend(grid("convolution", &[&given], &FEW_SIZES, Agreement::Within(1)));
        }
        let wide = ["1 2 3 -2 1", "0.3 -0.1 0.8 0.2 0.1", "1 0 0 0 0 0 1", "3"];
        for (kernel, columns) in wide.into_iter().zip(["5", "1", "7", "1"]) {
            let given = [
                ("border_mode", border),
                ("kernel", kernel),
                ("width", columns),
                ("divisor", "-2.5"),
                ("offset", "255"),
            ];
            cases.extend(grid("convolution", &[&given], &FEW_SIZES, Agreement::Within(1)));
        }
    }
    for kernel in [SHARPEN, BINOMIAL] {
        let given = [("kernel", kernel), ("divisor", "1"), ("offset", "-11")];
        cases.extend(grid("convolution", &[&given], &LARGE, Agreement::Exact));
    }
    // As many numbers as there can be, in a square and in a line.
    let most: Vec<String> = (0..225).map(|at| (at * 37 % 19 - 8).to_string()).collect();
    for columns in ["15", "225", "1", "75"] {
        let given = [("kernel", most.join(" ")), ("width", columns.to_owned())];
        let given = given.each_ref().map(|(key, value)| (*key, value.as_str()));
        let given = [given[0], given[1], ("divisor", "300"), ("offset", "90")];
        cases.extend(grid("convolution", &[&given], &[(37, 19)], Agreement::Within(1)));
    }
    cases
}
