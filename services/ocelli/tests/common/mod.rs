//! What both tests need: where things are, and the program as a user starts it.
#![allow(dead_code, reason = "each test is a crate of its own and uses a part")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio::process::Command;

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A text file of the project.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The program, without the settings of whoever runs the tests.
pub(crate) fn ocelli() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_ocelli")))
}

/// A command without the settings of whoever runs the tests, which ends with its test.
pub(crate) fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("OCELLI_") && text != ocelli_nats_server::BINARY_VARIABLE {
            command.env_remove(&name);
        }
    }
    command.kill_on_drop(true);
    command
}
