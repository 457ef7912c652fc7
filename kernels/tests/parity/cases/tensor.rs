//! Cases of the family `tensor`.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, FEW_SIZES, Given, SIZES, grid};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = normalize();
    cases.extend(planar());
    cases.extend(grid("histogram", &[&[]], &SIZES, Agreement::Exact));
    cases
}

/// Numbers up to a few units: what single precision makes of them in another order.
const SINGLE: Agreement = Agreement::Close(2e-6);
/// One step of half precision from 2 to 4.
const HALF: Agreement = Agreement::Close(0.002);

/// Of planar layouts.
fn planar() -> Vec<Case> {
    let all: [Given<'_>; 5] = [
        &[],
        &[("width", "41"), ("height", "23"), ("fit", "letterbox"), ("channel_order", "bgr")],
        &[("width", "20"), ("height", "31"), ("layout", "nhwc"), ("filter", "nearest")],
        &[("width", "32"), ("height", "24"), ("element", "f16")],
        &[("width", "150"), ("height", "70"), ("fit", "center_crop"), ("element", "u8")],
    ];
    let mut cases = Vec::new();
    for format in [PixelFormat::Nv12, PixelFormat::I420] {
        for given in all {
            for size in [(2, 2), (64, 48), (130, 66)] {
                let agreement = match given.iter().find(|(id, _)| *id == "element") {
                    Some((_, "f16")) => HALF,
                    Some(_) => Agreement::Exact,
                    None => SINGLE,
                };
                cases.push(Case::new("normalize_to_tensor", given, size, format, agreement));
            }
            for size in [(1, 1), (37, 19)] {
                let odd = "OpenCV has planar layouts of even sizes only";
                let agreement = Agreement::None(odd);
                cases.push(Case::new("normalize_to_tensor", given, size, format, agreement));
            }
        }
    }
    cases
}

fn normalize() -> Vec<Case> {
    let filter = "normalize_to_tensor";
    let mut cases = Vec::new();
    for (fit, sampling) in [
        ("stretch", "bilinear"),
        ("stretch", "nearest"),
        ("letterbox", "bilinear"),
        ("letterbox", "nearest"),
        ("center_crop", "bilinear"),
        ("center_crop", "nearest"),
    ] {
        for (width, height) in [("20", "20"), ("41", "23"), ("0", "0")] {
            for layout in ["nchw", "nhwc"] {
                for (element, agreement) in
                    [("f32", SINGLE), ("f16", HALF), ("u8", Agreement::Exact)]
                {
                    let given = [
                        ("fit", fit),
                        ("filter", sampling),
                        ("width", width),
                        ("height", height),
                        ("layout", layout),
                        ("element", element),
                    ];
                    cases.extend(grid(filter, &[&given], &FEW_SIZES, agreement));
                }
            }
        }
    }
    // A half of the size, which OpenCV makes with another filter; and all sizes.
    let half: Given<'_> = &[("width", "32"), ("height", "24")];
    cases.extend(grid(filter, &[half], &[(64, 48)], SINGLE));
    let detector: Given<'_> = &[("width", "48"), ("height", "48"), ("fit", "letterbox")];
    cases.extend(grid(filter, &[detector], &SIZES, SINGLE));
    // One number for each colour, and blue first.
    for order in ["rgb", "bgr"] {
        for layout in ["nchw", "nhwc"] {
            for format in [PixelFormat::Rgb8, PixelFormat::Rgba8] {
                let given = [
                    ("width", "33"),
                    ("height", "21"),
                    ("fit", "letterbox"),
                    ("color", "#205080"),
                    ("mean", "0.485 0.456 0.406"),
                    ("std", "0.229 0.224 0.225"),
                    ("channel_order", order),
                    ("layout", layout),
                ];
                cases.push(Case::new(filter, &given, (37, 19), format, SINGLE));
                let given = [("channel_order", order), ("layout", layout), ("element", "u8")];
                cases.push(Case::new(filter, &given, (37, 19), format, Agreement::Exact));
            }
        }
    }
    cases
}
