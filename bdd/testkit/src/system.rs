//! The program under test as a child process.

use std::{
    ffi::OsStr,
    fs,
    net::SocketAddr,
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

use crate::patiently;

/// A command that runs a program without the `OCELLI_` settings of whoever runs the tests. Its
/// process is killed when its handle is dropped.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("OCELLI_") && text != ocelli_nats_server::BINARY_VARIABLE {
            command.env_remove(&name);
        }
    }
    command.kill_on_drop(true);
    command
}

/// Where a process listens, as its `ready` line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The gateway's address.
    pub http: Option<SocketAddr>,
    /// The address of health, metrics and debugging.
    pub admin: Option<SocketAddr>,
    /// The broker's URL, such as `nats://127.0.0.1:4222`.
    pub nats: Option<String>,
}

impl Ready {
    fn parse(line: &str) -> Option<Self> {
        let mut ready = Self::default();
        for word in line.strip_prefix("ready")?.split_whitespace() {
            match word.split_once('=')? {
                ("http", address) => ready.http = Some(address.parse().ok()?),
                ("admin", address) => ready.admin = Some(address.parse().ok()?),
                ("nats", url) => ready.nats = Some(url.to_owned()),
                _ => {}
            }
        }
        Some(ready)
    }

    /// The gateway's address.
    ///
    /// # Errors
    /// If the process has no gateway.
    pub fn http(&self) -> Result<SocketAddr> {
        self.http.with_context(|| format!("no http address in {self:?}"))
    }

    /// The address of health, metrics and debugging.
    ///
    /// # Errors
    /// If the process named none.
    pub fn admin(&self) -> Result<SocketAddr> {
        self.admin.with_context(|| format!("no admin address in {self:?}"))
    }

    /// The broker's URL.
    ///
    /// # Errors
    /// If the process named none.
    pub fn nats(&self) -> Result<&str> {
        self.nats.as_deref().with_context(|| format!("no URL of a broker in {self:?}"))
    }
}

/// A running `ocelli`, or a program that is built from the same parts. It is killed when this is
/// dropped.
#[derive(Debug)]
pub struct System {
    child: Child,
    pid: u32,
    ready: Ready,
    log: PathBuf,
    /// Holds the log and what `--data` names.
    _directory: TempDir,
}

impl System {
    /// Runs `up`, which is all services and a broker, on free ports.
    ///
    /// # Errors
    /// If the program does not start or is not ready within the limit of patience; the text ends
    /// with its log.
    pub async fn up(command: Command) -> Result<Self> {
        let directory = directory()?;
        let data = directory.path().join("data");
        Self::up_with(command, directory, &data).await
    }

    /// As [`System::up`], with the program's files in that folder, which outlives it.
    ///
    /// # Errors
    /// As [`System::up`].
    pub async fn up_in(command: Command, data: &Path) -> Result<Self> {
        Self::up_with(command, directory()?, data).await
    }

    async fn up_with(mut command: Command, directory: TempDir, data: &Path) -> Result<Self> {
        command
            .args(["up", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--nats-port", "0"])
            .arg("--data")
            .arg(data);
        let system = Self::start(command, directory).await?;
        system.ready.http()?;
        system.ready.admin()?;
        system.ready.nats()?;
        Ok(system)
    }

    /// Runs one service on free ports, with the broker at that URL.
    ///
    /// # Errors
    /// As [`System::up`].
    pub async fn run(mut command: Command, service: &str, nats: &str) -> Result<Self> {
        command.args(["run", service, "--nats", nats, "--admin", "127.0.0.1:0"]);
        if service == "ingest" {
            command.args(["--http", "127.0.0.1:0"]);
        }
        Self::start(command, directory()?).await
    }

    async fn start(mut command: Command, directory: TempDir) -> Result<Self> {
        let log = directory.path().join("ocelli.log");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?)
            .kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        let pid = child.id().context("it ended at once")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut system = Self { child, pid, ready: Ready::default(), log, _directory: directory };
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
        system.ready = ready.with_context(|| format!("{command:?}: {}", system.log_tail()))?;
        // A pipe that nobody empties would stop the program.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(system)
    }

    /// Where it listens.
    #[must_use]
    pub const fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The last lines of its log, for a failure message.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = self.log();
        let lines: Vec<_> = text.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// If it has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        // Until it was waited for, the id cannot belong to another process.
        ensure!(self.child.id().is_some(), "the process has ended already");
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).context("no process id")?;
        kill_process(pid, signal).with_context(|| format!("signal {signal:?} to {}", self.pid))
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// If it runs for longer than the limit of patience; the text ends with its log.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let ended = patiently("the end of the process", self.child.wait()).await;
        Ok(ended.with_context(|| self.log_tail())??)
    }

    /// Asks it to stop with SIGTERM, and waits until it has.
    ///
    /// # Errors
    /// If it does not end in time, or with another exit code than 0.
    pub async fn stop(mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let status = self.ended().await?;
        ensure!(status.success(), "{status} after SIGTERM: {}", self.log_tail());
        Ok(())
    }
}

fn directory() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("ocelli-test-").tempdir()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that ignores how it is called.
    fn shell(script: &str) -> Command {
        let mut command = command("sh");
        command.args(["-c", script, "sh"]);
        command
    }

    #[tokio::test]
    async fn the_ready_line_says_where_it_listens() {
        let line = "ready http=127.0.0.1:1 admin=127.0.0.1:2 nats=nats://127.0.0.1:3 gpu=none";
        let script =
            format!("trap 'exit 0' TERM; echo starting; echo {line}; while :; do sleep 0.01; done");
        let system = System::up(shell(&script)).await.unwrap();
        let ready = system.ready();
        assert_eq!(ready.http().unwrap().port(), 1);
        assert_eq!(ready.admin().unwrap().port(), 2);
        assert_eq!(ready.nats().unwrap(), "nats://127.0.0.1:3");
        system.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_program_that_is_never_ready_is_an_error_with_its_log() {
        let error = System::up(shell("echo no GPU here >&2")).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("no GPU here") && error.contains("without a ready line"), "{error}");
        let error = System::up(shell("echo ready http=127.0.0.1:1")).await.unwrap_err();
        assert!(error.to_string().contains("no admin address"), "{error}");
        let error =
            System::run(command("/nowhere/ocelli"), "ingest", "nats://x").await.unwrap_err();
        assert!(error.to_string().contains("/nowhere/ocelli"), "{error}");
    }
}
