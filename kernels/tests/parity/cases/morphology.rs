//! Cases of the family `morphology`.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, grid};

const FILTERS: [&str; 7] = ["erode", "dilate", "open", "close", "gradient", "top_hat", "black_hat"];

const BORDERS: [&str; 6] = ["ignore", "replicate", "reflect", "reflect_101", "wrap", "constant"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for filter in FILTERS {
        // The others are made of these.
        let all_borders = matches!(filter, "erode" | "open" | "gradient");
        for shape in ["rect", "cross", "ellipse"] {
            for border in BORDERS.into_iter().take(if all_borders { 6 } else { 1 }) {
                let given = [("shape", shape), ("border_mode", border)];
                cases.extend(grid(filter, &[&given], &[(7, 3)], Agreement::Exact));
                let given = [&given[..], &[("kernel_size", "5"), ("iterations", "2")]].concat();
                let (size, format) = ((37, 19), PixelFormat::Rgb8);
                cases.push(Case::new(filter, &given, size, format, Agreement::Exact));
            }
            for kernel_size in ["1", "3", "7", "15", "31", "63"] {
                let given = [("shape", shape), ("kernel_size", kernel_size)];
                let (size, format) = ((131, 67), PixelFormat::Rgba8);
                cases.push(Case::new(filter, &given, size, format, Agreement::Exact));
            }
        }
    }
    for filter in FILTERS {
        cases.extend(grid(filter, &[&[]], &[(1, 1), (1, 9), (9, 1)], Agreement::Exact));
    }
    // Large windows that a GPU can be played with in little time. Noise would be black or white
    // whatever the window.
    for (filter, shape) in [("erode", "rect"), ("dilate", "ellipse"), ("erode", "cross")] {
        let given = [("shape", shape), ("kernel_size", "31")];
        let (size, format) = ((45, 21), PixelFormat::Rgba8);
        cases.push(Case::new(filter, &given, size, format, Agreement::Exact).on_scene());
    }
    cases
}
