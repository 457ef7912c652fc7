//! Operations against OpenCV, against themselves on other vector instructions, threads and
//! layouts, and their CUDA kernels against the CPU.
#![allow(clippy::print_stdout, reason = "tables of what was compared")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

/// A test for each family of filters, which calls `check` with it.
macro_rules! families {
    ($check:ident) => { families! { $check
        colour Colour
        blur Blur
        edges Edges
        sharpen Sharpen
        morphology Morphology
        geometry Geometry
        effect Effect
        privacy Privacy
        tensor Tensor
    } };
    ($check:ident $($name:ident $family:ident)*) => { $(
        #[test]
        fn $name() {
            $check(ocelli_kernels::Family::$family);
        }
    )* };
}

mod cases;
mod chains;
mod generated;
mod host_shim;
mod levels;
mod nvrtc;
mod opencv;
mod tools;
