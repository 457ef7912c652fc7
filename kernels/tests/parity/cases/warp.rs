//! Cases of the family `geometry` that go through a matrix.

use ocelli_kernels::PixelFormat;

use super::{Agreement, Case, SIZES, grid};

const FILTERS: [&str; 3] = ["nearest", "bilinear", "bicubic"];
const BORDERS: [&str; 5] = ["clamp", "reflect", "reflect_101", "wrap", "constant"];

/// Moved; turned by 30 and by -7 degrees; made larger and sheared; mirrored; far away.
const AFFINE: [&str; 6] = [
    "1 0 3.3 0 1 -2.6",
    "0.866 0.5 -10 -0.5 0.866 12",
    "0.99255 -0.12187 5 0.12187 0.99255 -3",
    "1.7 0.2 -5 -0.1 2.3 4",
    "-1 0 36 0 1 0",
    "0.01 0.5 4000 0.3 -0.02 -90000",
];

/// Tilted; turned and tilted; with a horizon in the image.
const PERSPECTIVE: [&str; 3] = [
    "1 0.1 2 0.05 1.1 -3 0.001 0.002 1",
    "0.8 -0.3 9 0.2 0.9 1 -0.003 0.004 1.2",
    "1 0 0 0 1 0 0.05 0.03 -0.9",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (filter, matrices) in [("warp_affine", &AFFINE[..]), ("warp_perspective", &PERSPECTIVE)] {
        for matrix in matrices {
            for sampling in FILTERS {
                for border in BORDERS {
                    let given = [
                        ("matrix", *matrix),
                        ("filter", sampling),
                        ("border_mode", border),
                        ("color", "#40a0f080"),
                    ];
                    cases.extend(grid(filter, &[&given], &SIZES, Agreement::Exact));
                }
            }
        }
        // Another size; and the parameters that hold when none is given.
        let given = [("matrix", matrices[0]), ("width", "50"), ("height", "33")];
        cases.extend(grid(filter, &[&given, &[]], &SIZES, Agreement::Exact));
        // Most of it from the inside.
        for sampling in FILTERS {
            let given = [("matrix", matrices[1]), ("filter", sampling)];
            for format in PixelFormat::INTERLEAVED {
                cases.push(Case::new(filter, &given, (403, 305), format, Agreement::Exact));
            }
        }
    }
    cases
}
