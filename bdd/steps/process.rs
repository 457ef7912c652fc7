//! The program under test as a child process.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::wait::patiently;

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `OCELLI_BIN`, else the release build.
fn binary() -> Result<PathBuf> {
    let path = std::env::var_os("OCELLI_BIN")
        .map_or_else(|| root().join("target/release/ocelli"), PathBuf::from);
    let path = path
        .canonicalize()
        .with_context(|| format!("{}: no program to test; `make bdd` builds it", path.display()))?;
    Ok(path)
}

/// Where a process listens: its `ready` line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ready {
    /// `http://127.0.0.1:8000`.
    pub(crate) http: Option<String>,
    /// `http://127.0.0.1:8002`.
    pub(crate) admin: Option<String>,
    /// `nats://127.0.0.1:4222`.
    pub(crate) nats: Option<String>,
}

impl Ready {
    fn parse(line: &str) -> Option<Self> {
        let mut ready = Self::default();
        for word in line.strip_prefix("ready")?.split_whitespace() {
            match word.split_once('=')? {
                ("http", address) => ready.http = Some(format!("http://{address}")),
                ("admin", address) => ready.admin = Some(format!("http://{address}")),
                ("nats", url) => ready.nats = Some(url.to_owned()),
                _ => {}
            }
        }
        Some(ready)
    }
}

/// A running `ocelli`; killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Ocelli {
    child: Child,
    pid: u32,
    ready: Ready,
    log: PathBuf,
    /// Holds the log and what `--data` names.
    _directory: TempDir,
}

impl Ocelli {
    /// `ocelli up` on free ports.
    pub(crate) async fn up(environment: &[(String, String)]) -> Result<Self> {
        let ports = ["up", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--nats-port", "0"];
        let directory = directory()?;
        let data = directory.path().join("data");
        let arguments = ports.iter().map(OsString::from);
        let arguments = arguments.chain(["--data".into(), data.into_os_string()]).collect();
        let process = Self::start(arguments, environment, directory).await?;
        let all = [&process.ready.http, &process.ready.admin, &process.ready.nats];
        let ready = &process.ready;
        ensure!(all.iter().all(|address| address.is_some()), "not everything in {ready:?}");
        Ok(process)
    }

    /// `ocelli run <service>` on free ports, with the broker at that URL.
    pub(crate) async fn run(
        service: &str,
        nats: &str,
        environment: &[(String, String)],
    ) -> Result<Self> {
        let mut arguments = vec!["run", service, "--nats", nats, "--admin", "127.0.0.1:0"];
        if service == "ingest" {
            arguments.extend(["--http", "127.0.0.1:0"]);
        }
        let arguments = arguments.into_iter().map(OsString::from).collect();
        Self::start(arguments, environment, directory()?).await
    }

    async fn start(
        arguments: Vec<OsString>,
        environment: &[(String, String)],
        directory: TempDir,
    ) -> Result<Self> {
        let binary = binary()?;
        let log = directory.path().join("ocelli.log");
        let mut command = Command::new(&binary);
        let ours = |name: &OsString| {
            let name = name.to_string_lossy();
            name.starts_with("OCELLI_") && name != ocelli_nats_server::BINARY_VARIABLE
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        let mut child = command
            .args(&arguments)
            .envs(environment.iter().cloned())
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let pid = child.id().context("it ended at once")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut process = Self { child, pid, ready: Ready::default(), log, _directory: directory };
        let mut lines = BufReader::new(stdout).lines();
        let ready = patiently("the ready line", async {
            while let Some(line) = lines.next_line().await? {
                if let Some(ready) = Ready::parse(&line) {
                    return Ok(ready);
                }
            }
            Err(anyhow!("it ended without a ready line"))
        });
        let ready = ready.await.and_then(|ready| ready);
        process.ready =
            ready.with_context(|| format!("ocelli {arguments:?}: {}", process.log_tail()))?;
        // A pipe that nobody empties would stop the program.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(process)
    }

    /// Where it listens.
    pub(crate) const fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Its process id.
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// The end of its log, for a failure message.
    pub(crate) fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Sends it that signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        // Until it was waited for, the id cannot belong to another process.
        ensure!(self.child.id().is_some(), "the process has ended already");
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).context("no process id")?;
        kill_process(pid, signal).with_context(|| format!("signal {signal:?} to {}", self.pid))
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        let ended = patiently("the end of the process", self.child.wait()).await;
        Ok(ended.with_context(|| self.log_tail())??)
    }

    /// Asks it to stop; it must end with exit code 0.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let status = self.ended().await?;
        ensure!(status.success(), "{status} after SIGTERM: {}", self.log_tail());
        Ok(())
    }
}

fn directory() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("ocelli-bdd-").tempdir()?)
}
