//! Where the `nats-server` program is.

use std::path::{Path, PathBuf};

use crate::ServerError;

/// Names the program; it goes before every other place.
pub const BINARY_VARIABLE: &str = "OCELLI_NATS_SERVER";

/// Where `make tools` puts it, seen from the root of the project.
const FETCHED: &str = ".tools/bin/nats-server";

/// Finds the program: [`BINARY_VARIABLE`], `.tools/bin` of the directory `start` or one above it,
/// `.tools/bin` beside the running program or above it, then `PATH`.
///
/// # Errors
/// Says where it looked.
pub fn find_binary(start: &Path) -> Result<PathBuf, ServerError> {
    if let Some(named) = std::env::var_os(BINARY_VARIABLE) {
        let named = PathBuf::from(named);
        return if named.is_file() {
            Ok(named)
        } else {
            Err(ServerError::Missing(format!("{BINARY_VARIABLE}={}: no file", named.display())))
        };
    }
    let program = std::env::current_exe().unwrap_or_default();
    let fetched = start.ancestors().chain(program.ancestors()).map(|dir| dir.join(FETCHED));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|dir| dir.join("nats-server"));
    fetched.chain(installed).find(|candidate| candidate.is_file()).ok_or_else(|| {
        ServerError::Missing(format!(
            "no {FETCHED} in {} or above, none on the PATH; run `make tools`, install nats-server, \
             or set {BINARY_VARIABLE}",
            start.display()
        ))
    })
}
