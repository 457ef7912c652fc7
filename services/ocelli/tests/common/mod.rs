//! What both tests need: where things are, and the program as a user starts it.
#![allow(dead_code, reason = "each test is a crate of its own and uses a part")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use ocelli_testkit::patiently;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

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

/// The program, running until this is dropped.
pub(crate) struct Running {
    /// Its process.
    pub(crate) child: Child,
    ready: String,
}

impl Running {
    /// Starts `ocelli up` on free ports, with its files in that folder.
    pub(crate) async fn up(data: &Path) -> Self {
        let mut command = ocelli();
        command
            .args(["up", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--nats-port", "0"])
            .arg("--data")
            .arg(data);
        Self::start(&mut command).await
    }

    /// Starts the program, and waits until it says that it is ready.
    pub(crate) async fn start(command: &mut Command) -> Self {
        let mut child = command
            .env("OCELLI_TELEMETRY__LOG_FILTER", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = patiently("the ready line", lines.next_line()).await.unwrap().unwrap();
        let ready = line.expect("the program ended before it was ready");
        Self { child, ready }
    }

    /// An address from the ready line: `http`, `admin` or `nats`.
    pub(crate) fn address(&self, name: &str) -> String {
        let name = format!("{name}=");
        let value = self.ready.split(' ').find_map(|word| word.strip_prefix(&name));
        value.unwrap_or_else(|| panic!("no {name} in {:?}", self.ready)).to_owned()
    }
}
