//! The program under test.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::process::Command;

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The program that `OCELLI_BIN` names, else the release build, in this environment.
pub(crate) fn ocelli(environment: &[(String, String)]) -> Result<Command> {
    let path = std::env::var_os("OCELLI_BIN")
        .map_or_else(|| root().join("target/release/ocelli"), PathBuf::from);
    let path = path
        .canonicalize()
        .with_context(|| format!("{}: no program to test; `make bdd` builds it", path.display()))?;
    let mut command = ocelli_testkit::command(path);
    command.envs(environment.iter().cloned()).current_dir(root());
    Ok(command)
}
