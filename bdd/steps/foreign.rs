//! Processes that the program under test started, seen from outside.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use ocelli_testkit::{Look, look_until};
use rustix::process::{Pid, Signal, kill_process};

/// What `/proc/<pid>/stat` says.
struct Stat {
    command: String,
    state: String,
    parent: u32,
    started: String,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command stands in brackets and may hold blanks and brackets.
    let (head, rest) = text.rsplit_once(") ")?;
    let (_, command) = head.split_once('(')?;
    let fields: Vec<_> = rest.split(' ').collect();
    Some(Stat {
        command: command.to_owned(),
        state: (*fields.first()?).to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        started: (*fields.get(19)?).to_owned(),
    })
}

/// A process of somebody else, known by its id and its start time: ids are used again.
#[derive(Debug)]
pub(crate) struct Foreign {
    pid: u32,
    started: String,
}

impl Foreign {
    /// The `nats-server` that this process started.
    pub(crate) fn broker_of(parent: u32) -> Result<Self> {
        for entry in fs::read_dir("/proc").context("this scenario reads /proc: run it on Linux")? {
            let name = entry?.file_name();
            let Ok(pid) = name.to_string_lossy().parse() else {
                continue;
            };
            if let Some(stat) = stat(pid)
                && stat.parent == parent
                && stat.command == "nats-server"
            {
                return Ok(Self { pid, started: stat.started });
            }
        }
        bail!("process {parent} has no child nats-server")
    }

    /// Kills it.
    pub(crate) fn kill(&self) -> Result<()> {
        // The id may belong to another process once this one has ended.
        ensure!(self.lives(), "process {} has ended already", self.pid);
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).context("no process id")?;
        kill_process(pid, Signal::KILL).with_context(|| format!("SIGKILL to {}", self.pid))
    }

    fn lives(&self) -> bool {
        // A zombie has ended; whoever inherited it has only not looked yet.
        stat(self.pid).is_some_and(|stat| stat.started == self.started && stat.state != "Z")
    }

    /// Waits until it has ended.
    pub(crate) async fn gone(&self) -> Result<()> {
        let look = async || {
            let text = format!("process {} still runs", self.pid);
            Ok(if self.lives() { Look::NotYet(text) } else { Look::Done(()) })
        };
        look_until("nats-server has ended", look).await.map(|_| ())
    }
}
