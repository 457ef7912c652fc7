//! Every CUDA file compiles for every architecture, and has the kernels that operations launch.
use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::{host_shim, tools};

#[test]
fn every_kernel_compiles_for_every_architecture() {
    let files: Vec<PathBuf> = std::fs::read_dir(tools::file("cuda"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cu"))
        .collect();
    let answer =
        tools::run(tools::python("tests/parity/nvrtc_compile.py").args(&files), Vec::new());
    let answer = String::from_utf8(answer).unwrap();
    let lines: Vec<Vec<&str>> = answer.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines.len(), files.len() * 7, "{answer}");
    for line in lines {
        // Drivers of CUDA 13.0 take PTX up to 9.0.
        assert_eq!(line[2], "9.0", "{line:?}");
        assert!(line[4].parse::<usize>().unwrap() > 300, "{line:?}");
        let text = std::fs::read_to_string(tools::file("cuda").join(line[0])).unwrap();
        let compiled: BTreeSet<&str> = line[3].split(',').filter(|name| !name.is_empty()).collect();
        let written: BTreeSet<&str> = host_shim::kernels(&text).collect();
        assert_eq!(compiled, written, "{line:?}");
    }
}
