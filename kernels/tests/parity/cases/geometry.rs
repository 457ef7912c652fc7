//! Cases of the family `geometry`.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, Given, SIZES, grid};

pub(super) fn cases() -> Vec<Case> {
    [crop(), pad(), flip(), rotate(), resize(), letterbox(), nv12()].concat()
}

fn crop() -> Vec<Case> {
    let small: [Given<'_>; 2] = [&[], &[("width", "1"), ("height", "1")]];
    let large: [Given<'_>; 4] = [
        &[("x", "7"), ("y", "5"), ("width", "13"), ("height", "9")],
        &[("x", "4"), ("width", "20")],
        &[("x", "36"), ("y", "18")],
        &[("y", "3"), ("height", "16")],
    ];
    [
        grid("crop", &small, &SIZES, Agreement::Exact),
        grid("crop", &large, &[(37, 19), (64, 48), (131, 67)], Agreement::Exact),
    ]
    .concat()
}

fn pad() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in ["clamp", "replicate", "reflect", "reflect_101", "wrap", "constant"] {
        let one = [("border_mode", border), ("left", "3"), ("color", "#ff8040c0")];
        let all = [
            ("border_mode", border),
            ("top", "5"),
            ("bottom", "11"),
            ("left", "17"),
            ("right", "2"),
            ("color", "#102030"),
        ];
        cases.extend(grid("pad", &[&one, &all], &SIZES, Agreement::Exact));
    }
    cases
}

fn flip() -> Vec<Case> {
    let directions: [Given<'_>; 3] =
        [&[("direction", "horizontal")], &[("direction", "vertical")], &[("direction", "both")]];
    grid("flip", &directions, &SIZES, Agreement::Exact)
}

fn rotate() -> Vec<Case> {
    let angles: [Given<'_>; 6] = [
        &[("angle", "90")],
        &[("angle", "180")],
        &[("angle", "270")],
        &[("angle", "-90")],
        &[("angle", "0")],
        &[("angle", "180"), ("expand", "false")],
    ];
    grid("rotate", &angles, &SIZES, Agreement::Exact)
}

/// Enlarged, shrunk, both; by whole numbers and others.
const TARGETS: [((u32, u32), &str, &str); 15] = [
    ((1, 1), "5", "7"),
    ((1, 9), "4", "3"),
    ((9, 1), "0", "3"),
    ((3, 4), "9", "0"),
    ((37, 19), "64", "47"),
    ((37, 19), "23", "11"),
    ((37, 19), "30", "40"),
    ((64, 48), "32", "24"),
    ((64, 48), "16", "16"),
    ((64, 48), "128", "96"),
    ((64, 48), "7", "5"),
    ((64, 48), "301", "20"),
    ((131, 67), "120", "31"),
    ((131, 67), "11", "67"),
    ((131, 67), "1", "1"),
];

fn resize() -> Vec<Case> {
    let mut cases = Vec::new();
    for filter in ["nearest", "bilinear", "bicubic", "area", "lanczos3"] {
        let agreement = match filter {
            "nearest" | "bilinear" => Agreement::Exact,
            "lanczos3" => Agreement::None("lanczos3: OpenCV has Lanczos4, which does not smooth"),
            _ => Agreement::Within(1),
        };
        for (size, width, height) in TARGETS {
            let given = [("width", width), ("height", height), ("filter", filter)];
            cases.extend(grid("resize", &[&given], &[size], agreement));
        }
        // A whole number of pixels becomes one.
        if filter == "area" {
            for (width, height) in [("32", "24"), ("16", "16"), ("64", "12"), ("1", "1")] {
                let given = [("width", width), ("height", height), ("filter", filter)];
                cases.extend(grid("resize", &[&given], &[(64, 48)], Agreement::Exact));
            }
        }
    }
    cases
}

fn letterbox() -> Vec<Case> {
    let mut cases = Vec::new();
    for (width, height) in [("64", "64"), ("33", "70"), ("5", "9")] {
        let centred = [("width", width), ("height", height)];
        let top_left = [
            ("width", width),
            ("height", height),
            ("align", "top_left"),
            ("color", "#4080c0"),
            ("filter", "nearest"),
        ];
        cases.extend(grid("letterbox", &[&centred, &top_left], &SIZES, Agreement::Exact));
        let cubic = [("width", width), ("height", height), ("filter", "bicubic")];
        cases.extend(grid("letterbox", &[&cubic], &SIZES, Agreement::Within(1)));
    }
    cases
}

/// OpenCV does one plane after the other, too: the script does so.
fn nv12() -> Vec<Case> {
    let all: [(&'static str, Given<'_>, Agreement); 9] = [
        ("flip", &[("direction", "both")], Agreement::Exact),
        ("flip", &[("direction", "vertical")], Agreement::Exact),
        ("crop", &[("x", "2"), ("width", "7")], Agreement::Exact),
        ("crop", &[("y", "2"), ("height", "3")], Agreement::Exact),
        ("resize", &[("width", "21"), ("height", "13")], Agreement::Exact),
        ("resize", &[("width", "50"), ("height", "61")], Agreement::Exact),
        ("resize", &[("width", "8"), ("filter", "nearest")], Agreement::Exact),
        ("resize", &[("width", "30"), ("filter", "bicubic")], Agreement::Within(1)),
        ("resize", &[("width", "12"), ("filter", "area")], Agreement::Within(1)),
    ];
    let mut cases = Vec::new();
    for (filter, given, agreement) in all {
        for size in [(9, 6), (37, 19), (64, 48)] {
            cases.push(Case::new(filter, given, size, PixelFormat::Nv12, agreement));
        }
    }
    cases
}
