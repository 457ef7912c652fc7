//! Programs that tests need.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file of this crate.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a program, which has to succeed; what it wrote to its standard output.
#[track_caller]
pub(crate) fn run(command: &mut Command, input: Vec<u8>) -> Vec<u8> {
    let spawned =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| {
        panic!("{command:?}: {error}; run `make tools` for Python, install g++ for C++")
    });
    let mut stdin = child.stdin.take().unwrap();
    // A program that fails early does not read all: its exit status says why.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    output.stdout
}

/// The Python that `make tools` sets up, about to run a script of this crate.
pub(crate) fn python(script: &str) -> Command {
    let python = std::env::var_os("OCELLI_PYTHON")
        .map_or_else(|| file("../.tools/venv/bin/python"), PathBuf::from);
    let mut command = Command::new(python);
    command.arg(file(script));
    command
}
