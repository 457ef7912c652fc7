//! Cases of the family `effect`.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, FEW_SIZES, SIZES, grid};

pub(super) fn cases() -> Vec<Case> {
    [vignette(), pixelate(), emboss(), posterize()].concat()
}

/// The mask is OpenCV's multiply with 32-bit floats; ours has 15 bits.
fn vignette() -> Vec<Case> {
    let mut cases = grid("vignette", &[&[]], &SIZES, Agreement::Within(1));
    let given: [&[(&str, &str)]; 5] = [
        &[("strength", "0")],
        &[("strength", "1"), ("radius", "0"), ("softness", "2")],
        &[("strength", "1"), ("radius", "0.5"), ("softness", "0.01")],
        &[("strength", "0.3"), ("radius", "1")],
        &[("strength", "0.9"), ("radius", "0.2"), ("softness", "0.45")],
    ];
    let sizes = [(1, 1), (9, 1), (37, 19), (64, 48)];
    cases.extend(grid("vignette", &given, &sizes, Agreement::Within(1)));
    cases
}

/// Where the size is a multiple of the block OpenCV multiplies by a rounded 1 / area.
fn pixelate() -> Vec<Case> {
    let mut cases = Vec::new();
    for side in ["1", "2", "3", "8", "17", "256"] {
        cases.extend(grid("pixelate", &[&[("block_size", side)]], &SIZES, Agreement::Within(1)));
    }
    for side in ["2", "4", "8", "16"] {
        let given = [("block_size", side)];
        cases.extend(grid("pixelate", &[&given], &[(64, 48)], Agreement::Within(1)));
        for format in PixelFormat::INTERLEAVED {
            let case = Case::new("pixelate", &given, (160, 96), format, Agreement::Within(1));
            cases.push(case.on_scene());
        }
    }
    let (given, size) = ([("block_size", "256")], (600, 300));
    cases.push(Case::new("pixelate", &given, size, PixelFormat::Rgb8, Agreement::Within(1)));
    cases
}

fn emboss() -> Vec<Case> {
    let mut cases = Vec::new();
    for border in ["clamp", "reflect", "reflect_101", "wrap", "constant"] {
        let given = [("border_mode", border), ("strength", "2")];
        cases.extend(grid("emboss", &[&given], &SIZES, Agreement::Exact));
    }
    let directions =
        ["top", "top_right", "right", "bottom_right", "bottom", "bottom_left", "left", "top_left"];
    for direction in directions {
        for strength in ["1", "10"] {
            let given = [("direction", direction), ("strength", strength)];
            cases.extend(grid("emboss", &[&given], &FEW_SIZES, Agreement::Exact));
        }
    }
    let size = (200, 150);
    cases.push(Case::new("emboss", &[], size, PixelFormat::Rgb8, Agreement::Exact).on_scene());
    cases
}

fn posterize() -> Vec<Case> {
    let mut cases = grid("posterize", &[&[]], &SIZES, Agreement::Exact);
    for levels in ["2", "3", "5", "16", "200", "256"] {
        cases.extend(grid("posterize", &[&[("levels", levels)]], &FEW_SIZES, Agreement::Exact));
    }
    cases
}
