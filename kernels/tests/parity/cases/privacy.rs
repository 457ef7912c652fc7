//! Cases of the family `privacy`.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, FEW_SIZES, SIZES, grid};

pub(super) fn cases() -> Vec<Case> {
    [redact(), draw()].concat()
}

/// Inside, at the edges, over each other, outside, with fractions.
const REGIONS: [&str; 4] = [
    "4 3 20 11",
    "-5 -5 9.5 8; 30 12 40 40; 2.5 1.5 3 3",
    "8 8 24 16, 16 16 32 24, 40 0 16 16",
    "-20 0 10 10; 500 500 10 10",
];

fn redact() -> Vec<Case> {
    let mut cases = Vec::new();
    for regions in REGIONS {
        for strength in ["2", "7", "16"] {
            for (mode, agreement) in
                [("blur", Agreement::Within(1)), ("pixelate", Agreement::Within(1))]
            {
                let given = [("mode", mode), ("regions", regions), ("strength", strength)];
                let sizes = if strength == "7" { &SOME[..] } else { &[(64, 48)] };
                cases.extend(grid("redact", &[&given], sizes, agreement));
            }
        }
        let given = [("mode", "fill"), ("regions", regions), ("color", "#1080f0")];
        cases.extend(grid("redact", &[&given], &SOME, Agreement::Exact));
    }
    let given = [("mode", "fill"), ("regions", "1 1 5 5"), ("color", "#10203040")];
    cases.extend(grid("redact", &[&given], &FEW_SIZES, Agreement::Exact));
    for mode in ["blur", "pixelate"] {
        let given = [("mode", mode), ("regions", "32 0 96 64"), ("strength", "32")];
        for format in PixelFormat::INTERLEAVED {
            let case = Case::new("redact", &given, (192, 128), format, Agreement::Within(1));
            cases.push(case.on_scene());
        }
    }
    cases.extend(grid("redact", &[&[]], &FEW_SIZES, Agreement::Exact));
    cases
}

/// Less than a region, odd, more than most.
const SOME: [(u32, u32); 4] = [(1, 1), (1, 9), (37, 19), (131, 67)];

/// Drawn by OpenCV to the pixel, wherever they lie.
const EXACT: [&str; 4] = [
    "box 3 2 20 11 #ff8000 1; fill 30 10 90 5 #0040ff; box -4 -4 9 9 #ffffff 1",
    "dot 20 15 9 #00ff00; circle 40 20 17 #ff0000 1; circle 2 2 5 #ffffff 1; dot 5 30 0 #ffffff",
    "polyline 1 10 20 14 #ffff00 1",
    "fill 0 0 500 500 #405060; dot 100 60 40 #ffffff; circle 9 9 1 #000000 1; dot 0 0 1 #ff00ff",
];

/// Within the image only.
const INSIDE: [&str; 3] = [
    "polyline 1 2 30 40 50 6 62 46 #00ff00 1; polygon 5 5 60 9 33 44 #ff00ff 1",
    "polyline 60 3 2 3 2 40 #ff0000 1; polyline 63 47 0 0 #ffffff 1; polyline 7 7 7 7 #ffffff 1",
    "polygon 10 1 12 46 14 1 16 46 18 1 20 46 40 45 60 44 1 43 #204060 1",
];

fn draw() -> Vec<Case> {
    let mut cases = Vec::new();
    for shapes in EXACT {
        let sizes = if shapes.contains("polyline") { &SIZES[5..] } else { &SOME };
        cases.extend(grid("draw", &[&[("shapes", shapes)]], sizes, Agreement::Exact));
    }
    for shapes in INSIDE {
        cases.extend(grid("draw", &[&[("shapes", shapes)]], &SIZES[5..], Agreement::Exact));
    }
    let own = [
        ("OpenCV moves lines that leave the image", "polyline -9 4 90 37 20 -8 #00ff00 1"),
        (
            "OpenCV's thick lines are polygons with round corners",
            "box 4 5 30 20 #ff0000 3; polyline 1 2 30 40 50 6 #00ff00 4; circle 30 20 12 #fff000 5",
        ),
        (
            "OpenCV does not mix colours",
            "fill 2 2 30 30 #ff000080; polygon 5 5 40 9 33 28 #00ff0040 6; dot 9 9 7 #0000ff20",
        ),
        (
            "OpenCV has another font",
            "box 10 10 40 30 #ff0000; label 10 9 #ffffff \"cat 0.93\"; \
             label -3 40 #00ff0090 'é;\"' #00000080",
        ),
    ];
    for (why, shapes) in own {
        cases.extend(grid("draw", &[&[("shapes", shapes)]], &SOME, Agreement::None(why)));
    }
    cases.extend(grid("draw", &[&[]], &FEW_SIZES, Agreement::Exact));
    cases
}
