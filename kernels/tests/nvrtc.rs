//! Every CUDA file compiles for every architecture, and has the kernels that operations launch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod tools;

use std::collections::BTreeSet;
use std::path::PathBuf;

#[test]
fn every_kernel_compiles_for_every_architecture() {
    let files: Vec<PathBuf> = std::fs::read_dir(tools::file("cuda"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cu"))
        .collect();
    let answer = tools::run(tools::python("nvrtc_compile.py").args(&files), Vec::new());
    let answer = String::from_utf8(answer).unwrap();
    let lines: Vec<Vec<&str>> = answer.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines.len(), files.len() * 7, "{answer}");
    let mut kernels = BTreeSet::new();
    for line in lines {
        // Drivers of CUDA 13.0 take PTX up to 9.0.
        assert_eq!(line[2], "9.0", "{line:?}");
        assert!(line[4].parse::<usize>().unwrap() > 1000, "{line:?}");
        kernels.extend(line[3].split(',').map(str::to_owned));
    }
    let launched =
        ["blur_direct", "blur_separable", "grayscale_gray", "grayscale_rgb", "grayscale_rgba"];
    assert!(kernels.iter().eq(&launched), "{kernels:?}");
}
