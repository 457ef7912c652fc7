//! Operations against OpenCV, against themselves on other vector instructions, threads and
//! layouts, and their CUDA kernels against the CPU.
#![allow(clippy::print_stdout, reason = "tables of what was compared")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cases;
mod chains;
mod generated;
mod host_shim;
mod levels;
mod nvrtc;
mod opencv;
mod tools;
