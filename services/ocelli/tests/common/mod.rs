//! What these tests share: where things are, and the program as a user starts it.
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
    ocelli_testkit::command(env!("CARGO_BIN_EXE_ocelli"))
}

/// Asks for a page over HTTP.
pub(crate) async fn get(url: &str) -> reqwest::Result<reqwest::Response> {
    // The client wants one even for plain HTTP. Another test of this process may have installed it.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::get(url).await
}
