//! Cases of the family `colour` that look at the whole image, or change its layout.

use ocelli_kernels::PixelFormat::{self, Gray8, I420, Nv12, Rgb8, Rgba8};

use super::{Agreement, Case, SIZES, grid};

/// OpenCV has planar layouts of even sizes only.
const EVEN: [(u32, u32); 4] = [(2, 2), (6, 4), (64, 48), (130, 66)];

pub(super) fn cases() -> Vec<Case> {
    [color_convert(), grayscale(), equalize(), clahe(), adaptive_threshold()].concat()
}

const SPACES: [&str; 6] = ["rgb", "bgr", "hsv", "hsv_full", "lab", "ycbcr"];

fn color_convert() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add =
        |from: &str, to: &str, more: &[(&str, &str)], sizes: &[(u32, u32)], format, how| {
            let given = [&[("from", from), ("to", to)], more].concat();
            let all =
                sizes.iter().map(|size| Case::new("color_convert", &given, *size, format, how));
            cases.extend(all);
        };
    let odd = [(1, 1), (9, 1), (37, 19)];
    // Many colours; and few pixels, of everything.
    for space in SPACES {
        add("auto", space, &[], &[(600, 400)], Rgb8, Agreement::Exact);
        add(space, "rgb", &[], &[(600, 400)], Rgb8, Agreement::Within(1));
    }
    for from in SPACES {
        let way = if from.starts_with("hsv") { Agreement::Within(1) } else { Agreement::Exact };
        add(from, "gray", &[], &odd[1..], Rgb8, way);
        add(from, "gray", &[], &odd[2..], Rgba8, way);
        for to in SPACES {
            let between = "a level more or less in between may be many after it";
            let way = match (from, to) {
                (a, b) if a == b => Agreement::Exact,
                ("hsv" | "hsv_full", to) if to != "rgb" && to != "bgr" => Agreement::None(between),
                _ => way,
            };
            add(from, to, &[], &odd, Rgb8, way);
            add(from, to, &[], &odd[1..], Rgba8, way);
        }
    }
    for to in ["rgb", "bgr", "gray", "hsv", "lab", "ycbcr"] {
        add("gray", to, &[], &odd, Gray8, Agreement::Exact);
    }
    planar(&mut add);
    cases
}

type Add<'a> =
    &'a mut dyn FnMut(&str, &str, &[(&str, &str)], &[(u32, u32)], PixelFormat, Agreement);

fn planar(add: Add<'_>) {
    let odd = "OpenCV has planar layouts of even sizes only";
    let odd_sizes = [(1, 1), (1, 9), (9, 1), (37, 19), (131, 67)];
    for format in [Nv12, I420] {
        for to in ["rgb", "bgr", "hsv", "lab", "ycbcr"] {
            add("auto", to, &[], &EVEN, format, Agreement::Exact);
            add("auto", to, &[], &odd_sizes, format, Agreement::None(odd));
        }
        add("auto", "rgb", &[], &[(600, 400)], format, Agreement::Exact);
        let gray = "OpenCV copies luma, and we expand its range";
        add("auto", "gray", &[], &odd_sizes, format, Agreement::None(gray));
        for to in ["nv12", "i420"] {
            let planes = "OpenCV does not rearrange planes";
            add("auto", to, &[], &odd_sizes, format, Agreement::None(planes));
            add("auto", to, &[], &EVEN, format, Agreement::None(planes));
        }
    }
    for to in ["nv12", "i420"] {
        add("auto", to, &[], &[(600, 400)], Rgb8, Agreement::Exact);
        for from in SPACES {
            let way = if from.starts_with("hsv") { Agreement::Within(1) } else { Agreement::Exact };
            add(from, to, &[], &EVEN, Rgb8, way);
            add(from, to, &[], &odd_sizes, Rgb8, Agreement::None(odd));
        }
        add("auto", to, &[], &EVEN, Rgba8, Agreement::Exact);
        add("auto", to, &[], &odd_sizes, Rgba8, Agreement::None(odd));
        add("auto", to, &[], &EVEN, Gray8, Agreement::Exact);
        add("auto", to, &[], &odd_sizes, Gray8, Agreement::None(odd));
    }
    let other = "OpenCV has only limited range for planes, only full range between, only bt601";
    for more in [
        [("range", "full"), ("matrix", "bt601")],
        [("range", "full"), ("matrix", "bt709")],
        [("range", "limited"), ("matrix", "bt601")],
        [("range", "limited"), ("matrix", "bt709")],
    ] {
        let sizes = [(9, 1), (37, 19)];
        add("auto", "ycbcr", &more, &sizes, Rgb8, Agreement::None(other));
        add("ycbcr", "rgb", &more, &sizes, Rgba8, Agreement::None(other));
        for format in [Nv12, I420] {
            add("auto", "rgb", &more, &sizes, format, Agreement::None(other));
            add("auto", "gray", &more, &sizes, format, Agreement::None(other));
        }
        add("auto", "nv12", &more, &sizes, Rgb8, Agreement::None(other));
    }
}

/// Of planar layouts.
fn grayscale() -> Vec<Case> {
    let copies = Agreement::None("OpenCV copies luma, and we expand its range");
    let mut cases = Vec::new();
    for format in [Nv12, I420] {
        for size in SIZES {
            for algorithm in ["bt601", "bt709", "lightness"] {
                let given = [("algorithm", algorithm)];
                cases.push(Case::new("grayscale", &given, size, format, copies));
            }
        }
    }
    cases
}

fn equalize() -> Vec<Case> {
    let mut cases = grid("equalize", &[&[]], &SIZES, Agreement::Exact);
    for format in PixelFormat::INTERLEAVED {
        for size in [(63, 47), (300, 200)] {
            cases.push(Case::new("equalize", &[], size, format, Agreement::Exact).on_scene());
        }
    }
    cases
}

fn clahe() -> Vec<Case> {
    let mut cases = Vec::new();
    // Each tile is a block of threads, which takes long where a GPU is only played.
    let few: &[(u32, u32)] = &[(1, 1), (9, 1), (37, 19)];
    let large: &[(u32, u32)] = &[(131, 67), (128, 72)];
    for (clip, across, down, sizes) in [
        ("2", "8", "8", large),
        ("0", "3", "2", few),
        ("40", "1", "1", &SIZES[..6]),
        ("1.5", "2", "3", few),
        ("1.5", "5", "7", large),
        ("3", "64", "1", large),
    ] {
        let given = [("clip_limit", clip), ("tiles_x", across), ("tiles_y", down)];
        cases.extend(grid("clahe", &[&given], sizes, Agreement::Exact));
        for format in PixelFormat::INTERLEAVED {
            let case = Case::new("clahe", &given, (311, 200), format, Agreement::Exact);
            cases.push(case.on_scene());
        }
    }
    cases
}

fn adaptive_threshold() -> Vec<Case> {
    let sizes = [(1, 1), (1, 9), (9, 1), (37, 19), (131, 67)];
    let mut cases = Vec::new();
    for method in ["mean", "gaussian"] {
        let agreement = match method {
            "mean" => Agreement::Exact,
            // Single pixels: see the definition's notes.
            _ => Agreement::Mostly { levels: 0, except: 0.0005 },
        };
        for (size, c, mode, most) in [
            ("3", "0", "binary", "255"),
            ("5", "-3.5", "binary_inverse", "200"),
            ("11", "2", "binary", "255"),
            ("9", "2.3", "binary_inverse", "1"),
            ("17", "7", "binary", "128"),
            ("101", "0", "binary", "255"),
            ("31", "255", "binary", "255"),
        ] {
            let given = [
                ("method", method),
                ("block_size", size),
                ("c", c),
                ("mode", mode),
                ("max_value", most),
            ];
            cases.extend(grid("adaptive_threshold", &[&given], &sizes, agreement));
            let case = Case::new("adaptive_threshold", &given, (311, 200), Gray8, agreement);
            cases.push(case.on_scene());
        }
    }
    cases
}
